import { describe, expect, test } from 'vitest';
import { FrameParser } from '../../src/websocket/index.ts';
import { heldBytes } from '../support/memory.ts';
import { type Seen, close, frame, see } from './support/frames.ts';

/** Every kind of frame that a server may send, in one stream. */
const STREAM = Buffer.concat([
  frame(2, Buffer.from('RFB 003.008\n')),
  frame(9, Buffer.from('are you there')),
  frame(2, Buffer.alloc(300, 1), { final: false }),
  frame(10, Buffer.from('7')),
  frame(0, Buffer.alloc(0), { final: false }),
  frame(9, Buffer.alloc(0)),
  frame(0, Buffer.alloc(70_000, 2)),
  frame(2, Buffer.alloc(0)),
  frame(1, Buffer.from('ä€').subarray(0, 3), { final: false }),
  frame(0, Buffer.from('ä€').subarray(3)),
  frame(1, Buffer.alloc(0)),
  close(4408, 'nobody is there'),
]);

const SEEN: readonly Seen[] = [
  ['binary', 'RFB 003.008\n'],
  ['ping', 'are you there'],
  ['pong', '7'],
  ['ping', ''],
  ['binary', '\u0001'.repeat(300) + '\u0002'.repeat(70_000)],
  ['binary', ''],
  ['text', 'ä€'],
  ['text', ''],
  ['close', 4408, 'nobody is there'],
];

