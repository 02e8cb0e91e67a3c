import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { identify, isSame } from '../../src/processes/index.ts';
import { type ProcessTable, procTable, psTable } from '../../src/processes/table.ts';
import { which } from '../support/components.ts';

const TABLES: readonly [string, ProcessTable][] = [
  ['/proc', procTable],
  ['ps', psTable],
];

describe.each(TABLES)('processes as %s tells', (_name, table) => {
  test('a living process has its group and a start time that stays', async () => {
    const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
    await once(child, 'spawn');
    const found = table.find(child.pid!);
    expect(found).toEqual({
      pid: child.pid,
      group: child.pid,
      startedAt: expect.stringMatching(/./),
      isStopped: false,
    });
    expect(table.find(child.pid!)).toEqual(found);
    expect(table.all()).toContainEqual(found);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(table.find(child.pid!)).toBeUndefined();
  });

  test('a process that a signal stopped lives, and is told from one that runs', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(child, 'spawn');
    child.kill('SIGSTOP');
    await vi.waitFor(() => expect(table.find(child.pid!)).toMatchObject({ isStopped: true }), 5_000);
    child.kill('SIGCONT');
    await vi.waitFor(() => expect(table.find(child.pid!)).toMatchObject({ isStopped: false }), 5_000);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  test('a zombie does not live', async () => {
    // The shell's child ends when the shell has become a sleep, which reaps nobody.
    const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [bytes] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(bytes.toString());
    await expect.poll(() => table.find(pid), { timeout: 5_000 }).toBeUndefined();
    expect(() => process.kill(pid, 0)).not.toThrow();
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  });

  test.each([0, 4_194_305])('there is no process %i', (pid) => {
    expect(table.find(pid)).toBeUndefined();
  });
});

test.skipIf(!existsSync('/proc/self/stat') || !which('python3'))(
  'a zombie whose other thread still runs lives: its socket accepts',
  async () => {
    const leaderEnds = [
      'import ctypes, threading, time',
      'threading.Thread(target=time.sleep, args=(60,)).start()',
      'print(1, flush=True)',
      'ctypes.CDLL(None).pthread_exit(None)',
    ].join('\n');
    const child = spawn('python3', ['-c', leaderEnds], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    await expect.poll(() => stateOf(child.pid!), { timeout: 5_000 }).toBe('Z');
    expect(procTable.find(child.pid!)).toMatchObject({ pid: child.pid });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(procTable.find(child.pid!)).toBeUndefined();
  },
);

/** The letter that proc(5) has for the state of a process. */
function stateOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '')[0]!;
}

describe('an identity', () => {
  test('is the same while the process lives, and not once another has its number', () => {
    const own = identify(process.pid)!;
    expect(isSame(own)).toBe(true);
    expect(isSame({ ...own, startedAt: `${own.startedAt}0` })).toBe(false);
  });

  test('that could not be known is nobody', () => {
    expect(isSame({ pid: process.pid, startedAt: '' })).toBe(false);
    expect(isSame({ pid: 4_194_305, startedAt: '' })).toBe(false);
  });
});
