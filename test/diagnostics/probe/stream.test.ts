import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { frame } from '../../websocket/support/frames.ts';
import { heldBytes } from '../../support/memory.ts';
import { expectNoneOpen, opened, rfbAt, socketAt } from './support/dialling.ts';
import { startPeer } from './support/peer.ts';
import { FRAME, bare, framed, gateway, serveRfb } from './support/rfb.ts';
import { type ServerSocket, acceptSocket } from './support/websocket.ts';

const now = performance.now.bind(performance);
let jumpedMs = 0;
beforeEach(() => {
  jumpedMs = 0;
  performance.now = () => now() + jumpedMs;
});
afterEach(() => {
  performance.now = now;
});

const PING = 9;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Lets the clock that streams measure with jump; sockets and timers are real. */
function jump(ms: number): void {
  jumpedMs += ms;
}

/** A gateway that answers pings as it is told. */
const answering = (answer: (socket: ServerSocket, payload: Buffer) => void): ReturnType<typeof gateway> =>
  gateway({}, (socket) => socket.onFrame((opcode, payload) => opcode === PING && answer(socket, payload)));

const pong = ({ raw }: ServerSocket, payload: Buffer): void => raw(frame(10, payload));

describe('the pings of a stream', () => {
  test('are measured one by one', async () => {
    await using server = await startPeer(
      answering((socket, payload) => void setTimeout(() => pong(socket, payload), 40)),
    );
    const stream = await opened(socketAt(`ws://127.0.0.1:${server.port}/`));
    expect(stream.rtt(50)).toBeNull();
    stream.ping();
    stream.ping();
    stream.ping();
    expect([stream.pingsSent, stream.pingsAnswered]).toEqual([3, 0]);
    await expect.poll(() => stream.pingsAnswered, { timeout: 5_000 }).toBe(3);
    expect(stream.rtt(50)).toBeGreaterThan(30);
    expect(stream.rtt(99)).toBeLessThan(5_000);
    await stream.close();
    stream.ping();
    expect(stream.pingsSent).toBe(3);
  });

  test('are not sent on a bare socket', async () => {
    await using server = await startPeer((peer) => serveRfb(bare(peer)));
    const stream = await opened(rfbAt(server.port));
    stream.ping();
    expect([stream.pingsSent, stream.pingsAnswered, stream.rtt(50)]).toEqual([0, 0, null]);
    await stream.close();
  });

  test('of the server are answered with what they carry', async () => {
    const pongs: string[] = [];
    const serve = gateway({}, (socket) => {
      socket.onFrame((opcode, payload) => opcode === 10 && pongs.push(payload.toString()));
      socket.raw(Buffer.concat([frame(PING, Buffer.from('one')), frame(PING, Buffer.alloc(125, 'x'))]));
    });
    await using server = await startPeer(serve);
    const stream = await opened(socketAt(`ws://127.0.0.1:${server.port}/`));
    await expect.poll(() => pongs, { timeout: 5_000 }).toEqual(['one', 'x'.repeat(125)]);
    await stream.close();
  });

  test('end the stream when a peer that answered falls silent', async () => {
    let isSilent = false;
    await using server = await startPeer(answering((socket, payload) => !isSilent && pong(socket, payload)));
    const stream = await opened(socketAt(`ws://127.0.0.1:${server.port}/`));
    stream.ping();
    await expect.poll(() => stream.pingsAnswered, { timeout: 5_000 }).toBe(1);
    isSilent = true;
    for (let sent = 0; sent < 3; sent += 1) {
      expect(stream.isOpen).toBe(true);
      stream.ping();
      jump(3_500);
    }
    stream.ping();
    expect(await stream.ended).toMatchObject({ how: 'timeout', code: null, bySelf: false });
    expect((await stream.ended).reason).toMatch(/^3 pings without an answer, not a byte for 10\d\d\d ms$/);
    await expectNoneOpen(server);
  });

  test('do not end the stream of a peer that never answered one, or that still sends', async () => {
    let socket: ServerSocket | undefined;
    let answers = 1;
    const serve = gateway({}, (one) => {
      socket = one;
      one.onFrame((opcode, payload) => opcode === PING && answers-- > 0 && pong(one, payload));
    });
    await using mute = await startPeer(gateway());
    await using talker = await startPeer(serve);
    const muteStream = await opened(socketAt(`ws://127.0.0.1:${mute.port}/`));
    const stream = await opened(socketAt(`ws://127.0.0.1:${talker.port}/`));
    stream.ping();
    await expect.poll(() => stream.pingsAnswered, { timeout: 5_000 }).toBe(1);
    for (let sent = 0; sent < 5; sent += 1) {
      muteStream.ping();
      stream.ping();
      jump(8_000);
      const { frames } = stream;
      socket!.send(FRAME);
      await expect.poll(() => stream.frames, { timeout: 5_000 }).toBe(frames + 1);
    }
    expect([muteStream.isOpen, stream.isOpen]).toEqual([true, true]);
    expect(await muteStream.close()).toMatchObject({ bySelf: true });
    await stream.close();
  });
});

