import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { type TLSSocket, connect as connectTls } from 'node:tls';
import { beforeAll, describe, expect, test } from 'vitest';
import { TlsTap } from '../../../src/diagnostics/probe/tls-tap.ts';
import { expectNoneOpen } from './support/dialling.ts';
import { type Certificate, type Peer, type PeerServer, certificateFor, startPeer } from './support/peer.ts';

let certificate: Certificate;
beforeAll(async () => {
  certificate = await certificateFor(['localhost']);
});

/** Larger than what sockets and TLS hold between two ends. */
const MUCH = randomBytes(6_000_000);
const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function through(port: number): Promise<{ readonly tap: TlsTap; readonly socket: TLSSocket }> {
  const tap = new TlsTap(connectTcp(port, '127.0.0.1'));
  const socket = connectTls({ socket: tap, servername: 'localhost', ca: certificate.ca });
  socket.on('error', () => {}); // how it ends is what the tests look at
  await once(socket, 'secureConnect');
  return { tap, socket };
}

/** Reads so many bytes and rests now and then. */
async function readSlowly(stream: AsyncIterable<Buffer>, length: number): Promise<string> {
  const hash = createHash('sha256');
  let read = 0;
  let rests = 0;
  for await (const bytes of stream) {
    hash.update(bytes);
    read += bytes.length;
    if (read >= length) break;
    if (read > rests * 500_000) {
      rests += 1;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  return hash.digest('hex');
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('between TCP and %s, the tap', (version) => {
  const start = (serve: (peer: Peer) => void): Promise<PeerServer> => startPeer(serve, { certificate, version });

  test('passes on every byte, to a side that reads slowly, in both directions', async () => {
    const read: Promise<string>[] = [];
    await using server = await start(({ stream }) => {
      stream.write(MUCH);
      read.push(readSlowly(stream, MUCH.length));
    });
    const { socket } = await through(server.port);
    socket.write(MUCH);
    expect(await readSlowly(socket, MUCH.length)).toBe(hashOf(MUCH));
    expect(await read[0]).toBe(hashOf(MUCH));
    socket.destroy();
    await expectNoneOpen(server);
  });

  test('keeps what the peer said first, and only that', async () => {
    await using server = await start(() => {});
    const { tap, socket } = await through(server.port);
    expect(tap.first).toHaveLength(32);
    expect(tap.first.subarray(0, 2)).toEqual(Buffer.from([22, 3]));
    socket.destroy();
    await expectNoneOpen(server);
  });

  test('has seen a FIN when TLS ends by it, and none when TLS ends by a close_notify before it', async () => {
    for (const [end, sawFin] of [
      [({ tcp }: Peer) => tcp.end(), true],
      [({ stream }: Peer) => stream.end(), false],
    ] as const) {
      await using server = await start((peer) => void setTimeout(() => end(peer), 50));
      const { tap, socket } = await through(server.port);
      socket.resume();
      await once(socket, 'end');
      expect(tap.sawFin).toBe(sawFin);
      await expectNoneOpen(server);
    }
  });

  test('hands a reset on, and ends TCP when TLS is destroyed', async () => {
    await using server = await start(({ tcp }) => void setTimeout(() => tcp.resetAndDestroy(), 50));
    const { socket } = await through(server.port);
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');
    await using other = await start(() => {});
    const { socket: destroyed } = await through(other.port);
    destroyed.destroy();
    await expectNoneOpen(other);
  });
});
