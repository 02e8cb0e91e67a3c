import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type SessionEvent, ClientSession } from '../../src/rfb/client-session.ts';
import { ClientMessageParser, type Framebuffer, type ServerInit, TRUE_COLOUR_32 } from '../../src/rfb/index.ts';
import { heldBytes } from '../support/memory.ts';
import {
  BELL,
  DESKTOP_SIZE,
  LAST_RECT,
  colourMap,
  copyRect,
  cutText,
  raw,
  rectangle,
  update,
} from './support/server-messages.ts';

const RED = [200, 10, 20] as const;
const BLUE = [1, 2, 250] as const;

const init = (width: number, height: number): ServerInit => ({ width, height, format: TRUE_COLOUR_32, name: 'test' });

/** Every kind of message, in one stream: a picture of 8x6 that becomes one of 10x4. */
const STREAM = Buffer.concat([
  update([raw({ x: 0, y: 0, width: 8, height: 6 }, RED)]),
  BELL,
  cutText('a secret of the viewer'),
  update([
    raw({ x: 1, y: 1, width: 2, height: 2 }, BLUE),
    copyRect({ x: 5, y: 3, width: 2, height: 2 }, 1, 1),
    raw({ x: 0, y: 0, width: 0, height: 6 }, RED),
  ]),
  colourMap(16),
  update([]),
  update([rectangle(DESKTOP_SIZE, { x: 0, y: 0, width: 10, height: 4 })]),
  update(
    [raw({ x: 9, y: 3, width: 1, height: 1 }, BLUE), rectangle(LAST_RECT, { x: 0, y: 0, width: 0, height: 0 })],
    0xffff,
  ),
  cutText(''),
  colourMap(0),
  BELL,
]);

const EVENTS: readonly SessionEvent[] = [
  { type: 'update', rectangles: 1, pixels: 48 },
  { type: 'bell' },
  { type: 'cutText', length: 22 },
  { type: 'update', rectangles: 3, pixels: 8 },
  { type: 'update', rectangles: 0, pixels: 0 },
  { type: 'resized', width: 10, height: 4 },
  { type: 'update', rectangles: 0, pixels: 0 },
  { type: 'update', rectangles: 1, pixels: 1 },
  { type: 'cutText', length: 0 },
  { type: 'bell' },
];

function feed(session: ClientSession, bytes: Buffer, size: number): SessionEvent[] {
  const events: SessionEvent[] = [];
  for (let at = 0; at < bytes.length; at += size) events.push(...session.feed(bytes.subarray(at, at + size)));
  return events;
}

const pixel = (picture: Framebuffer | undefined, x: number, y: number): number[] | undefined =>
  picture && [...picture.pixels.subarray((y * picture.width + x) * 4, (y * picture.width + x) * 4 + 4)];

