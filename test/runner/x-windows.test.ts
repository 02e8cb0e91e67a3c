import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { showsWindow } from '../../src/runner/x-windows.ts';

const COOKIE = Buffer.from('00112233445566778899aabbccddeeff', 'hex');
const ROOT = 0x2c5;

interface Window {
  readonly id: number;
  readonly kind?: 'inputOnly';
  readonly state?: 'unmapped' | 'unviewable' | 'viewable';
  readonly gone?: boolean;
}

interface FakeX extends AsyncDisposable {
  readonly path: string;
  /** What the client has sent, whole. */
  readonly received: () => Buffer;
}

/** An X server with these windows below its root, whose answers come so many bytes at a time. */
async function startFakeX(windows: readonly Window[], size = 1_000, refuse = false): Promise<FakeX> {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-fake-x-'));
  const path = join(dir, 'X1');
  let received = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('error', () => {});
    const say = (bytes: Buffer): void => {
      for (let at = 0; at < bytes.length; at += size) socket.write(bytes.subarray(at, at + size));
    };
    let pending = Buffer.alloc(0);
    let open = false;
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      pending = Buffer.concat([pending, bytes]);
      if (!open && pending.length >= 48) {
        open = true;
        pending = pending.subarray(48);
        say(refuse ? refusal('Authorization required') : setup());
      }
      for (; open && pending.length >= 8; pending = pending.subarray(8)) say(answer(pending, windows));
    });
  }).listen(path);
  await once(server, 'listening');
  return {
    path,
    received: () => received,
    [Symbol.asyncDispose]: async () => {
      server.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A success with a vendor of 21 characters, two pixmap formats and one screen. */
function setup(): Buffer {
  const body = Buffer.alloc(32 + 24 + 16 + 40);
  body.writeUInt16LE(21, 16);
  body.writeUInt8(1, 20);
  body.writeUInt8(2, 21);
  body.write('The X.Org Foundation!', 32);
  body.writeUInt32LE(ROOT, 32 + 24 + 16);
  return Buffer.concat([head(1, body.length / 4), body]);
}

function refusal(reason: string): Buffer {
  const body = Buffer.alloc(Math.ceil(reason.length / 4) * 4);
  body.write(reason);
  const start = head(0, body.length / 4);
  start.writeUInt8(reason.length, 1);
  return Buffer.concat([start, body]);
}

function head(status: number, words: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(status, 0);
  bytes.writeUInt16LE(words, 6);
  return bytes;
}

function answer(request: Buffer, windows: readonly Window[]): Buffer {
  const wanted = request.readUInt32LE(4);
  if (request[0] === 15 && wanted === ROOT) {
    const reply = Buffer.alloc(32 + 4 * windows.length);
    reply.writeUInt8(1, 0);
    reply.writeUInt32LE(windows.length, 4);
    reply.writeUInt16LE(windows.length, 16);
    for (const [index, { id }] of windows.entries()) reply.writeUInt32LE(id, 32 + 4 * index);
    return reply;
  }
  const window = windows.find(({ id }) => id === wanted);
  if (!window || window.gone) return Buffer.alloc(32); // an error: type 0
  const reply = Buffer.alloc(44);
  reply.writeUInt8(1, 0);
  reply.writeUInt32LE(3, 4);
  reply.writeUInt16LE(window.kind === 'inputOnly' ? 2 : 1, 12);
  reply.writeUInt8({ unmapped: 0, unviewable: 1, viewable: 2 }[window.state ?? 'viewable'], 26);
  return reply;
}

const patience = (): AbortSignal => AbortSignal.timeout(5_000);

describe('a display shows a window', () => {
  test.each<[string, Window[], boolean]>([
    ['that is there', [{ id: 7 }], true],
    ['behind others that are not to be seen', [{ id: 7, state: 'unmapped' }, { id: 8 }], true],
    ['but not when it has none', [], false],
    ['but not one that is not mapped', [{ id: 7, state: 'unmapped' }], false],
    ['but not one whose parent is not', [{ id: 7, state: 'unviewable' }], false],
    ['but not one for input alone', [{ id: 7, kind: 'inputOnly' }], false],
    ['but not one that has gone meanwhile', [{ id: 7, gone: true }], false],
    ['behind one that has gone meanwhile', [{ id: 7, gone: true }, { id: 8 }], true],
  ])('%s', async (_name, windows, shows) => {
    for (const size of [1, 2, 7, 1_000]) {
      await using x = await startFakeX(windows, size);
      expect(await showsWindow(x.path, COOKIE, patience()), `${size} bytes at a time`).toBe(shows);
    }
  });

  test('to a client that shows its cookie', async () => {
    await using x = await startFakeX([]);
    await showsWindow(x.path, COOKIE, patience());
    const opening = x.received().subarray(0, 48);
    expect([opening.toString('latin1', 0, 1), opening.readUInt16LE(2)]).toEqual(['l', 11]);
    expect(opening.toString('latin1', 12, 30)).toBe('MIT-MAGIC-COOKIE-1');
    expect(opening.subarray(32)).toEqual(COOKIE);
  });
});

describe('a display that cannot be asked is an error in words', () => {
  test('because it refuses us', async () => {
    await using x = await startFakeX([], 3, true);
    await expect(showsWindow(x.path, COOKIE, patience())).rejects.toThrow(
      'the X server refuses us: Authorization required',
    );
  });

  test('because nobody is there', async () => {
    await expect(showsWindow('/nonexistent/X1', COOKIE, patience())).rejects.toThrow('ENOENT');
  });

  test('because it hangs up', async () => {
    await using x = await startFakeX([{ id: 7 }]);
    const server = createServer((socket) => socket.end(setup().subarray(0, 20))).listen(`${x.path}2`);
    await once(server, 'listening');
    await expect(showsWindow(`${x.path}2`, COOKIE, patience())).rejects.toThrow('the X server closed the connection');
    server.close();
  });

  test('because it is silent until we stop waiting', async () => {
    await using x = await startFakeX([]);
    const server = createServer(() => {}).listen(`${x.path}2`);
    await once(server, 'listening');
    const began = performance.now();
    await expect(showsWindow(`${x.path}2`, COOKIE, AbortSignal.timeout(100))).rejects.toThrow();
    expect(performance.now() - began).toBeLessThan(3_000);
    server.close();
  });
});
