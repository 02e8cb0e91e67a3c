import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Stream, StreamEnd } from '../../../src/diagnostics/probe/index.ts';
import { close, frame } from '../../websocket/support/frames.ts';
import { expectNoneOpen, opened, rfbAt, socketAt } from './support/dialling.ts';
import { type Certificate, type PeerOptions, certificateFor, startPeer } from './support/peer.ts';
import { FRAME, bare, gateway, serveRfb } from './support/rfb.ts';
import type { ServerSocket } from './support/websocket.ts';

let certificate: Certificate;
beforeAll(async () => {
  certificate = await certificateFor(['localhost']);
});

const WAYS = [
  ['plain', undefined],
  ['TLS 1.2', 'TLSv1.2'],
  ['TLS 1.3', 'TLSv1.3'],
] as const;

/** A socket that is open, and what its server then does to it. */
async function endOf(
  version: PeerOptions['version'],
  act: (socket: ServerSocket, stream: Stream) => unknown,
  options: Partial<PeerOptions> = {},
): Promise<StreamEnd> {
  let socket: ServerSocket | undefined;
  const serve = gateway({}, (one) => (socket = one));
  await using server = await startPeer(serve, version ? { certificate, version, ...options } : options);
  const scheme = version ? 'wss' : 'ws';
  const stream = await opened(socketAt(`${scheme}://localhost:${server.port}/`), { ca: certificate.ca });
  await act(socket!, stream);
  const end = await stream.ended;
  expect(stream.isOpen).toBe(false);
  expect(end.atMs).toBeGreaterThanOrEqual(0);
  expect(Math.abs(end.at - Date.now())).toBeLessThan(5_000);
  await expectNoneOpen(server);
  return end;
}

/** A megabyte of updates, so that the end stands behind data in one segment. */
const busy = (socket: ServerSocket): void => {
  for (let sent = 0; sent < 5_000; sent += 1) socket.send(FRAME);
};

describe.each(WAYS)('over %s, a stream ends', (_way, version) => {
  test.each<[string, (socket: ServerSocket) => void, Partial<StreamEnd>]>([
    [
      'by a close frame with code and reason',
      ({ raw }) => raw(close(4410, 'session ended')),
      { how: 'close_frame', code: 4_410, reason: 'session ended' },
    ],
    [
      'by a close frame without anything',
      ({ raw }) => raw(frame(8, Buffer.alloc(0))),
      { how: 'close_frame', code: null, reason: '' },
    ],
    [
      'by a close frame, though RST follows',
      ({ raw, tcp }) => {
        raw(close(1012, ''));
        setTimeout(() => tcp.resetAndDestroy(), 50);
      },
      { how: 'close_frame', code: 1_012 },
    ],
    ['by FIN alone', ({ tcp }) => void tcp.end(), { how: 'fin', code: null }],
    ['by RST', ({ tcp }) => void tcp.resetAndDestroy(), { how: 'rst', code: null }],
  ])('%s', async (_name, act, expected) => {
    expect(await endOf(version, act)).toMatchObject({
      reason: expected.how === 'rst' ? 'ECONNRESET' : '',
      ...expected,
      bySelf: false,
    });
  });

  test('by FIN alone behind data, the last of which is as long as a close_notify', async () => {
    const end = await endOf(version, async (socket, stream) => {
      busy(socket);
      await expect.poll(() => stream.frames, { timeout: 5_000 }).toBe(5_001);
      socket.raw(frame(10, Buffer.alloc(0)));
      await new Promise((resolve) => setTimeout(resolve, 100)); // the TLS of the server has written it by then
      socket.tcp.end();
    });
    expect(end).toMatchObject({ how: 'fin', bySelf: false });
  });

  test('by what comes first, behind everything that came before it', async () => {
    let frames = 0;
    await using server = await startPeer(
      gateway({}, (socket) =>
        setTimeout(() => {
          busy(socket);
          socket.raw(close(4502, 'runner gone'));
          socket.stream.end();
        }, 100),
      ),
      version ? { certificate, version } : {},
    );
    const stream = await opened(socketAt(`${version ? 'wss' : 'ws'}://localhost:${server.port}/`), {
      ca: certificate.ca,
    });
    const end = await stream.ended;
    frames = stream.frames;
    expect(end).toMatchObject({ how: 'close_frame', code: 4_502, reason: 'runner gone' });
    expect(frames).toBe(5_001);
    expect(stream.bytesIn).toBeGreaterThan(5_000 * FRAME.length);
  });

  test.each<[string, Buffer, RegExp]>([
    ['a masked frame', frame(2, FRAME, { masked: true }), /masked/],
    ['a text message', frame(1, Buffer.from('hello')), /text message/],
    ['an empty text message', frame(1, Buffer.alloc(0)), /text message/],
    ['a close frame with half a code', frame(8, Buffer.from([3])), /half a code/],
    ['bytes that are no RFB', frame(2, Buffer.from([99])), /wanted a server message 0 to 3, got type 99/],
  ])('at once at %s, and says why to both sides', async (_name, bytes, reason) => {
    const told: number[] = [];
    const end = await endOf(version, (socket) => {
      socket.onFrame((opcode, payload) => opcode === 8 && told.push(payload.readUInt16BE(0)));
      socket.raw(bytes);
      socket.raw(frame(2, FRAME));
    });
    expect(end).toMatchObject({ how: 'none', bySelf: false });
    expect(end.reason).toMatch(reason);
    expect(told).toEqual([1_002]);
  });

  test('by itself in order when it is told to, and sends 1000', async () => {
    const told: string[] = [];
    let socket: ServerSocket | undefined;
    await using server = await startPeer(
      gateway({}, (one) => (socket = one)),
      version ? { certificate, version } : {},
    );
    const stream = await opened(socketAt(`${version ? 'wss' : 'ws'}://localhost:${server.port}/`), {
      ca: certificate.ca,
    });
    socket!.onFrame((opcode, payload) => opcode === 8 && told.push(payload.toString('hex')));
    const end = await stream.close();
    expect(end).toMatchObject({ how: 'close_frame', code: 1_000, bySelf: true });
    expect(await stream.close()).toBe(end);
    expect(told).toEqual(['03e8']);
    await expectNoneOpen(server);
  });
});