describe('a stream', () => {
  test('asks for what has changed after each update, once', async () => {
    const requests: boolean[] = [];
    let socket: ServerSocket | undefined;
    await using server = await startPeer((peer) =>
      acceptSocket(peer, (one) => {
        socket = one;
        serveRfb(framed(one), {
          onMessage: (message, channel) => {
            if (message.type !== 'updateRequest') return;
            requests.push(message.incremental);
            if (!message.incremental) channel.send(FRAME);
          },
        });
      }),
    );
    const stream = await opened(socketAt(`ws://127.0.0.1:${server.port}/`));
    await expect.poll(() => requests.length, { timeout: 5_000 }).toBe(2);
    socket!.send(FRAME);
    await expect.poll(() => requests, { timeout: 5_000 }).toEqual([false, true, true]);
    expect([stream.frames, stream.pixels, stream.bytesIn]).toEqual([2, 96, 2 * FRAME.length]);
    expect(stream.bytesOut).toBeGreaterThan(40);
    socket!.stream.end();
    await stream.ended;
  });

  test('waits for the next frame, its end or a signal, whichever comes first', async () => {
    let socket: ServerSocket | undefined;
    await using server = await startPeer(gateway({}, (one) => (socket = one)));
    const stream = await opened(socketAt(`ws://127.0.0.1:${server.port}/`));
    const never = new AbortController().signal;
    const next = stream.nextFrame(never);
    socket!.send(FRAME);
    expect(await next).toBe(true);
    expect(await stream.nextFrame(AbortSignal.timeout(20))).toBe(false);
    expect(await stream.nextFrame(AbortSignal.abort())).toBe(false);
    const whole = stream.nextFrame(never);
    stream.requestAll();
    expect(await whole).toBe(true);
    const last = stream.nextFrame(never);
    socket!.stream.end();
    expect(await last).toBe(false);
    expect(await stream.nextFrame(never)).toBe(false);
  });

  test('knows its longest silence, with the one that is running, until it ends', async () => {
    let socket: ServerSocket | undefined;
    await using server = await startPeer(gateway({}, (one) => (socket = one)));
    const stream = await opened(socketAt(`ws://127.0.0.1:${server.port}/`));
    jump(5_000);
    expect(stream.silenceMs()).toBeGreaterThanOrEqual(5_000);
    socket!.raw(frame(PING, Buffer.from('no byte of RFB')));
    socket!.send(FRAME);
    await expect.poll(() => stream.frames, { timeout: 5_000 }).toBe(2);
    jump(2_000);
    expect(Math.floor(stream.silenceMs() / 1_000)).toBe(5);
    jump(5_000);
    expect(Math.floor(stream.silenceMs() / 1_000)).toBe(7);
    await stream.close();
    jump(60_000);
    expect(Math.floor(stream.silenceMs() / 1_000)).toBe(7);
    expect(stream.longestSilenceMs).toBeGreaterThanOrEqual(7_000);
  });

  test('takes constant memory, over a hundred thousand frames', async () => {
    let socket: ServerSocket | undefined;
    await using server = await startPeer(gateway({}, (one) => (socket = one)));
    const stream = await opened(socketAt(`ws://127.0.0.1:${server.port}/`));
    const many = Buffer.concat(Array.from({ length: 1_000 }, () => frame(2, FRAME)));
    const pump = async (times: number): Promise<void> => {
      const wanted = stream.frames + times * 1_000;
      for (let sent = 0; sent < times; sent += 1)
        if (!socket!.stream.write(many)) await new Promise((resolve) => socket!.stream.once('drain', resolve));
      await expect.poll(() => stream.frames, { timeout: 10_000 }).toBe(wanted);
      await pause(50);
    };
    await pump(10);
    const before = heldBytes();
    await pump(100);
    expect(heldBytes() - before).toBeLessThan(2_000_000);
    expect(stream.malformed).toBeUndefined();
    await stream.close();
  });

  test('does not pile up requests and pongs for a peer that talks and does not read', async () => {
    const peers: ServerSocket[] = [];
    await using server = await startPeer(gateway({}, (one) => peers.push(one)));
    const stream = await opened(socketAt(`ws://127.0.0.1:${server.port}/`));
    const [{ tcp, stream: out }] = peers as [ServerSocket];
    await pause(50);
    tcp.pause();
    const many = Buffer.concat(
      Array.from({ length: 2_000 }, () => Buffer.concat([frame(2, FRAME), frame(PING, Buffer.alloc(125))])),
    );
    const sent = 200;
    for (let times = 0; times < sent; times += 1)
      if (!out.write(many)) await new Promise((resolve) => out.once('drain', resolve));
    await expect.poll(() => stream.frames, { timeout: 10_000 }).toBe(1 + sent * 2_000);
    expect(stream.bytesOut).toBeLessThan(4_000_000);
    const pings = stream.pingsSent;
    stream.ping();
    expect(stream.pingsSent).toBe(pings);
    tcp.resume();
    const { bytesOut } = stream;
    await expect.poll(() => stream.bytesOut, { timeout: 5_000 }).toBeGreaterThan(bytesOut);
    await stream.close();
  });
});
