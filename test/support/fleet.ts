/** A real fleet of the local engine, through the built command line, in a folder of its own; taken down with the scope. */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { Agent, request } from 'undici';
import type { CreateSession, PublicSession } from '../../src/api/index.ts';
import { type Topology, loadTopology, publicOrigin } from '../../src/topology/index.ts';
import { which } from './components.ts';

const ENTRY = join(import.meta.dirname, '..', '..', 'bin', 'run.js');

/** In hundreds: shifted ports lie beside those of a default fleet and below those that the kernel hands out (32768). */
const [MIN_SHIFT, MAX_SHIFT] = [40, 230];

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartedCli {
  readonly pid: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** The exit code; -1 when a signal ended it. */
  readonly ended: Promise<number>;
}

export interface Fleet extends AsyncDisposable {
  readonly dir: string;
  /** `https://localhost:PORT`, no slash at the end. */
  readonly url: string;
  /** PEM of the fleet's own authority. */
  readonly ca: string;
  readonly topology: Topology;
  cli(args: readonly string[], options?: { readonly timeoutMs?: number }): Promise<CliResult>;
  /** The command line as a process that goes on: its output so far, and its end. */
  start(args: readonly string[]): StartedCli;
  api<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: object): Promise<T>;
  createSession(body: CreateSession): Promise<PublicSession>;
  /** Processes of this fleet whose command line holds all of the words. */
  processes(...words: readonly string[]): readonly { readonly pid: number; readonly argv: readonly string[] }[];
}

export interface FleetOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** When given, PATH holds these alone, those that this host has: without `traefik` the embedded ingress serves. */
  readonly programs?: readonly string[];
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

/** The listeners of a fleet that was not shifted. */
const PORTS = [8443, 6900, 6901, 8070, 8071, 9000, 9001];
const SHIFT_TRIES = 50;

/** A shift whose ports were free a moment ago. */
async function freeShift(): Promise<number> {
  for (let tries = 0; tries < SHIFT_TRIES; tries += 1) {
    const shift = randomShift();
    const free = await Promise.all(PORTS.map((port) => isFree(port + shift)));
    if (free.every(Boolean)) return shift;
  }
  throw new Error(`no free ports were found in ${SHIFT_TRIES} tries`);
}

/** Whether nobody listens on a port of this host. */
export function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** `init` in a new folder with ports of its own; nothing runs yet. */
export async function newFleet(options: FleetOptions = {}): Promise<Fleet> {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-test-'));
  const path = options.programs && { PATH: linkPrograms(join(dir, 'programs'), options.programs) };
  const env = { NO_COLOR: '1', ...path, ...options.env };
  const cli: Fleet['cli'] = (args, { timeoutMs } = {}) =>
    runCli(args, { cwd: dir, env, ...(timeoutMs !== undefined && { timeoutMs }) });
  await succeed(cli, ['init', '--yes', '--shift', String(await freeShift()), ...(options.initArgs ?? [])]);
  const topology = await loadTopology(join(dir, 'camofleet.yaml'));
  const url = publicOrigin(topology);
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
    topology,
    cli,
    start: (args) => startCli(args, dir, env),
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

/** How often ports that another test has taken meanwhile are a reason to try others. */
const PORT_TRIES = 3;

/** A new fleet, and `up --detach --wait`. */
export async function startFleet(options: FleetOptions = {}, tries = PORT_TRIES): Promise<Fleet> {
  const fleet = await newFleet(options);
  const up = await fleet.cli(['up', '--detach', '--wait']);
  if (up.exitCode === 0) return fleet;
  await fleet[Symbol.asyncDispose]();
  if (tries > 1 && up.stderr.includes('CF_PORT_TAKEN')) return startFleet(options, tries - 1);
  throw new Error(`camofleet up exited ${up.exitCode}\n${up.stderr}`);
}

async function succeed(cli: Fleet['cli'], args: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await cli(args);
  if (exitCode !== 0) throw new Error(`camofleet ${args.join(' ')} exited ${exitCode}\n${stderr}`);
}

function startCli(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>): StartedCli {
  const child = spawn(process.execPath, [ENTRY, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', (bytes: Buffer) => (said.stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (said.stderr += bytes.toString()));
  const ended = once(child, 'close').then(([code]) => (code as number | null) ?? -1);
  return { pid: child.pid!, stdout: () => said.stdout, stderr: () => said.stderr, ended };
}

/** A folder of links to some programs, to be used as PATH: what is not in it is not there. */
function linkPrograms(folder: string, programs: readonly string[]): string {
  mkdirSync(folder);
  for (const program of programs) {
    const path = which(program);
    if (path !== undefined) symlinkSync(path, join(folder, program));
  }
  return folder;
}

/** Living processes whose command line, environment or working folder lies in the fleet's folder. */
export function processesBelow(dir: string): { pid: number; argv: string[] }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const argv = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').filter(Boolean);
        const places = [...argv, readFileSync(`/proc/${name}/environ`, 'utf8'), readlinkSync(`/proc/${name}/cwd`)];
        return places.some((place) => place.includes(dir)) && argv.length > 0 ? [{ pid: Number(name), argv }] : [];
      } catch {
        return []; // gone meanwhile, or a zombie
      }
    });
}
