/** A runner in this process, with ports, displays, a folder, a key and a log of its own. */
import { randomInt } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import type { CreateSession, RunnerHealth, RunnerSession } from '../../../src/api/index.ts';
import { startJsonLog } from '../../../src/core/index.ts';
import { RUNNER_CHANNELS, startRunner } from '../../../src/runner/index.ts';
import { runnerSettings } from '../../../src/settings/index.ts';
import { type PassingClock, passingClock } from '../../gateway/support/gateway.ts';
import { freePorts } from './ports.ts';

export const SERVICE_KEY = 'service-key-canary';
const WAIT_MS = 10_000;
/** Beyond those of shifted fleets. */
const DISPLAYS = { min: 12_000, max: 50_000 };

export interface Answer<T = unknown> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: T;
}

interface Ask {
  readonly body?: unknown;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface TestRunner extends AsyncDisposable {
  readonly port: number;
  readonly internalPort: number;
  readonly clock: PassingClock;
  readonly dir: string;
  /** The first RFB port and the first display of its slots. */
  readonly rfbPort: number;
  readonly display: number;
  /** The log as parsed lines. */
  readonly lines: readonly Readonly<Record<string, unknown>>[];
  /** The lines of an event; waits until there are so many. */
  log(event: string, count?: number): Promise<readonly Readonly<Record<string, unknown>>[]>;
  ask<T = unknown>(method: string, path: string, options?: Ask): Promise<Answer<T>>;
  create(body?: CreateSession): Promise<RunnerSession>;
  health(): Promise<RunnerHealth>;
}

export interface Options {
  readonly env?: Readonly<Record<string, string>>;
  /** How many slots there are. */
  readonly slots?: number;
  /** PATH of its children; empty, there are no displays and no browsers. */
  readonly path?: string;
  /** The state folder, kept afterwards. */
  readonly stateDir?: string;
  readonly isRoot?: boolean;
}

export async function startTestRunner(options: Options = {}): Promise<TestRunner> {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-runner-'));
  const slots = options.slots ?? 4;
  const rfbPort = await freePorts(slots);
  const display = randomInt(DISPLAYS.min, DISPLAYS.max);
  const clock = passingClock();
  const config = runnerSettings.load({
    env: {
      RUNNER_HOST: '127.0.0.1',
      RUNNER_PORT: '0',
      CAMOFLEET_RUNNER_INTERNAL_PORT: '0',
      CAMOFLEET_RUNNER_STATE_DIR: options.stateDir ?? join(dir, 'state'),
      CAMOFLEET_RUNNER_SERVICE_KEY_FILE: writeKey(dir),
      RUNNER_VNC_PORT_MIN: String(rfbPort),
      RUNNER_VNC_PORT_MAX: String(rfbPort + slots - 1),
      RUNNER_VNC_DISPLAY_MIN: String(display),
      RUNNER_VNC_DISPLAY_MAX: String(display + slots - 1),
      RUNNER_VNC_RESOLUTION: '640x480x24',
      RUNNER_CLEANUP_INTERVAL: '0.1',
      RUNNER_PREWARM_CHECK_INTERVAL_SECONDS: '0.2',
      ...options.env,
    },
    knownNames: [],
  });
  const lines: Readonly<Record<string, unknown>>[] = [];
  const endLog = startJsonLog(RUNNER_CHANNELS, {
    write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
    clock,
    least: 'debug',
  });
  const runner = await startRunner(config, {
    clock,
    version: '0.0.0-test',
    path: options.path ?? '',
    home: dir,
    isRoot: options.isRoot ?? process.getuid?.() === 0,
    temporaryFolder: dir,
  }).catch((error: unknown) => {
    endLog();
    rmSync(dir, { recursive: true, force: true });
    throw error;
  });
  const ask: TestRunner['ask'] = <T>(method: string, path: string, options?: Ask) =>
    send(runner.port, method, path, options) as Promise<Answer<T>>;
  return {
    port: runner.port,
    internalPort: runner.internalPort,
    clock,
    dir,
    rfbPort,
    display,
    lines,
    log: async (event, count = 1) => {
      const until = Date.now() + WAIT_MS;
      for (;;) {
        const found = lines.filter((line) => line['event'] === event);
        if (found.length >= count) return found;
        if (Date.now() > until) throw new Error(`${count} x ${event} awaited, the log has\n${JSON.stringify(lines)}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    ask,
    create: async (body = { browser: 'testcard' }) => {
      const answer = await ask<RunnerSession>('POST', '/sessions', { body });
      if (answer.status !== 201)
        throw new Error(`POST /sessions answered ${answer.status}, the log has\n${JSON.stringify(lines)}`);
      return answer.body;
    },
    health: async () => (await ask<RunnerHealth>('GET', '/health')).body,
    [Symbol.asyncDispose]: async () => {
      await runner[Symbol.asyncDispose]();
      endLog();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function send(port: number, method: string, path: string, { body, key, headers }: Ask = {}): Promise<Answer> {
  const shown = key === undefined ? SERVICE_KEY : key;
  const answer = await request(`http://127.0.0.1:${port}${path}`, {
    method: method as 'GET',
    headers: {
      ...(shown !== null && { authorization: `Bearer ${shown}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, headers: answer.headers, body: text === '' ? '' : (JSON.parse(text) as unknown) };
}

function writeKey(dir: string): string {
  const file = join(dir, 'service.key');
  writeFileSync(file, SERVICE_KEY);
  chmodSync(file, 0o600);
  return file;
}
