/** A real fleet of the local engine, through the built command line, in a folder of its own; taken down with the scope. */
import { randomInt } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { Agent, request } from 'undici';
import type { CreateSession, PublicSession } from '../../src/api/index.ts';

const ENTRY = join(import.meta.dirname, '..', '..', 'bin', 'run.js');

/** In hundreds: shifted ports lie beside those of a default fleet and below those that the kernel hands out (32768). */
const [MIN_SHIFT, MAX_SHIFT] = [40, 230];

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Fleet extends AsyncDisposable {
  readonly dir: string;
  /** `https://localhost:PORT`, no slash at the end. */
  readonly url: string;
  /** PEM of the fleet's own authority. */
  readonly ca: string;
  cli(args: readonly string[], options?: { readonly timeoutMs?: number }): Promise<CliResult>;
  api<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<T>;
  createSession(body: CreateSession): Promise<PublicSession>;
  /** Processes of this fleet whose command line holds all of the words. */
  processes(...words: readonly string[]): readonly { readonly pid: number; readonly argv: readonly string[] }[];
}

/** PATH without the programs that a test wants absent: a folder of links would be needed for more. */
export interface FleetOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly initArgs?: readonly string[];
}

export async function runCli(
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>>; readonly timeoutMs?: number },
): Promise<CliResult> {
  const result = await execa(process.execPath, [ENTRY, ...args], {
    cwd: options.cwd,
    env: { NO_COLOR: '1', ...options.env },
    reject: false,
    stdin: 'ignore',
    timeout: options.timeoutMs ?? 120_000,
  });
  return { exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}

/** For `init --shift`: ports that no default fleet, and most likely no other test, has. */
export function randomShift(): number {
  return randomInt(MIN_SHIFT, MAX_SHIFT) * 100;
}

/** `init` and `up --detach --wait` in a new folder with ports of its own. */
export async function startFleet(options: FleetOptions = {}): Promise<Fleet> {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-test-'));
  const cli: Fleet['cli'] = (args, { timeoutMs } = {}) =>
    runCli(args, { cwd: dir, ...(options.env && { env: options.env }), ...(timeoutMs !== undefined && { timeoutMs }) });
  const must = async (args: readonly string[]): Promise<CliResult> => {
    const result = await cli(args);
    if (result.exitCode !== 0)
      throw new Error(`camofleet ${args.join(' ')} exited ${result.exitCode}\n${result.stderr}`);
    return result;
  };
  await must(['init', '--yes', '--shift', String(randomShift()), ...(options.initArgs ?? [])]);
  const up = await must(['up', '--detach', '--wait']);
  const url = new URL(up.stdout.trim()).origin;
  const ca = readFileSync(join(dir, '.camofleet', 'pki', 'ca.pem'), 'utf8');
  const agent = new Agent({ connect: { ca } });
  const operatorKey = readFileSync(join(dir, '.camofleet', 'secrets', 'operator.key'), 'utf8').trim();

  const api: Fleet['api'] = async <T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<T> => {
    const response = await request(`${url}/api${path}`, {
      method,
      dispatcher: agent,
      headers: { authorization: `Bearer ${operatorKey}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.body.text();
    if (response.statusCode >= 300) throw new Error(`${method} ${path} answered ${response.statusCode}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  };

  return {
    dir,
    url,
    ca,
    cli,
    api,
    createSession: (body) => api('POST', '/sessions', body),
    processes: (...words) =>
      processesBelow(dir).filter(({ argv }) => words.every((word) => argv.join(' ').includes(word))),
    [Symbol.asyncDispose]: async () => {
      await agent.close();
      const down = await cli(['down']);
      const left = processesBelow(dir);
      for (const { pid } of left) process.kill(pid, 'SIGKILL');
      rmSync(dir, { recursive: true, force: true });
      if (down.exitCode !== 0) throw new Error(`down exited ${down.exitCode}\n${down.stderr}`);
      if (left.length > 0) throw new Error(`left after down: ${left.map(({ argv }) => argv.join(' ')).join('\n')}`);
    },
  };
}

/** Living processes whose command line or working folder lies in the fleet's folder. */
export function processesBelow(dir: string): { pid: number; argv: string[] }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const argv = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').filter(Boolean);
        const environment = readFileSync(`/proc/${name}/environ`, 'utf8');
        const own = argv.some((word) => word.includes(dir)) || environment.includes(dir);
        return own && argv.length > 0 ? [{ pid: Number(name), argv }] : [];
      } catch {
        return []; // gone meanwhile, or a zombie
      }
    });
}
