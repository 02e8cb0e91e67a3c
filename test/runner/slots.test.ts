import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type Server, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { slotSkipped } from '../../src/runner/events.ts';
import { SlotPool } from '../../src/runner/slots.ts';
import { hostDisplays } from '../../src/runner/x-locks.ts';
import { freePorts } from './support/ports.ts';

const HOST = '127.0.0.1';
let tmp: string;
let skipped: { what: string; because: string }[];
let unsubscribe: () => void;

beforeEach(() => {
  tmp = mkdtempSync(join(tmpdir(), 'camofleet-x-'));
  mkdirSync(join(tmp, '.X11-unix'));
  skipped = [];
  unsubscribe = slotSkipped.subscribe((fact) => skipped.push(fact));
});
afterEach(() => {
  unsubscribe();
  rmSync(tmp, { recursive: true, force: true });
});

const lockOf = (display: number): string => join(tmp, `.X${display}-lock`);
const socketOf = (display: number): string => join(tmp, '.X11-unix', `X${display}`);

function lock(display: number, text: string): void {
  writeFileSync(lockOf(display), text);
}

/** The number of a process that has ended. */
function deadPid(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

async function pool(count: number): Promise<{ pool: SlotPool; first: number }> {
  const first = await freePorts(count);
  const ranges = {
    displays: { min: 100, max: 199 },
    rfbPorts: { min: first, max: first + count - 1 },
    legacyIds: { min: 6900, max: 6999 },
    host: HOST,
  };
  return { pool: new SlotPool(ranges, hostDisplays(tmp)), first };
}

async function hold(where: { port: number; host: string } | { path: string }): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).listen(where);
  await once(server, 'listening');
  return server;
}

describe('a slot', () => {
  test('is a display, an RFB port and a legacy id that belong together', async () => {
    const { pool: slots, first } = await pool(2);
    expect(await slots.acquire(true)).toMatchObject({ display: 100, rfbPort: first, legacyId: 6900 });
    expect(await slots.acquire(true)).toMatchObject({ display: 101, rfbPort: first + 1, legacyId: 6901 });
  });

  test('that is given back is the last to be used again, and counts once', async () => {
    const { pool: slots, first } = await pool(3);
    const lease = await slots.acquire(true);
    lease.release();
    lease.release();
    const ports = [await slots.acquire(true), await slots.acquire(true), await slots.acquire(true)];
    expect(ports.map(({ rfbPort }) => rfbPort - first)).toEqual([1, 2, 0]);
    await expect(slots.acquire(true)).rejects.toThrow('no slot (display and RFB port) is free');
  });

  test.each([
    ['displays', { displays: { min: 100, max: 100 } }],
    ['RFB ports', { rfbPorts: { min: 1, max: 1 } }],
    ['legacy ids', { legacyIds: { min: 6900, max: 6900 } }],
  ])('exists only as often as there are %s', async (_name, narrow) => {
    const first = await freePorts(3);
    const wide = {
      displays: { min: 100, max: 102 },
      rfbPorts: { min: first, max: first + 2 },
      legacyIds: { min: 6900, max: 6902 },
      host: HOST,
    };
    const ranges = { ...wide, ...narrow, ...('rfbPorts' in narrow && { rfbPorts: { min: first, max: first } }) };
    const slots = new SlotPool(ranges, hostDisplays(tmp));
    await slots.acquire(false);
    await expect(slots.acquire(false)).rejects.toMatchObject({ code: 'CF_SLOTS_EXHAUSTED' });
  });

  test('is never leased twice, however many ask at once', async () => {
    const { pool: slots } = await pool(12);
    const results = await Promise.allSettled(Array.from({ length: 30 }, () => slots.acquire(true)));
    const leased = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(leased).toHaveLength(12);
    for (const key of ['display', 'rfbPort', 'legacyId'] as const)
      expect(new Set(leased.map((slot) => slot[key])).size).toBe(12);
    for (const lease of leased) lease.release();
    expect(await Promise.all(Array.from({ length: 12 }, () => slots.acquire(true)))).toHaveLength(12);
  });
});