describe.each(WAYS.slice(1))('over %s, a stream ends', (_way, version) => {
  test('by close_notify, though TCP stays open', async () => {
    expect(await endOf(version, ({ stream }) => void stream.end(), { keepsTcp: true })).toMatchObject({
      how: 'close_notify',
      code: null,
      bySelf: false,
    });
  });

  test('by close_notify, when FIN follows at once', async () => {
    for (let round = 0; round < 10; round += 1)
      expect(await endOf(version, ({ stream }) => void stream.end())).toMatchObject({ how: 'close_notify' });
  });

  test('by close_notify behind data in the same segments', async () => {
    const end = await endOf(version, (socket) => {
      busy(socket);
      socket.stream.end();
    });
    expect(end).toMatchObject({ how: 'close_notify' });
  });

  test('by an alert, which is told in words', async () => {
    const end = await endOf(version, ({ tcp }) => void tcp.write(Buffer.from('15030300020228', 'hex')));
    expect(end.how).toBe('none');
    expect(end.reason).toMatch(/SSL|ALERT|BAD_RECORD_MAC|TLS/i);
  });
});

test.each(WAYS.slice(2))(
  'over %s, a stream ends by its own time when nobody answers its close frame',
  async (_way, version) => {
    await using server = await startPeer(gateway({ ignoresClose: true }), version ? { certificate, version } : {});
    const stream = await opened(socketAt(`${version ? 'wss' : 'ws'}://localhost:${server.port}/`), {
      ca: certificate.ca,
    });
    expect(await stream.close()).toMatchObject({ how: 'timeout', code: null, bySelf: true });
    await expectNoneOpen(server);
  },
);

describe('on the bare socket, a stream ends', () => {
  test.each<[string, 'fin' | 'rst']>([
    ['by FIN', 'fin'],
    ['by RST', 'rst'],
  ])('%s', async (_name, how) => {
    await using server = await startPeer((peer) => {
      serveRfb(bare(peer));
      setTimeout(() => (how === 'fin' ? peer.tcp.end() : peer.tcp.resetAndDestroy()), 150);
    });
    const stream = await opened(rfbAt(server.port));
    expect(stream.key).toBeUndefined();
    expect(await stream.ended).toMatchObject({ how, code: null, bySelf: false });
    await expectNoneOpen(server);
  });

  test('by itself with a FIN, which the server answers', async () => {
    await using server = await startPeer((peer) => serveRfb(bare(peer)));
    const stream = await opened(rfbAt(server.port));
    expect(await stream.close()).toMatchObject({ how: 'fin', bySelf: true });
    await expectNoneOpen(server);
  });

  test('at once at bytes that are no RFB', async () => {
    await using server = await startPeer((peer) => {
      serveRfb(bare(peer));
      setTimeout(() => peer.stream.write(Buffer.from([150])), 150);
    });
    const stream = await opened(rfbAt(server.port));
    expect(await stream.ended).toMatchObject({ how: 'none', reason: 'wanted a server message 0 to 3, got type 150' });
    await expectNoneOpen(server);
  });
});

test('the key of a stream is the one that its server saw', async () => {
  let request = '';
  await using server = await startPeer(gateway({}, (socket) => ({ request } = socket)));
  const stream = await opened(socketAt(`ws://127.0.0.1:${server.port}/`));
  expect(request).toContain(`sec-websocket-key: ${stream.key}\r\n`);
  expect(createHash('sha1').update(stream.key!).digest()).toHaveLength(20);
  await stream.close();
});
