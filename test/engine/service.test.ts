import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/core/index.ts';
import { Service } from '../../src/engine/local/service.ts';
import type { ServicePlan } from '../../src/engine/local/services.ts';
import type { Step } from '../../src/engine/steps.ts';
import { identify } from '../../src/processes/index.ts';

let dir: string;
let steps: Step[];
const never = new AbortController().signal;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-service-'));
  steps = [];
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A service that is a shell script; it is ready once the file `up` is there. */
function serviceOf(script: string, change: Partial<ServicePlan> = {}): Service {
  const deps = { clock: systemClock, onStep: (step: Step) => void steps.push(step), onChange: () => {} };
  return new Service(planOf(script, change), deps);
}

function planOf(script: string, change: Partial<ServicePlan> = {}): ServicePlan {
  return {
    name: 'gateway',
    spec: { name: 'gateway', file: '/bin/sh', args: ['-c', script], env: {}, cwd: dir, logFile: join(dir, 'log') },
    after: [],
    ready: async () => existsSync(join(dir, 'up')) || 'no file yet',
    joined: async () => true,
    stopGraceMs: 2_000,
    hurries: false,
    overlaps: false,
    ...change,
  };
}

function pidOf(service: Service): number {
  return service.record.identity!.pid;
}

describe('a service that is replaced', () => {
  const sleeping = (change: Partial<ServicePlan> = {}): ServicePlan => planOf('touch up; exec sleep 60', change);

  test('beside the one before: this one ends when its successor is ready, and no end counts as a death', async () => {
    const service = serviceOf('touch up; exec sleep 60', { overlaps: true });
    await service.start(5_000, never);
    const before = pidOf(service);
    const seen: boolean[] = [];
    const ready = async (): Promise<true | string> => {
      seen.push(identify(before) !== undefined);
      return true;
    };
    await service.replace(sleeping({ overlaps: true, ready }), 5_000, never);
    expect(seen).toEqual([true]);
    expect(identify(before)).toBeUndefined();
    expect(pidOf(service)).not.toBe(before);
    expect(service.record).toMatchObject({ state: 'ready', restarts: 0, lastEnd: null });
    process.kill(pidOf(service), 'SIGKILL');
    await expect.poll(() => service.record.restarts, { timeout: 5_000 }).toBe(1); // it is watched as the first was
    await service.stop();
  });

  test('in turn where both cannot be: the one before ends first', async () => {
    const service = serviceOf('touch up; exec sleep 60');
    await service.start(5_000, never);
    const before = pidOf(service);
    const seen: boolean[] = [];
    const ready = async (): Promise<true | string> => {
      seen.push(identify(before) !== undefined);
      return true;
    };
    await service.replace(sleeping({ ready }), 5_000, never);
    expect(seen).toEqual([false]);
    expect(service.record).toMatchObject({ state: 'ready', restarts: 0 });
    await service.stop();
    expect(service.record).toMatchObject({ state: 'stopped', identity: null });
  });

  test('by one that does not come up stays as it was', async () => {
    const service = serviceOf('touch up; exec sleep 60', { overlaps: true });
    await service.start(5_000, never);
    const before = pidOf(service);
    const replacing = service.replace(
      planOf('echo no good; exit 3', { overlaps: true, ready: async () => 'never' }),
      5_000,
      never,
    );
    await expect(replacing).rejects.toMatchObject({ code: 'CF_SERVICE_EXITED' });
    expect(identify(before)).toBeDefined();
    expect(service.record).toMatchObject({ state: 'ready', identity: { pid: before }, restarts: 0 });
    await service.stop();
    expect(identify(before)).toBeUndefined();
  });

  test('in turn by one that does not come up is started again like one that died', async () => {
    const service = serviceOf('touch up; exec sleep 60');
    await service.start(5_000, never);
    const replacing = service.replace(planOf('exit 3', { ready: async () => 'never' }), 5_000, never);
    await expect(replacing).rejects.toMatchObject({ code: 'CF_SERVICE_EXITED' });
    await expect.poll(() => service.record.restarts, { timeout: 5_000 }).toBeGreaterThan(0);
    await service.stop();
  });
});