describe('what a server sends to a client', () => {
  test.each([1, 2, 3, 5, 11, 64, STREAM.length])('is the same cut at %i bytes', (size) => {
    for (const keepPicture of [true, false])
      expect(feed(new ClientSession(init(8, 6), { keepPicture }), STREAM, size)).toEqual(EVENTS);
  });

  test.each([1, 7, STREAM.length])('is drawn, cut at %i bytes', (size) => {
    const session = new ClientSession(init(8, 6), { keepPicture: true });
    const whole = STREAM.indexOf(update([rectangle(DESKTOP_SIZE, { x: 0, y: 0, width: 10, height: 4 })]));
    feed(session, STREAM.subarray(0, whole), size);
    const drawn = Array.from({ length: 6 }, (_, y) =>
      Array.from({ length: 8 }, (_column, x) => (pixel(session.picture, x, y)![0] === RED[0] ? '.' : '#')).join(''),
    );
    expect(drawn).toEqual(['........', '.##.....', '.##.....', '.....##.', '.....##.', '........']);
    expect(pixel(session.picture, 0, 0)).toEqual([...RED, 255]);
    expect(pixel(session.picture, 6, 4)).toEqual([...BLUE, 255]);
    feed(session, STREAM.subarray(whole), size);
    expect([session.picture?.width, session.picture?.height]).toEqual([10, 4]);
    expect(pixel(session.picture, 9, 3)).toEqual([...BLUE, 255]);
    expect(pixel(session.picture, 0, 0)).toEqual([0, 0, 0, 0]);
  });

  test('is asked for in a format and in encodings that we read', () => {
    const messages = new ClientMessageParser().feed(new ClientSession(init(8, 6), { keepPicture: false }).start());
    expect(messages.map((event) => (event.type === 'message' ? event.message : event))).toEqual([
      { type: 'setPixelFormat', format: TRUE_COLOUR_32 },
      { type: 'setEncodings', encodings: [1, 0, DESKTOP_SIZE, LAST_RECT] },
      { type: 'updateRequest', incremental: false, x: 0, y: 0, width: 8, height: 6 },
    ]);
  });

  test('is asked for in its new size behind a resize, which is an update of its own', () => {
    const session = new ClientSession(init(8, 6), { keepPicture: false });
    const events = session.feed(update([rectangle(DESKTOP_SIZE, { x: 0, y: 0, width: 640, height: 480 })]));
    expect(events.map(({ type }) => type)).toEqual(['resized', 'update']);
    const [request] = new ClientMessageParser().feed(session.request(true));
    expect(request).toMatchObject({ message: { incremental: true, width: 640, height: 480 } });
  });

  test('is asked for in a corner that is no larger than the screen', () => {
    const session = new ClientSession(init(8, 6), { keepPicture: false });
    const corner = (bytes: Buffer) => new ClientMessageParser().feed(bytes).at(-1);
    expect(corner(session.request(false, 4))).toMatchObject({ message: { incremental: false, width: 4, height: 4 } });
    expect(corner(session.request(false, 7))).toMatchObject({ message: { width: 7, height: 6 } });
    expect(corner(session.start(64))).toMatchObject({ message: { incremental: false, width: 8, height: 6 } });
  });

  test.each<[string, Buffer, string]>([
    ['an unknown message', Buffer.from([150, 0, 0]), 'type 150'],
    ['Tight, which nobody asked for', update([rectangle(7, { x: 0, y: 0, width: 1, height: 1 })]), 'encoding 7'],
    ['ZRLE, which nobody asked for', update([rectangle(16, { x: 0, y: 0, width: 1, height: 1 })]), 'encoding 16'],
    [
      'a cursor, which nobody asked for',
      update([rectangle(-239, { x: 0, y: 0, width: 1, height: 1 })]),
      'encoding -239',
    ],
    [
      'ExtendedDesktopSize, which nobody asked for',
      update([rectangle(-308, { x: 0, y: 0, width: 1, height: 1 })]),
      'encoding -308',
    ],
    ['a rectangle beyond the right edge', update([raw({ x: 7, y: 0, width: 2, height: 1 }, RED)]), '2x1 at 7,0'],
    ['a rectangle beyond the lower edge', update([raw({ x: 0, y: 6, width: 1, height: 1 }, RED)]), '1x1 at 0,6'],
    [
      'a rectangle of 65535x65535',
      update([rectangle(0, { x: 65_535, y: 65_535, width: 65_535, height: 65_535 })]),
      '65535x65535 at 65535,65535',
    ],
    ['a copy to outside', update([copyRect({ x: 7, y: 5, width: 2, height: 2 }, 0, 0)]), '2x2 at 7,5'],
    ['a copy from outside', update([copyRect({ x: 0, y: 0, width: 2, height: 2 }, 7, 0)]), '2x2 at 7,0'],
    [
      'an extended clipboard, which nobody asked for',
      Buffer.from([3, 0, 0, 0, 0x80, 0, 0, 0]),
      'an extended clipboard message of 2147483648 bytes',
    ],
  ])('ends with an event at %s', (_name, bytes, got) => {
    for (const size of [1, bytes.length])
      for (const keepPicture of [true, false]) {
        const session = new ClientSession(init(8, 6), { keepPicture });
        expect(feed(session, Buffer.concat([BELL, bytes]), size)).toEqual([
          { type: 'bell' },
          { type: 'malformed', want: expect.any(String), got },
        ]);
        expect(session.feed(STREAM)).toEqual([]);
      }
  });

  test('of 65535x65535 pixels is counted and not kept', () => {
    const session = new ClientSession(init(65_535, 65_535), { keepPicture: true });
    expect(session.picture).toBeUndefined();
    expect(session.feed(update([raw({ x: 65_534, y: 65_534, width: 1, height: 1 }, RED)]))).toMatchObject([
      { pixels: 1 },
    ]);
    expect(session.feed(update([rectangle(DESKTOP_SIZE, { x: 0, y: 0, width: 4, height: 4 })]))).toHaveLength(2);
    expect(session.picture?.pixels.length).toBe(64);
    session.feed(update([rectangle(DESKTOP_SIZE, { x: 0, y: 0, width: 65_535, height: 65_535 })]));
    expect(session.picture).toBeUndefined();
  });

  test('of no pixels at all is read', () => {
    const session = new ClientSession(init(0, 0), { keepPicture: true });
    expect(session.feed(update([raw({ x: 0, y: 0, width: 0, height: 0 }, RED)]))).toEqual([
      { type: 'update', rectangles: 1, pixels: 0 },
    ]);
  });

  test('takes no memory, however much there is of it and however long it says to be', () => {
    const session = new ClientSession(init(8_192, 8_192), { keepPicture: false });
    const chunk = Buffer.alloc(65_521, 1);
    const before = heldBytes();
    session.feed(rectangleOf(8_192, 8_192));
    for (let fed = 0; fed < 8_192 * 8_192 * 4 - chunk.length; fed += chunk.length)
      if (session.feed(chunk).length > 0) throw new Error(`an event within the rectangle, after ${fed} bytes`);
    expect(heldBytes() - before).toBeLessThan(5_000_000);
    const talker = new ClientSession(init(8, 6), { keepPicture: true });
    expect(talker.feed(Buffer.from([3, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff]))).toHaveLength(1);
    for (let fed = 0; fed < 4_000; fed += 1) talker.feed(chunk);
    const broken = new ClientSession(init(8, 6), { keepPicture: true });
    for (let fed = 0; fed < 4_000; fed += 1) broken.feed(Buffer.alloc(65_536, 99));
    expect(heldBytes() - before).toBeLessThan(5_000_000);
  });

  test('never throws, and is the same however it is cut, with bytes changed anywhere', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((any) => Buffer.from(any)),
      fc.array(fc.tuple(fc.nat(STREAM.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }).map((changes) => {
        const mutated = Buffer.from(STREAM);
        for (const [at, byte] of changes) mutated[at] = byte;
        return mutated;
      }),
    );
    fc.assert(
      fc.property(bytes, fc.integer({ min: 1, max: 40 }), fc.boolean(), (stream, size, keepPicture) => {
        const whole = new ClientSession(init(8, 6), { keepPicture });
        const cut = new ClientSession(init(8, 6), { keepPicture });
        expect(feed(cut, stream, size)).toEqual(whole.feed(stream));
        expect(cut.picture?.pixels).toEqual(whole.picture?.pixels);
      }),
      { numRuns: 3_000 },
    );
  });
});

function rectangleOf(width: number, height: number): Buffer {
  return update([rectangle(0, { x: 0, y: 0, width, height })]);
}
