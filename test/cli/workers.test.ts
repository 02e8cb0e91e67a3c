import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createKeyFile, parseKeyring, sealToken } from '../../src/tokens/index.ts';
import { type TestRunner, startTestRunner } from '../gateway/support/runner.ts';
import { type Answer, type TestViewer, ask, openViewer, refusalOf } from '../gateway/support/viewer.ts';

const RUN = join(import.meta.dirname, '..', '..', 'bin', 'run.js');

/** Of 200: hands dealt by chance alone would have spread by 7, and a worker that is left out has none. */
const LEAST_SHARE = 70;

type Line = Readonly<Record<string, unknown>> & { readonly event: string };

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
  readonly internalPort: number;
  lines(event: string): Line[];
  said(): string;
  readonly exited: Promise<number | null>;
}

let scope: AsyncDisposableStack;
let runner: TestRunner;
const children: ChildProcess[] = [];
beforeEach(async () => {
  scope = new AsyncDisposableStack();
  runner = scope.use(await startTestRunner({ password: undefined }));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await scope.disposeAsync();
});

function start(workers: string, env: Readonly<Record<string, string>> = {}): ChildProcess {
  const child = spawn(process.execPath, [RUN, 'gateway', '--host', '127.0.0.1', '--workers', workers], {
    env: {
      CAMOFLEET_GATEWAY_WARM_UP_SESSIONS: '8',
      PATH: process.env['PATH'],
      HTTP_PORT: '0',
      CAMOFLEET_GATEWAY_INTERNAL_PORT: '0',
      CAMOFLEET_GATEWAY_DRAIN_DELAY_MS: '200',
      CAMOFLEET_LIFELINE_FD: '3',
      SHUTDOWN_GRACE_MS: '2500',
      VNC_MAP_JSON: JSON.stringify({ a: { host: '127.0.0.1', port: runner.port } }),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

/** `camofleet gateway --workers N`, with an open identity `a` and the pipe of a supervisor. */
async function startWorkers(workers: string, env: Readonly<Record<string, string>> = {}): Promise<Running> {
  const child = start(workers, env);
  let output = '';
  child.stdout!.on('data', (bytes: Buffer) => (output += bytes.toString()));
  child.stderr!.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const lines = (event: string): Line[] =>
    output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line): Line => JSON.parse(line))
      .filter((line) => line.event === event);
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  await expect.poll(() => output, { timeout: 20_000 }).toContain('gateway.listening');
  const { port, internalPort } = lines('gateway.listening')[0]! as unknown as { port: number; internalPort: number };
  return { child, port, internalPort, lines, said: () => output, exited };
}

/** A sample of the metrics. */
async function metric({ internalPort }: Running, name: string): Promise<number> {
  const { body } = await ask(internalPort, '/metrics');
  return Number(
    body
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1] ?? 0,
  );
}

const workerOf = ({ worker }: Line): unknown => worker;

/** How many lines each worker has. */
function perWorker(lines: readonly Line[]): number[] {
  return [1, 2].map((number) => lines.filter((line) => workerOf(line) === number).length);
}

describe('several workers', () => {
  test('share the port evenly, and log and metrics are those of all', async () => {
    const gateway = await startWorkers('2');
    const viewers: TestViewer[] = [];
    for (let turn = 0; turn < 10; turn += 1)
      viewers.push(...(await Promise.all(Array.from({ length: 20 }, () => openViewer(gateway.port, 'a')))));
    await expect.poll(() => gateway.lines('session.opened').length).toBe(200);
    // Dealt in turn, but past a worker that is behind: the least share of any that still takes part evenly.
    for (const count of perWorker(gateway.lines('session.opened'))) expect(count).toBeGreaterThanOrEqual(LEAST_SHARE);
    expect(await metric(gateway, 'camofleet_gateway_sessions')).toBe(200);
    expect(await metric(gateway, 'camofleet_gateway_opened_total{rights="control"}')).toBe(200);
    for (const { socket } of viewers) socket.close(1000);
    await expect.poll(() => gateway.lines('session.closed').length, { timeout: 10_000 }).toBe(200);
    await expect.poll(() => metric(gateway, 'camofleet_gateway_sessions')).toBe(0);
    expect(await metric(gateway, 'camofleet_gateway_closed_total{cause="viewer_closed"}')).toBe(200);
    expect(gateway.lines('gateway.listening')).toHaveLength(1);
    expect(gateway.lines('gateway.warmed_up')).toMatchObject([{ sessions: 8 }, { sessions: 8 }]);
    expect(gateway.lines('gateway.warmed_up').filter(({ problem }) => problem !== undefined)).toEqual([]);
  });

  test('hold the limit of sessions exactly, and say when all places are taken', async () => {
    const gateway = await startWorkers('3', { MAX_CONCURRENT_SESSIONS: '20' });
    const tried = await Promise.allSettled(Array.from({ length: 40 }, () => openViewer(gateway.port, 'a')));
    const opened = tried.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(opened).toHaveLength(20);
    for (const answer of await Promise.all([1, 2, 3].map(() => ask(gateway.port, '/websockify?token=a'))))
      expect([answer.status, answer.problem.code]).toEqual([503, 'at_capacity']);
    opened[0]!.socket.close(1000);
    await expect.poll(() => metric(gateway, 'camofleet_gateway_sessions')).toBe(19);
    await openViewer(gateway.port, 'a');
    expect((await refusalOf(gateway.port, 'a')).status).toBe(503);
    expect(await metric(gateway, 'camofleet_gateway_sessions')).toBe(20);
  });

  test('count the failed attempts of an address together', async () => {
    const gateway = await startWorkers('2', { CAMOFLEET_GATEWAY_FAILED_ATTEMPTS_PER_MINUTE: '11' });
    const answers: Answer[] = [];
    for (let turn = 0; turn < 16; turn += 1) answers.push(await ask(gateway.port, '/websockify?token=unknown'));
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(5);
    expect(answers.slice(11).every(({ status }) => status === 429)).toBe(true);
    // A line reaches the primary behind the answer.
    await expect.poll(() => perWorker(gateway.lines('session.refused'))).toEqual([8, 8]);
  });

  test('renew a token whose socket another of them has', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'camofleet-keys-'));
    scope.defer(() => rmSync(dir, { recursive: true }));
    const file = join(dir, 'keys.json');
    await createKeyFile(file);
    const gateway = await startWorkers('2', {
      CAMOFLEET_GATEWAY_TOKEN_KEYS_FILE: file,
      CAMOFLEET_GATEWAY_FLEET_ID: 'fleet-1',
      CAMOFLEET_GATEWAY_ALLOWED_TARGETS: '127.0.0.1:1-65535',
    });
    const now = Math.floor(Date.now() / 1_000);
    const target = { host: '127.0.0.1', port: scope.use(await startTestRunner({ password: 'pw' })).port };
    const token = await sealToken(
      { aud: 'fleet-1', sid: 's', jti: 'j', sub: 'o', rights: 'view', target, pw: 'pw', iat: now, exp: now + 60 },
      parseKeyring(readFileSync(file, 'utf8'), file),
    );
    const renew = (): Promise<Answer> =>
      ask(gateway.port, '/vnc/s/token', { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    expect((await renew()).status).toBe(401);
    const viewer = await openViewer(gateway.port, token);
    for (let turn = 0; turn < 4; turn += 1) expect((await renew()).status).toBe(200);
    viewer.socket.close(1000);
    await expect.poll(async () => (await renew()).status).toBe(401);
  });

  test.each([
    ['SIGTERM', ({ child }: Running) => child.kill('SIGTERM')],
    ['POST /admin/drain', ({ internalPort }: Running) => ask(internalPort, '/admin/drain', { method: 'POST' })],
  ])('drain on %s: none is let in, every viewer is told, and the primary exits 0', async (_name, stop) => {
    const gateway = await startWorkers('2', { CAMOFLEET_GATEWAY_DRAIN_DELAY_MS: '700' });
    const viewers = await Promise.all(Array.from({ length: 8 }, () => openViewer(gateway.port, 'a')));
    await stop(gateway);
    await expect.poll(() => gateway.lines('gateway.draining').length).toBe(1);
    for (const answer of await Promise.all([1, 2].map(() => ask(gateway.port, '/readyz'))))
      expect(answer.status).toBe(503);
    expect((await refusalOf(gateway.port, 'a')).problem.code).toBe('draining');
    expect(await Promise.all(viewers.map(async ({ closed }) => (await closed).code))).toEqual(viewers.map(() => 1012));
    expect(await gateway.exited).toBe(0);
    expect(gateway.lines('session.closed').map(({ cause }) => cause)).toEqual(viewers.map(() => 'draining'));
    expect(gateway.lines('gateway.worker.ended')).toEqual([]);
  });

  test('are gone within a second of their supervisor, with their last lines written', async () => {
    const gateway = await startWorkers('2');
    const viewers = await Promise.all([1, 2, 3, 4].map(() => openViewer(gateway.port, 'a')));
    const began = performance.now();
    gateway.child.stdio[3]!.destroy();
    expect(await gateway.exited).toBe(0);
    expect(performance.now() - began).toBeLessThan(1_500);
    expect(await Promise.all(viewers.map(async ({ closed }) => (await closed).code))).toEqual([1012, 1012, 1012, 1012]);
    expect(gateway.lines('session.closed')).toHaveLength(4);
    await expectGone(gateway);
  });

  test('end when their primary is killed', async () => {
    const gateway = await startWorkers('2');
    const viewer = await openViewer(gateway.port, 'a');
    gateway.child.kill('SIGKILL');
    expect((await viewer.closed).code).toBe(1006);
    await expectGone(gateway);
  });

  test('are replaced when they die: the log says so, their sockets have their lines, their places are free', async () => {
    const gateway = await startWorkers('2', { MAX_CONCURRENT_SESSIONS: '6' });
    const viewers = await Promise.all(Array.from({ length: 6 }, () => openViewer(gateway.port, 'a')));
    await expect.poll(() => gateway.lines('session.opened').length).toBe(6);
    const [lost] = perWorker(gateway.lines('session.opened'));
    const pid = gateway.lines('gateway.worker.started').find((line) => workerOf(line) === 1)!['pid'] as number;
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => gateway.lines('gateway.worker.ended').length).toBe(1);
    expect(gateway.lines('gateway.worker.ended')[0]).toMatchObject({
      level: 'error',
      worker: 1,
      pid,
      how: 'SIGKILL',
      sessions: lost,
    });
    const closed = gateway.lines('session.closed');
    expect(closed).toHaveLength(lost!);
    expect(closed[0]).toMatchObject({ session: 'a', cause: 'internal', by: 'gateway', code: null, worker: 1 });
    expect(await metric(gateway, 'camofleet_gateway_closed_total{cause="internal"}')).toBe(lost);
    await expect.poll(() => gateway.lines('gateway.worker.started').length, { timeout: 15_000 }).toBe(3);
    const again = await Promise.all(Array.from({ length: lost! }, () => openViewer(gateway.port, 'a')));
    expect((await refusalOf(gateway.port, 'a')).status).toBe(503);
    await expect
      .poll(() =>
        gateway
          .lines('session.opened')
          .slice(6)
          .some((line) => workerOf(line) === 1),
      )
      .toBe(true);
    for (const { socket } of [...viewers, ...again]) socket.terminate();
  });

  test('say once why they cannot start, and the primary exits with it', async () => {
    await using taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as { port: number };
    const child = start('2', { HTTP_PORT: String(port) });
    let said = '';
    child.stderr!.on('data', (bytes: Buffer) => (said += bytes.toString()));
    expect(await once(child, 'exit')).toEqual([3, null]);
    expect(said.match(/CF_PORT_TAKEN/g)).toHaveLength(1);
    expect(said).toContain('HTTP_PORT');
  });

  test.each(['0', 'two', '100'])('are not %s in number', async (number) => {
    const child = start(number);
    let said = '';
    child.stderr!.on('data', (bytes: Buffer) => (said += bytes.toString()));
    expect(await once(child, 'exit')).toEqual([2, null]);
    expect(said).toContain('a number from 1 to 99, or auto');
  });
});

/** No worker is left behind. */
async function expectGone(gateway: Running): Promise<void> {
  const pids = gateway.lines('gateway.worker.started').map(({ pid }) => pid as number);
  expect(pids).toHaveLength(2);
  await expect.poll(() => pids.filter(isAlive), { timeout: 5_000 }).toEqual([]);
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // there is no such process
  }
}
