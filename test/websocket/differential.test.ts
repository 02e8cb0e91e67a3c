import { once } from 'node:events';
import { connect } from 'node:net';
import type { Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ws from 'ws';
import { FrameParser, OPCODE, acceptFor, encodeFrame, newKey } from '../../src/websocket/index.ts';
import { type Seen, close, frame, see } from './support/frames.ts';

/** The parser inside `ws`, which its types leave out. */
const { Receiver } = ws as unknown as { readonly Receiver: new (options: { readonly isServer: boolean }) => Writable };

/** What `ws` sees in the same pieces. */
async function seeWithWs(bytes: Buffer, size: number, isServer: boolean): Promise<Seen[]> {
  const seen: Seen[] = [];
  const receiver = new Receiver({ isServer });
  receiver.on('message', (data: Buffer, isBinary: boolean) =>
    seen.push([isBinary ? 'binary' : 'text', data.toString(isBinary ? 'latin1' : 'utf8')]),
  );
  receiver.on('ping', (data: Buffer) => seen.push(['ping', data.toString('latin1')]));
  receiver.on('pong', (data: Buffer) => seen.push(['pong', data.toString('latin1')]));
  receiver.on('conclude', (code: number, reason: Buffer) =>
    seen.push(['close', code === 1005 ? null : code, reason.toString()]),
  );
  receiver.on('error', (error) => seen.push(['violation', error.message]));
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    Buffer.from(bytes.subarray(index * size, (index + 1) * size)),
  );
  for (const piece of pieces) if (!receiver.writableEnded && !receiver.errored) receiver.write(piece);
  await new Promise(setImmediate); // an error is told a turn later
  return seen;
}

const payload = fc.oneof(
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => Buffer.from(text)) },
  { weight: 1, arbitrary: fc.constantFrom(125, 126, 127, 65_535, 65_536).map((length) => Buffer.alloc(length, 0x61)) },
);
const goodFrame = fc
  .tuple(fc.constantFrom(0, 1, 2, 2, 9, 10), payload, fc.boolean())
  .map(([opcode, bytes, final]) =>
    opcode >= 8 ? frame(opcode, bytes.subarray(0, 125)) : frame(opcode, bytes, { final }),
  );
const anyFrame = fc
  .tuple(fc.nat(15), payload, fc.boolean(), fc.constantFrom(0, 0, 0, 1, 2, 4), fc.constantFrom(false, false, true))
  .map(([opcode, bytes, final, reserved, masked]) => frame(opcode, bytes, { final, reserved, masked }));
const closeFrame = fc
  .tuple(fc.oneof(fc.nat(65_535), fc.integer({ min: 995, max: 1_020 })), payload)
  .map(([code, reason]) => close(code, Buffer.from(reason.subarray(0, 123)).toString('latin1').slice(0, 60)));
const message = fc
  .tuple(fc.constantFrom(1, 2), fc.array(fc.string({ maxLength: 8 }), { minLength: 1, maxLength: 5 }))
  .map(([opcode, parts]) =>
    Buffer.concat(
      parts.flatMap((part, index) => [
        frame(index === 0 ? opcode : 0, Buffer.from(part), { final: index === parts.length - 1 }),
        ...(index % 2 === 0 && index < parts.length - 1 ? [frame(9, Buffer.from([index]))] : []),
      ]),
    ),
  );
const stream = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: message },
      { weight: 4, arbitrary: goodFrame },
      { weight: 1, arbitrary: anyFrame },
      { weight: 1, arbitrary: closeFrame },
    ),
    { maxLength: 10 },
  )
  .map((frames) => Buffer.concat(frames));
const mutated = fc.tuple(stream, fc.nat(300), fc.nat(255)).map(([bytes, at, byte]) => {
  if (at < bytes.length) bytes[at] = byte;
  return bytes;
});
const anyBytes = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));

/** Where we, as browsers do, are stricter or sooner than `ws`. */
const STRICTER = /shortest form|text message that is no UTF-8/;

/** What `ws` saw, up to where we are stricter. */
function stoppedAt(ours: readonly Seen[], theirs: readonly Seen[]): readonly Seen[] {
  const end = ours.at(-1);
  return end?.[0] === 'violation' && STRICTER.test(end[1]) ? [...theirs.slice(0, ours.length - 1), end] : theirs;
}

const withoutWords = (seen: readonly Seen[]): unknown[] =>
  seen.map((one) => (one[0] === 'violation' ? ['violation'] : one));

describe('the parser of frames from a server, beside the one of ws', () => {
  test('sees the same in any bytes, however they are cut', async () => {
    const sizes = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 10, max: 200_000 }));
    await fc.assert(
      fc.asyncProperty(fc.oneof(stream, mutated, anyBytes), sizes, async (bytes, size) => {
        const ours = see(new FrameParser(), bytes, size);
        const theirs = await seeWithWs(bytes, size, false);
        expect(withoutWords(ours)).toEqual(withoutWords(stoppedAt(ours, theirs)));
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('the encoder of a client', () => {
  test.each([0, 1, 125, 126, 65_535, 65_536])('makes a masked frame of %i bytes that ws reads', async (length) => {
    const bytes = Buffer.alloc(length, 'payload');
    expect(await seeWithWs(encodeFrame(OPCODE.binary, bytes), 1_000, true)).toEqual([
      ['binary', bytes.toString('latin1')],
    ]);
  });

  test('masks each frame with a key of its own', () => {
    const keys = Array.from({ length: 20 }, () => encodeFrame(OPCODE.ping, Buffer.alloc(0)).toString('hex', 2, 6));
    expect(new Set(keys).size).toBe(20);
  });

  test('makes keys that the WebSocket server of ws accepts, and computes the same answer', async () => {
    expect(acceptFor('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo='); // RFC 6455 section 1.3
    const server = new ws.WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const key = newKey();
    const answer = await fetchUpgrade(port, key);
    expect(answer).toContain(`Sec-WebSocket-Accept: ${acceptFor(key)}\r\n`);
    for (const client of server.clients) client.terminate();
    server.close();
  });
});

async function fetchUpgrade(port: number, key: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString('latin1');
}