describe('what a stranger holds is skipped and named', () => {
  test('a port, also one that is bound everywhere', async () => {
    const { pool: slots, first } = await pool(3);
    await using _one = await hold({ port: first, host: HOST });
    await using _other = await hold({ port: first + 1, host: '0.0.0.0' });
    expect(await slots.acquire(false)).toMatchObject({ rfbPort: first + 2 });
    expect(skipped).toEqual([
      { what: `port ${first}`, because: 'somebody else listens on it' },
      { what: `port ${first + 1}`, because: 'somebody else listens on it' },
    ]);
  });

  test('a display whose socket answers', async () => {
    const { pool: slots } = await pool(2);
    await using _server = await hold({ path: socketOf(100) });
    expect(await slots.acquire(true)).toMatchObject({ display: 101 });
    expect(skipped).toEqual([{ what: 'display :100', because: 'an X server answers on its socket' }]);
    expect(existsSync(socketOf(100))).toBe(true);
  });

  test('a display whose lock names a process that lives', async () => {
    const { pool: slots } = await pool(2);
    lock(100, `${String(process.pid).padStart(10)}\n`);
    expect(await slots.acquire(true)).toMatchObject({ display: 101 });
    expect(skipped).toEqual([
      { what: 'display :100', because: `its lock file names process ${process.pid}, which lives` },
    ]);
    expect(existsSync(lockOf(100))).toBe(true);
  });

  test('a display whose lock cannot be removed, and the slot is not lost for it', async () => {
    const { pool: slots } = await pool(1);
    mkdirSync(join(lockOf(100), 'full'), { recursive: true });
    await expect(slots.acquire(true)).rejects.toThrow('1 cannot be used, the log says why');
    expect(skipped).toEqual([{ what: 'display :100', because: expect.stringContaining('cannot be removed: ') }]);
    rmSync(lockOf(100), { recursive: true });
    expect(await slots.acquire(true)).toMatchObject({ display: 100 });
  });

  test('and is used again when the stranger has gone', async () => {
    const { pool: slots, first } = await pool(1);
    const server = await hold({ port: first, host: HOST });
    await expect(slots.acquire(false)).rejects.toThrow('1 cannot be used');
    server.close();
    await once(server, 'close');
    expect(await slots.acquire(false)).toMatchObject({ rfbPort: first });
  });

  test('no display is looked at for a test card', async () => {
    const { pool: slots } = await pool(1);
    lock(100, String(process.pid));
    expect(await slots.acquire(false)).toMatchObject({ display: 100 });
    expect(existsSync(lockOf(100))).toBe(true);
  });

  test('an address that is not ours is called by its name', async () => {
    const ranges = {
      displays: { min: 1, max: 1 },
      rfbPorts: { min: 5900, max: 5900 },
      legacyIds: { min: 6900, max: 6900 },
    };
    const slots = new SlotPool({ ...ranges, host: '192.0.2.1' }, hostDisplays(tmp));
    await expect(slots.acquire(false)).rejects.toMatchObject({ code: 'CF_SLOTS_EXHAUSTED' });
    expect(skipped).toEqual([{ what: 'port 5900', because: expect.stringContaining('EADDRNOTAVAIL') }]);
  });
});

describe('what a dead X server left is removed', () => {
  test.each([
    ['a lock of a process that has ended', () => `${deadPid()}\n`],
    ['an empty lock', () => ''],
    ['a lock with no number', () => 'none'],
  ])('%s', async (_name, text) => {
    const { pool: slots } = await pool(1);
    lock(100, text());
    writeFileSync(socketOf(100), '');
    expect(await slots.acquire(true)).toMatchObject({ display: 100 });
    expect(skipped).toEqual([]);
    expect([existsSync(lockOf(100)), existsSync(socketOf(100))]).toEqual([false, false]);
  });

  test('a socket on which nobody accepts', async () => {
    const { pool: slots } = await pool(1);
    const script = `require('net').createServer().listen(${JSON.stringify(socketOf(100))}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(existsSync(socketOf(100))).toBe(true);
    expect(await slots.acquire(true)).toMatchObject({ display: 100 });
    expect(existsSync(socketOf(100))).toBe(false);
  });
});
