import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunnerSession } from '../../src/api/index.ts';
import { identify } from '../../src/processes/index.ts';
import { StateFolder } from '../../src/runner/state-folder.ts';
import { hostDisplays } from '../../src/runner/x-locks.ts';
import { openCard } from '../runner/support/card.ts';
import { freePorts } from '../runner/support/ports.ts';
import { X11VNC, XVFB, notesOf, writePrograms } from '../runner/support/programs.ts';
import { which } from '../support/components.ts';

const RUN = join(import.meta.dirname, '..', '..', 'bin', 'run.js');
const KEY = 'service-key-canary';

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
  readonly lines: () => string[];
  readonly exited: Promise<[number | null, NodeJS.Signals | null]>;
}

let dir: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-runner-cli-'));
  writeFileSync(join(dir, 'service.key'), `${KEY}\n`);
  chmodSync(join(dir, 'service.key'), 0o600);
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

function spawnRunner(env: Readonly<Record<string, string>>, args: readonly string[] = ['--port', '0']): ChildProcess {
  const child = spawn(process.execPath, [RUN, 'runner', '--host', '127.0.0.1', ...args], {
    env: {
      PATH: '',
      HOME: dir,
      CAMOFLEET_RUNNER_INTERNAL_PORT: '0',
      CAMOFLEET_RUNNER_SERVICE_KEY_FILE: join(dir, 'service.key'),
      CAMOFLEET_RUNNER_STATE_DIR: join(dir, 'state'),
      CAMOFLEET_LIFELINE_FD: '3',
      CAMOFLEET_RUNNER_LOG_LEVEL: 'debug',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

/** `camofleet runner` as a process, with the pipe of a supervisor. */
async function startCommand(env: Readonly<Record<string, string>> = {}): Promise<Running> {
  const first = await freePorts(2);
  const child = spawnRunner({ RUNNER_VNC_PORT_MIN: String(first), RUNNER_VNC_PORT_MAX: String(first + 1), ...env });
  const exited = once(child, 'exit') as Running['exited'];
  let output = '';
  child.stdout!.on('data', (bytes: Buffer) => (output += bytes.toString()));
  child.stderr!.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const lines = (): string[] => output.split('\n').filter((line) => line !== '');
  await expect.poll(() => output, { timeout: 15_000 }).toContain('runner.listening');
  const { port } = JSON.parse(lines().find((line) => line.includes('runner.listening'))!) as { port: number };
  return { child, port, lines, exited };
}

async function create({ port }: Running, browser: string): Promise<RunnerSession> {
  const answer = await fetch(`http://127.0.0.1:${port}/sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ browser }),
  });
  expect(answer.status).toBe(201);
  return (await answer.json()) as RunnerSession;
}

/** What a command that does not start says, and its exit code. */
async function failure(child: ChildProcess): Promise<{ code: number | null; said: string }> {
  let said = '';
  child.stderr!.on('data', (bytes: Buffer) => (said += bytes.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, said };
}

/** PATH with programs in the place of Xvfb and x11vnc, and nothing else. */
function fakePath(): string {
  return writePrograms(dir, { Xvfb: XVFB.good, x11vnc: X11VNC.good });
}

/** Two displays beyond those of shifted fleets. */
function display(): Readonly<Record<string, string>> {
  const first = randomInt(12_000, 50_000);
  return { RUNNER_VNC_DISPLAY_MIN: String(first), RUNNER_VNC_DISPLAY_MAX: String(first + 1) };
}

const alive = (name: string): boolean => notesOf(dir, name).some(({ pid }) => identify(pid) !== undefined);

describe('the command runner', () => {
  test('ends its sessions on SIGTERM, tells of each, and exits 0 with nothing left', async () => {
    const runner = await startCommand({ PATH: fakePath(), ...display() });
    const [screen, card] = [await create(runner, 'none'), await create(runner, 'testcard')];
    using viewer = await openCard(card.target!.port, card.target!.password);
    runner.child.kill('SIGTERM');
    expect(await runner.exited).toEqual([0, null]);
    await viewer.closed;
    const ended = runner
      .lines()
      .map((line) => JSON.parse(line) as { event: string; session: string; reason: string })
      .filter(({ event }) => event === 'session.ended');
    expect(ended.map(({ session }) => session).toSorted()).toEqual([screen.id, card.id].toSorted());
    expect(new Set(ended.map(({ reason }) => reason))).toEqual(new Set(['shutdown']));
    expect([alive('Xvfb'), alive('x11vnc')]).toEqual([false, false]);
    expect(readdirSync(join(dir, 'state', 'sessions'))).toEqual([]);
  });

  test('ends with its supervisor', async () => {
    const runner = await startCommand({ PATH: fakePath(), ...display() });
    await create(runner, 'none');
    const began = performance.now();
    runner.child.stdio[3]!.destroy();
    expect(await runner.exited).toEqual([0, null]);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect([alive('Xvfb'), alive('x11vnc')]).toEqual([false, false]);
  });

  test('that is killed leaves nothing that the next one does not end and remove', async () => {
    const where = display();
    const killed = await startCommand({ PATH: fakePath(), ...where });
    const { id } = await create(killed, 'none');
    killed.child.kill('SIGKILL');
    await killed.exited;
    expect([alive('Xvfb'), alive('x11vnc'), existsSync(join(dir, 'state', 'sessions', id))]).toEqual([
      true,
      true,
      true,
    ]);
    const next = await startCommand({ PATH: fakePath(), ...where });
    expect([alive('Xvfb'), alive('x11vnc')]).toEqual([false, false]);
    expect(readdirSync(join(dir, 'state', 'sessions'))).toEqual([]);
    expect(existsSync(`/tmp/.X${where['RUNNER_VNC_DISPLAY_MIN']}-lock`)).toBe(false);
    expect((await create(next, 'none')).status).toBe('ready');
    next.child.kill('SIGTERM');
    expect(await next.exited).toEqual([0, null]);
  });

  test.skipIf(!which('setpriv'))('that is killed takes its children with it where there is setpriv', async () => {
    const killed = await startCommand({ PATH: `${fakePath()}:${dirname(which('setpriv')!)}`, ...display() });
    await create(killed, 'none');
    killed.child.kill('SIGKILL');
    await expect.poll(() => [alive('Xvfb'), alive('x11vnc')], { timeout: 5_000 }).toEqual([false, false]);
    await StateFolder.claim(join(dir, 'state'), hostDisplays()); // removes lock and folders
  });

  test('removes a state folder of its own making', async () => {
    const runner = await startCommand({ CAMOFLEET_RUNNER_STATE_DIR: '', TMPDIR: dir });
    expect(readdirSync(dir).filter((name) => name.startsWith('camofleet-runner-'))).toHaveLength(1);
    runner.child.kill('SIGTERM');
    expect(await runner.exited).toEqual([0, null]);
    expect(readdirSync(dir).filter((name) => name.startsWith('camofleet-runner-'))).toEqual([]);
  });

  test('has no secret in its arguments and environment', async () => {
    const { child } = await startCommand();
    const shown = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${child.pid}/${name}`, 'utf8')).join(' ');
    expect(shown).not.toContain(KEY);
  });
});

