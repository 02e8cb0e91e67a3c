import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import type { PublicSession } from '../../../src/api/index.ts';
import { CONTROL_CHANNELS, type Control, startControl } from '../../../src/control/index.ts';
import { startJsonLog } from '../../../src/core/index.ts';
import { controlSettings } from '../../../src/settings/index.ts';
import { type TokenClaims, createKeyFile, openToken, parseKeyring } from '../../../src/tokens/index.ts';
import { type PassingClock, passingClock } from '../../gateway/support/gateway.ts';

export const OPERATOR_KEY = 'operator-key-canary';
export const SERVICE_KEY = 'service-key-canary';
export const FLEET = 'fleet-1';
const WAIT_MS = 5_000;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body as JSON. */
  readonly body: unknown;
}

interface Ask {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** `null`: none is shown. */
  readonly key?: string | null;
}

export interface TestControl extends AsyncDisposable {
  readonly control: Control;
  readonly clock: PassingClock;
  /** Every log line as it would be printed. */
  readonly lines: string[];
  /** A request to the public listener, with the operator key. */
  ask(method: string, path: string, options?: Ask): Promise<Answer>;
  /** A request to the internal listener, with the service key. */
  askInternal(method: string, path: string, options?: Ask): Promise<Answer>;
  create(body?: object): Promise<PublicSession>;
  /** What a token says. */
  open(token: string): Promise<TokenClaims>;
}

/** An entry of CONTROL_WORKERS; the templates are filled in. */
export interface TestWorker {
  readonly name: string;
  readonly url: string;
  readonly supports_vnc?: boolean;
  readonly vnc_ws?: string;
  readonly vnc_http?: string;
  readonly discover?: boolean;
}

/** A control plane on free ports with keys, a page and a log of its own, over these runners. */
export async function startTestControl(
  workers: readonly TestWorker[],
  env: Readonly<Record<string, string>> = {},
  resolve?: (host: string) => Promise<readonly string[]>,
): Promise<TestControl> {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-control-'));
  const keysFile = join(dir, 'keys.json');
  await createKeyFile(keysFile);
  const config = controlSettings.load({
    env: {
      CONTROL_HOST: '127.0.0.1',
      CONTROL_PORT: '0',
      CAMOFLEET_CONTROL_INTERNAL_PORT: '0',
      CONTROL_WORKERS: JSON.stringify(workers.map((worker) => ({ ...TEMPLATES, ...worker }))),
      CAMOFLEET_CONTROL_FLEET_ID: FLEET,
      CAMOFLEET_CONTROL_TOKEN_KEYS_FILE: keysFile,
      CAMOFLEET_CONTROL_OPERATOR_KEY_FILE: writeKey(dir, 'operator.key', OPERATOR_KEY),
      CAMOFLEET_CONTROL_SERVICE_KEY_FILE: writeKey(dir, 'service.key', SERVICE_KEY),
      ...env,
    },
    knownNames: [],
  });
  const clock = passingClock();
  const lines: string[] = [];
  const endLog = startJsonLog(CONTROL_CHANNELS, { write: (line) => lines.push(line), clock, least: 'debug' });
  const control = await startControl(config, {
    clock,
    random: () => 0,
    version: '0.0.0-test',
    pageRoot: writePage(join(dir, 'page')),
    ...(resolve && { resolve }),
  });
  const ask: TestControl['ask'] = (method, path, options) => send(control.port, OPERATOR_KEY, method, path, options);
  return {
    control,
    clock,
    lines,
    ask,
    askInternal: (method, path, options) => send(control.internalPort, SERVICE_KEY, method, path, options),
    create: async (body = { browser: 'testcard' }) => {
      const answer = await ask('POST', '/sessions', { body });
      if (answer.status !== 201) throw new Error(`POST /sessions answered ${answer.status}: ${answer.text}`);
      return answer.body as PublicSession;
    },
    open: async (token) => {
      const keyring = parseKeyring(readFileSync(keysFile, 'utf8'), keysFile);
      const opened = await openToken(token, keyring, { fleetId: FLEET, nowMs: clock.now() });
      if (!opened.ok) throw new Error(`the token is ${opened.error}`);
      return opened.value;
    },
    [Symbol.asyncDispose]: async () => {
      await control[Symbol.asyncDispose]();
      endLog();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

const TEMPLATES = {
  vnc_ws: 'wss://fleet.example:8443/websockify?token={id}',
  vnc_http: 'https://fleet.example:8443/vnc/{id}',
};

/** A key file as `init` writes it. */
export function writeKey(dir: string, name: string, key: string): string {
  const file = join(dir, name);
  writeFileSync(file, key);
  chmodSync(file, 0o600);
  return file;
}

/** The least that control takes for a built page. */
function writePage(root: string): string {
  mkdirSync(join(root, '~assets'), { recursive: true });
  writeFileSync(join(root, 'index.html'), '<!doctype html><title>fleet</title>');
  writeFileSync(join(root, '~assets', 'index-1.js'), 'export {};');
  writeFileSync(join(root, '~assets', 'index-1.css'), 'body {}');
  return root;
}

async function send(port: number, ownKey: string, method: string, path: string, options: Ask = {}): Promise<Answer> {
  const { body, headers, key = ownKey } = options;
  const answer = await request(`http://127.0.0.1:${port}${path}`, {
    method: method as 'GET',
    headers: {
      ...(key !== null && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await answer.body.text();
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text,
    get body(): unknown {
      return text === '' ? undefined : JSON.parse(text);
    },
  };
}

/** The token that an address carries. */
export function tokenOf(url: string): string {
  return /token=([^&]+)/.exec(url)?.[1] ?? '';
}

/** Waits until it is so, asking again and again; says what was awaited when it does not become so. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`awaited: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