describe('the parser of frames from a server', () => {
  test.each([1, 2, 3, 7, 1_000, STREAM.length])('tells the same cut at %i bytes', (size) => {
    expect(see(new FrameParser(), STREAM, size)).toEqual(SEEN);
  });

  test.each([
    [0, 2],
    [125, 2],
    [126, 4],
    [65_535, 4],
    [65_536, 10],
  ])('reads a frame of %i bytes behind a header of %i', (length, header) => {
    const bytes = frame(2, Buffer.alloc(length, 7));
    expect(bytes.length).toBe(header + length);
    expect(see(new FrameParser(), bytes, 1_000)).toEqual([['binary', '\u0007'.repeat(length)]]);
  });

  test('passes data on before its frame or its message has ended', () => {
    const parser = new FrameParser();
    const [piece] = parser.feed(frame(2, Buffer.alloc(100, 1), { final: false }).subarray(0, 52));
    expect(piece).toEqual({ type: 'data', kind: 'binary', bytes: Buffer.alloc(50, 1), last: false });
    expect(parser.feed(Buffer.alloc(50, 1))).toEqual([
      { type: 'data', kind: 'binary', bytes: Buffer.alloc(50, 1), last: false },
    ]);
    expect(parser.feed(frame(0, Buffer.alloc(1)))).toMatchObject([{ last: true }]);
  });

  test.each<[string, Buffer, Seen]>([
    ['with a code alone', close(1001, ''), ['close', 1001, '']],
    ['without anything', frame(8, Buffer.alloc(0)), ['close', null, '']],
    ['with a reason of 123 bytes', close(4000, 'x'.repeat(123)), ['close', 4000, 'x'.repeat(123)]],
    [
      'between fragments',
      Buffer.concat([frame(2, Buffer.alloc(3), { final: false }), close(1012, '')]),
      ['close', 1012, ''],
    ],
  ])('reads a close frame %s, and nothing behind it', (_name, bytes, expected) => {
    const parser = new FrameParser();
    const seen = see(parser, Buffer.concat([bytes, frame(2, Buffer.from('late'))]), 1);
    expect(seen.at(-1)).toEqual(expected);
    expect(parser.feed(STREAM)).toEqual([]);
  });

  test.each<[string, Buffer, RegExp]>([
    ['a masked frame', Buffer.from([0x82, 0x81, 1, 2, 3, 4, 5]), /masked/],
    ['reserved bit 1', frame(2, Buffer.alloc(1), { reserved: 4 }), /reserved bit/],
    ['reserved bit 2', frame(2, Buffer.alloc(1), { reserved: 2 }), /reserved bit/],
    ['reserved bit 3 on a ping', frame(9, Buffer.alloc(1), { reserved: 1 }), /reserved bit/],
    ['a data opcode that is none', frame(3, Buffer.alloc(1)), /opcode 3/],
    ['a control opcode that is none', frame(11, Buffer.alloc(1)), /opcode 11/],
    ['a continuation of nothing', frame(0, Buffer.alloc(1)), /continuation of nothing/],
    [
      'a continuation behind a whole message',
      Buffer.concat([frame(2, Buffer.alloc(1)), frame(0, Buffer.alloc(1))]),
      /continuation of nothing/,
    ],
    [
      'a message inside a message',
      Buffer.concat([frame(1, Buffer.from('a'), { final: false }), frame(2, Buffer.alloc(1))]),
      /inside a message/,
    ],
    ['a ping in fragments', frame(9, Buffer.alloc(1), { final: false }), /fragmented/],
    ['a ping of 126 bytes', frame(9, Buffer.alloc(126)), /more than 125/],
    ['a close frame in fragments', frame(8, Buffer.from([3, 232]), { final: false }), /fragmented/],
    ['a close frame of one byte', frame(8, Buffer.from([3])), /half a code/],
    ['close code 1005, which is never sent', close(1005, ''), /1005/],
    ['close code 1006, which is never sent', close(1006, ''), /1006/],
    ['close code 1015, which is never sent', close(1015, ''), /1015/],
    ['close code 999', close(999, ''), /999/],
    ['close code 2999', close(2_999, ''), /2999/],
    ['close code 5000', close(5_000, ''), /5000/],
    ['a close reason that is no UTF-8', frame(8, Buffer.from([3, 232, 0xff])), /reason that is no UTF-8/],
    ['text that is no UTF-8', frame(1, Buffer.from([0x61, 0xff])), /no UTF-8/],
    ['text that ends within a character', frame(1, Buffer.from([0xc3])), /no UTF-8/],
    ['a length of 5 in two bytes', frame(2, Buffer.alloc(5), { lengthBytes: 2 }), /shortest form/],
    ['a length of 65535 in eight bytes', frame(2, Buffer.alloc(65_535), { lengthBytes: 8 }), /shortest form/],
    ['a length of 2^53', Buffer.from([0x82, 127, 0, 0x20, 0, 0, 0, 0, 0, 0]), /2\^53/],
    ['a length of 2^64 - 1', Buffer.from([0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255]), /2\^53/],
  ])('reports %s once and ends', (_name, bytes, reason) => {
    for (const size of [1, 2, bytes.length]) {
      const parser = new FrameParser();
      const last = see(parser, bytes, size).at(-1);
      expect(last?.[0]).toBe('violation');
      expect(last?.[1]).toMatch(reason);
      expect(parser.feed(STREAM)).toEqual([]);
    }
  });

  test.each([
    ['an unknown opcode', Buffer.from([0x8b, 0x05])],
    ['a masked frame', Buffer.from([0x82, 0xff])],
    ['an oversized ping', Buffer.from([0x89, 126])],
    ['half a close code', Buffer.from([0x88, 1])],
  ])('does not wait for the rest of %s', (_name, twoBytes) => {
    expect(new FrameParser().feed(twoBytes)).toMatchObject([{ type: 'violation' }]);
  });

  test('holds nothing of a frame of 2^53 - 1 bytes, however much of it comes', () => {
    const parser = new FrameParser();
    parser.feed(Buffer.from([0x82, 127, 0, 0x1f, 255, 255, 255, 255, 255, 255]));
    const chunk = Buffer.alloc(65_536, 1);
    const before = heldBytes();
    for (let fed = 0; fed < 20_000; fed += 1) {
      const [event] = parser.feed(chunk);
      if (event?.type !== 'data' || event.bytes.buffer !== chunk.buffer) throw new Error(`chunk ${fed} was copied`);
    }
    expect(heldBytes() - before).toBeLessThan(10_000_000);
  });

  test('holds nothing of what comes behind an end', () => {
    const parser = new FrameParser();
    parser.feed(frame(0, Buffer.alloc(1)));
    const before = heldBytes();
    for (let fed = 0; fed < 1_000; fed += 1) parser.feed(Buffer.alloc(65_536));
    expect(heldBytes() - before).toBeLessThan(10_000_000);
  });
});
