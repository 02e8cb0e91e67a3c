import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { gatewaySettings } from '../../src/settings/index.ts';
import { startTestRunner } from '../gateway/support/runner.ts';
import { ask, openViewer } from '../gateway/support/viewer.ts';

const RUN = join(import.meta.dirname, '..', '..', 'bin', 'run.js');

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
  readonly internalPort: number;
  readonly lines: () => string[];
  readonly exited: Promise<number | null>;
}

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** `camofleet gateway` as a process, with an open identity `a` and the pipe of a supervisor. */
async function startCommand(target: number): Promise<Running> {
  const child = spawn(process.execPath, [RUN, 'gateway', '--host', '127.0.0.1', '--port', '0'], {
    env: {
      PATH: process.env['PATH'],
      CAMOFLEET_GATEWAY_INTERNAL_PORT: '0',
      CAMOFLEET_GATEWAY_DRAIN_DELAY_MS: '200',
      CAMOFLEET_LIFELINE_FD: '3',
      SHUTDOWN_GRACE_MS: '5000',
      VNC_MAP_JSON: JSON.stringify({ a: { host: '127.0.0.1', port: target } }),
    },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  children.push(child);
  let output = '';
  child.stdout!.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const lines = (): string[] => output.split('\n').filter((line) => line !== '');
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  await expect.poll(() => output, { timeout: 10_000 }).toContain('gateway.listening');
  const listening = lines().find((line) => line.includes('gateway.listening'))!;
  const { port, internalPort } = JSON.parse(listening) as { port: number; internalPort: number };
  return { child, port, internalPort, lines, exited };
}

describe('the command gateway', () => {
  test.each([
    ['SIGTERM', ({ child }: Running) => child.kill('SIGTERM')],
    ['POST /admin/drain', ({ internalPort }: Running) => ask(internalPort, '/admin/drain', { method: 'POST' })],
  ])('drains on %s, tells its viewer, and exits 0', async (_name, stop) => {
    await using runner = await startTestRunner({ password: undefined });
    const gateway = await startCommand(runner.port);
    const viewer = await openViewer(gateway.port, 'a');
    await stop(gateway);
    expect((await viewer.closed).code).toBe(1012);
    expect(await gateway.exited).toBe(0);
    const last = JSON.parse(gateway.lines().at(-1)!) as object;
    expect(last).toMatchObject({ event: 'session.closed', cause: 'draining', code: 1012 });
  });

  test('says how it warmed up before it says where it listens', async () => {
    await using runner = await startTestRunner({ password: undefined });
    const gateway = await startCommand(runner.port);
    const [first] = gateway.lines().map((line) => JSON.parse(line) as object);
    const sessions = gatewaySettings.load({ env: {}, knownNames: [] }).warmUpSessions;
    expect(first).toEqual(expect.objectContaining({ event: 'gateway.warmed_up', sessions }));
    expect(first).not.toHaveProperty('problem');
  });

  test('is gone within a second of its supervisor, with its last line written', async () => {
    await using runner = await startTestRunner({ password: undefined });
    const gateway = await startCommand(runner.port);
    const viewer = await openViewer(gateway.port, 'a');
    const began = performance.now();
    gateway.child.stdio[3]!.destroy();
    expect(await gateway.exited).toBe(0);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect((await viewer.closed).code).toBe(1012);
    expect(gateway.lines().at(-1)).toContain('session.closed');
  });

  test('says which setting is wrong, and exits 2', async () => {
    const child = spawn(process.execPath, [RUN, 'gateway'], {
      env: { PATH: process.env['PATH'], WS_PING_INTERVAL_MS: 'soon', CAMOFLEET_GATEWAY_FLEET: 'x' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
    expect(await once(child, 'exit')).toEqual([2, null]);
    expect(said).toContain('WS_PING_INTERVAL_MS');
    expect(said).toContain('CAMOFLEET_GATEWAY_FLEET_ID');
  });

  test('carries nothing in its arguments', async () => {
    await using runner = await startTestRunner({ password: undefined });
    const { child } = await startCommand(runner.port);
    const argv = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').split('\0').slice(2);
    expect(argv.filter(Boolean)).toEqual(['gateway', '--host', '127.0.0.1', '--port', '0']);
  });
});