describe('the command runner does not start', () => {
  test('without a service key, and says what is wanted', async () => {
    const { code, said } = await failure(spawnRunner({ CAMOFLEET_RUNNER_SERVICE_KEY_FILE: '' }));
    expect(code).toBe(2);
    expect(said).toContain('CAMOFLEET_RUNNER_SERVICE_KEY_FILE must name a file with a key');
  });

  test('with a key that others can read', async () => {
    chmodSync(join(dir, 'service.key'), 0o644);
    const { code, said } = await failure(spawnRunner({}));
    expect(code).toBe(2);
    expect(said).toContain('chmod 600');
  });

  test('with settings that are wrong, and names all of them', async () => {
    const { code, said } = await failure(
      spawnRunner({
        RUNNER_VNC_RESOLUTION: 'big',
        RUNNER_VNC_PORT_MIN: '6000',
        RUNNER_VNC_PORT_MAX: '5000',
        RUNNER_VNC_WS_BASE: 'wss://vnc.example.com',
        RUNNER_PREWARM_VCN: '1',
        CAMOFLEET_RUNNER_BROWSERS: '{"chromium": {"command": "chromium"}}',
      }),
    );
    expect(code).toBe(2);
    for (const words of [
      'RUNNER_VNC_RESOLUTION must be',
      'RUNNER_VNC_PORT_MIN must not be above',
      'RUNNER_VNC_WS_BASE and RUNNER_VNC_HTTP_BASE must both be set',
      'did you mean RUNNER_PREWARM_VNC?',
      '{command: [argv], playwright: true or false} for browser "chromium"',
    ])
      expect(said).toContain(words);
  });

  test('on a port that is taken, which it names', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const port = String((holder.address() as { port: number }).port);
    const { code, said } = await failure(spawnRunner({}, ['--port', port]));
    holder.close();
    expect(code).toBe(3);
    expect(said).toContain(`cannot listen on 127.0.0.1:${port} (RUNNER_PORT)`);
  });

  test('in the state folder of a runner that lives, whose sessions go on', async () => {
    const first = await startCommand({ PATH: fakePath(), ...display() });
    await create(first, 'none');
    const { code, said } = await failure(spawnRunner({}));
    expect(code).toBe(3);
    expect(said).toContain(`another runner, process ${first.child.pid}, uses the state folder`);
    expect([alive('Xvfb'), alive('x11vnc')]).toEqual([true, true]);
    first.child.kill('SIGTERM');
    expect(await first.exited).toEqual([0, null]);
  });
});
