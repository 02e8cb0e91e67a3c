import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomId } from '../../../src/core/index.ts';
import { type Rights, createKeyFile, parseKeyring, sealToken } from '../../../src/tokens/index.ts';

const RUN = join(import.meta.dirname, '..', '..', '..', 'bin', 'run.js');
const FLEET = 'fleet-1';
const START_MS = 20_000;

/** The built gateway as a process of its own, with a key file. */
export interface GatewayProcess extends AsyncDisposable {
  readonly port: number;
  /** A token of a session on a runner on loopback; the password is what the runner asks for, empty for none. */
  token(claims: { readonly port: number; readonly password: string; readonly rights: Rights }): Promise<string>;
  /** What it has printed. */
  log(): string;
}

export async function startGatewayProcess(env: Readonly<Record<string, string>> = {}): Promise<GatewayProcess> {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-gateway-'));
  const keysFile = join(dir, 'keys.json');
  await createKeyFile(keysFile);
  const child = spawn(process.execPath, [RUN, 'gateway', '--host', '127.0.0.1', '--port', '0'], {
    env: {
      PATH: process.env['PATH'],
      CAMOFLEET_GATEWAY_INTERNAL_PORT: '0',
      CAMOFLEET_GATEWAY_FLEET_ID: FLEET,
      CAMOFLEET_GATEWAY_TOKEN_KEYS_FILE: keysFile,
      CAMOFLEET_GATEWAY_ALLOWED_TARGETS: '127.0.0.1:1-65535',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const until = Date.now() + START_MS;
  while (!output.includes('gateway.listening')) {
    if (Date.now() > until) throw new Error(`the gateway does not listen: ${output}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { port } = JSON.parse(output.split('\n').find((line) => line.includes('gateway.listening'))!) as {
    port: number;
  };
  return {
    port,
    token: async ({ port: runner, password, rights }) => {
      const now = Math.floor(Date.now() / 1_000);
      const target = { host: '127.0.0.1', port: runner };
      const claims = { aud: FLEET, sid: 's1', jti: randomId(), sub: 'test', rights, target, pw: password };
      return sealToken({ ...claims, iat: now, exp: now + 300 }, parseKeyring(readFileSync(keysFile, 'utf8'), keysFile));
    },
    log: () => output,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
