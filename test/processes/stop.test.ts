import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { identify, stopGroup, stopProcess } from '../../src/processes/index.ts';
import { processTable } from '../../src/processes/table.ts';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A shell in a group of its own that has said that it is there. */
async function startShell(script: string, detached = true): Promise<number> {
  const child = spawn('sh', ['-c', script], { detached, stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  await once(child.stdout, 'data');
  return child.pid!;
}

function groupOf(pid: number): number[] {
  return processTable()
    .all()
    .flatMap((member) => (member.group === pid ? [member.pid] : []));
}

const STUBBORN = `trap '' TERM; echo up; while :; do sleep 0.1; done`;

describe('the stop of a group', () => {
  test('is graceful when all of it ends on SIGTERM', async () => {
    const pid = await startShell('sleep 60 & echo up; wait');
    expect(groupOf(pid).length).toBe(2);
    expect(await stopGroup(pid, 5_000)).toEqual({ how: 'graceful', tookMs: expect.any(Number) });
    expect(groupOf(pid)).toEqual([]);
  });

  test('is forced, after its grace, when a member does not listen', async () => {
    const pid = await startShell(STUBBORN);
    const report = await stopGroup(pid, 300);
    expect(report.how).toBe('forced');
    expect(report.tookMs).toBeGreaterThanOrEqual(300);
    expect(groupOf(pid)).toEqual([]);
  });

  test('waits for a grandchild that outlives its leader', async () => {
    const pid = await startShell(`(${STUBBORN}) & sleep 0.3; echo up; exit 0`);
    await expect.poll(() => identify(pid)).toBeUndefined();
    expect(groupOf(pid).length).toBeGreaterThan(0);
    expect((await stopGroup(pid, 200)).how).toBe('forced');
    expect(groupOf(pid)).toEqual([]);
  });

  test('finds nothing to do where nothing lives', async () => {
    expect(await stopGroup(4_194_305, 1_000)).toEqual({ how: 'already', tookMs: expect.any(Number) });
  });
});

describe('the stop of one process', () => {
  test('leaves the rest of its group alone', async () => {
    const pid = await startShell('sleep 60 & echo up; wait');
    const [other] = groupOf(pid).filter((member) => member !== pid);
    expect((await stopProcess(identify(pid)!, 5_000)).how).toBe('graceful');
    expect(groupOf(pid)).toEqual([other]);
    process.kill(other!, 'SIGKILL');
  });

  test('spares a process that only has the same number', async () => {
    const pid = await startShell('echo up; exec sleep 60');
    expect((await stopProcess({ pid, startedAt: 'earlier' }, 0)).how).toBe('already');
    expect(identify(pid)).toBeDefined();
  });
});