describe('a service', () => {
  test('is started, ready, and stopped for good', async () => {
    const service = serviceOf('touch up; exec sleep 60');
    await service.start(5_000, never);
    expect(service.record).toMatchObject({ state: 'ready', restarts: 0, lastEnd: null });
    const pid = pidOf(service);
    expect(await service.stop()).toEqual({ service: 'gateway', how: 'graceful', tookMs: expect.any(Number) });
    expect(identify(pid)).toBeUndefined();
    expect(service.record).toMatchObject({ state: 'stopped', identity: null });
    expect(steps.map(({ state }) => state).filter((state) => state !== 'waiting')).toEqual(['ready', 'stopped']);
  });

  test('is up only when it sees those that it works with', async () => {
    const answers = ['control is unreachable', 'control is unreachable', true] as const;
    let asked = 0;
    const service = serviceOf('touch up; exec sleep 60', { joined: async () => answers[asked++]! });
    await service.start(5_000, never);
    expect(asked).toBe(3);
    expect(steps).toContainEqual(expect.objectContaining({ state: 'waiting', because: 'control is unreachable' }));
    await service.stop();
  });

  test('that dies is started again, with a pause that grows and the reason in its record', async () => {
    const service = serviceOf('touch up; exec sleep 60');
    await service.start(5_000, never);
    for (const [died, retryInMs] of [250, 500, 1_000].entries()) {
      const pid = pidOf(service);
      process.kill(pid, 'SIGKILL');
      await expect.poll(() => service.record.state, { interval: 5 }).toBe('waiting');
      expect(service.record).toMatchObject({ restarts: died + 1, lastEnd: 'ended by SIGKILL', identity: null });
      expect(Date.parse(service.record.nextTryAt!) - Date.now()).toBeLessThanOrEqual(retryInMs);
      expect(steps.at(-1)).toEqual({ state: 'died', service: 'gateway', because: 'ended by SIGKILL', retryInMs });
      await expect.poll(() => service.record.state, { timeout: 5_000 }).toBe('ready');
      expect(service.record.nextTryAt).toBeNull();
      expect(pidOf(service)).not.toBe(pid);
    }
    await service.stop();
  });

  test('is started again also when what it works with is gone', async () => {
    let sees = true;
    const service = serviceOf('touch up; exec sleep 60', { joined: async () => sees || 'sees nobody' });
    await service.start(5_000, never);
    sees = false;
    process.kill(pidOf(service), 'SIGKILL');
    await expect.poll(() => service.record.restarts).toBe(1);
    await expect.poll(() => service.record.state, { timeout: 5_000 }).toBe('ready');
    await service.stop();
  });

  test('takes what it left in its group with it before it is started again', async () => {
    const service = serviceOf('[ -e child ] || { sleep 60 & echo $! > child; }; touch up; exec sleep 60');
    await service.start(5_000, never);
    const { readFileSync } = await import('node:fs');
    const child = Number(readFileSync(join(dir, 'child'), 'utf8'));
    expect(identify(child)).toBeDefined();
    process.kill(pidOf(service), 'SIGKILL');
    await expect.poll(() => service.record.restarts).toBe(1);
    expect(identify(child)).toBeUndefined();
    await service.stop();
  });

  test('tells why it cannot be started again, and goes on trying', async () => {
    const service = serviceOf('[ -e broken ] && { echo no >&2; exit 9; }; touch up; exec sleep 60');
    await service.start(5_000, never);
    rmSync(join(dir, 'up'));
    writeFileSync(join(dir, 'broken'), '');
    process.kill(pidOf(service), 'SIGKILL');
    await expect.poll(() => service.record.restarts, { timeout: 5_000 }).toBeGreaterThan(1);
    expect(service.record.lastEnd).toBe('gateway exited with code 9 before it was ready');
    rmSync(join(dir, 'broken'));
    await expect.poll(() => service.record.state, { timeout: 10_000 }).toBe('ready');
    await service.stop();
  });

  test('that is stopped while it waits to be started again stays down', async () => {
    const service = serviceOf('touch up; exec sleep 60');
    await service.start(5_000, never);
    process.kill(pidOf(service), 'SIGKILL');
    await expect.poll(() => service.record.state, { interval: 5 }).toBe('waiting');
    expect(await service.stop()).toBeUndefined();
    expect(service.record).toMatchObject({ state: 'stopped', nextTryAt: null });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(steps.filter(({ state }) => state === 'ready').length).toBe(1);
  });

  test('that is stopped while it is being started again leaves no process', async () => {
    // In this order: whoever sees `up` finds what the others say as well.
    const service = serviceOf('echo $$ > pid; [ -e slow ] || { touch slow; touch up; }; exec sleep 60');
    await service.start(5_000, never);
    rmSync(join(dir, 'up'));
    rmSync(join(dir, 'pid'));
    process.kill(pidOf(service), 'SIGKILL');
    const written = (): string => (existsSync(join(dir, 'pid')) ? readFileSync(join(dir, 'pid'), 'utf8') : '');
    await expect.poll(written, { timeout: 5_000 }).toMatch(/\n$/); // the record may not know it yet
    await service.stop();
    expect(identify(Number(written()))).toBeUndefined();
  });

  test('that never becomes ready fails with its last answer, and is then stopped like any other', async () => {
    const service = serviceOf('exec sleep 60');
    await expect(service.start(200, never)).rejects.toMatchObject({ code: 'CF_SERVICE_NOT_READY' });
    expect(steps.at(-1)).toMatchObject({ state: 'failed', because: expect.stringContaining('no file yet') });
    const pid = pidOf(service);
    expect((await service.stop())?.how).toBe('graceful');
    expect(identify(pid)).toBeUndefined();
  });

  test('that did not listen is forced, and the record says so', async () => {
    const service = serviceOf(`trap '' TERM; touch up; while :; do sleep 0.1; done`, { stopGraceMs: 200 });
    await service.start(5_000, never);
    expect((await service.stop())?.how).toBe('forced');
  });

  test('whose start is interrupted fails with the reason, and tells no failure of its own', async () => {
    const service = serviceOf('exec sleep 60');
    const interruption = new AbortController();
    const starting = service.start(60_000, interruption.signal);
    setTimeout(() => interruption.abort(new Error('Ctrl-C')), 100);
    await expect(starting).rejects.toThrow('Ctrl-C');
    expect(steps.some(({ state }) => state === 'failed')).toBe(false);
    await service.stop();
  });
});
