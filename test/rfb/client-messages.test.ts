import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type ClientMessageEvent,
  ClientMessageParser,
  TRUE_COLOUR_32,
  encodePixelFormat,
  encodeSetEncodings,
  encodeUpdateRequest,
} from '../../src/rfb/index.ts';

const MESSAGES: readonly [string, Buffer][] = [
  ['setPixelFormat', Buffer.concat([Buffer.alloc(4), encodePixelFormat(TRUE_COLOUR_32)])],
  ['setEncodings', encodeSetEncodings([0, 1, -223, 0x574d5664])],
  ['updateRequest', encodeUpdateRequest(true, { x: 1, y: 2, width: 1_280, height: 720 })],
  ['key', Buffer.from([4, 1, 0, 0, 0, 0, 0, 65])],
  ['key', Buffer.from([255, 0, 0, 1, 0, 0, 0, 65, 0, 0, 0, 30])],
  ['pointer', Buffer.from([5, 1, 0, 10, 0, 20])],
  ['cutText', Buffer.concat([Buffer.from([6, 0, 0, 0, 0, 0, 0, 5]), Buffer.from('hello')])],
  ['cutText', Buffer.from([6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc, 2, 0, 0, 1])],
  ['cutText', Buffer.from([6, 0, 0, 0, 0, 0, 0, 0])],
  ['continuousUpdates', Buffer.from([150, 1, 0, 0, 0, 0, 5, 0, 2, 208])],
  ['fence', Buffer.concat([Buffer.from([248, 0, 0, 0, 0x80, 0, 0, 1, 3]), Buffer.from('abc')])],
  ['fence', Buffer.from([248, 0, 0, 0, 0, 0, 0, 1, 0])],
  ['xvp', Buffer.from([250, 0, 1, 2])],
  ['setDesktopSize', Buffer.concat([Buffer.from([251, 0, 5, 0, 2, 208, 1, 0]), Buffer.alloc(16, 1)])],
];
const STREAM = Buffer.concat(MESSAGES.map(([, bytes]) => bytes));

function parse(parser: ClientMessageParser, bytes: Buffer, size: number): ClientMessageEvent[] {
  const events: ClientMessageEvent[] = [];
  for (let at = 0; at < bytes.length; at += size) events.push(...parser.feed(bytes.subarray(at, at + size)));
  return events;
}

function nameOf(event: ClientMessageEvent): string[] {
  if (event.type === 'message') return [event.message.type];
  return event.type === 'cutTextData' ? [] : [event.type];
}

const bytesOf = (events: readonly ClientMessageEvent[]): Buffer =>
  Buffer.concat(events.map((event) => ('bytes' in event ? event.bytes : Buffer.alloc(0))));

describe('the parser of client messages', () => {
  test.each([1, 2, 3, 7, STREAM.length])('tells the same messages cut at %i bytes, and keeps every byte', (size) => {
    const events = parse(new ClientMessageParser(), STREAM, size);
    expect(events.flatMap(nameOf)).toEqual(MESSAGES.map(([name]) => name));
    expect(bytesOf(events)).toEqual(STREAM);
  });

  test('reads what a message says', () => {
    const events = parse(new ClientMessageParser(), STREAM, STREAM.length);
    const messages = events.flatMap((event) => (event.type === 'message' ? [event.message] : []));
    expect(messages.slice(0, 3)).toEqual([
      { type: 'setPixelFormat', format: TRUE_COLOUR_32 },
      { type: 'setEncodings', encodings: [0, 1, -223, 0x574d5664] },
      { type: 'updateRequest', incremental: true, x: 1, y: 2, width: 1_280, height: 720 },
    ]);
    expect(events).toContainEqual(expect.objectContaining({ type: 'cutText', length: 4 }));
  });

  test('reads seven bytes of an extended pointer event where that was announced', () => {
    const extended = Buffer.from([5, 0x81, 0, 10, 0, 20, 1]);
    const events = parse(
      new ClientMessageParser({ extendedPointer: true }),
      Buffer.concat([extended, MESSAGES[3]![1]]),
      3,
    );
    expect(events.flatMap(nameOf)).toEqual(['pointer', 'key']);
    expect(bytesOf(events).subarray(0, 7)).toEqual(extended);
  });

  test('never holds clipboard text, however long it is', () => {
    const parser = new ClientMessageParser();
    const [head] = parser.feed(Buffer.from([6, 0, 0, 0, 0x40, 0, 0, 0]));
    expect(head).toMatchObject({ type: 'cutText', length: 1_073_741_824 });
    const piece = Buffer.alloc(65_536);
    for (let sent = 0; sent < 1_073_741_824; sent += piece.length) {
      const events = parser.feed(piece);
      if (events.length !== 1 || events[0]!.type !== 'cutTextData' || events[0]!.bytes.length !== piece.length)
        throw new Error(`after ${sent} bytes: ${JSON.stringify(events.map(({ type }) => type))}`);
    }
    expect(parser.feed(MESSAGES[3]![1]).flatMap(nameOf)).toEqual(['key']);
  });

  test.each([
    ['an unknown message', Buffer.from([99, 1, 2]), 99],
    ['a QEMU message that is no key', Buffer.from([255, 1, 0, 0]), 255],
    ['the colour map that no server takes', Buffer.from([1, 0]), 1],
  ])('ends at %s', (_name, bytes, number) => {
    const parser = new ClientMessageParser();
    const events = parser.feed(Buffer.concat([MESSAGES[3]![1], bytes, MESSAGES[3]![1]]));
    expect(events.map(({ type }) => type)).toEqual(['message', 'unknown']);
    expect(events[1]).toEqual({ type: 'unknown', number });
    expect(parser.feed(STREAM)).toEqual([]);
  });

  test('tells the same of any bytes, however they are cut, and never throws', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc
        .array(fc.constantFrom(...MESSAGES.map(([, message]) => message)), { maxLength: 12 })
        .chain((messages) => fc.tuple(fc.constant(Buffer.concat(messages)), fc.nat(400), fc.nat(255)))
        .map(([stream, at, byte]) => {
          const mutated = Buffer.from(stream);
          if (at < mutated.length) mutated[at] = byte;
          return mutated;
        }),
    );
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 50 }), (stream, size) => {
        const whole = new ClientMessageParser().feed(stream);
        const cut = parse(new ClientMessageParser(), Buffer.from(stream), size);
        expect(cut.flatMap(nameOf)).toEqual(whole.flatMap(nameOf));
        expect(bytesOf(cut)).toEqual(bytesOf(whole));
      }),
      { numRuns: 2_000 },
    );
  });
});
