import { afterAll, afterEach, describe, expect, test, vi } from 'vitest';
import { type PixelFormat, TRUE_COLOUR_32, encodePixelFormat, encodeUpdateRequest } from '../../src/rfb/index.ts';
import { cardViewer } from '../../src/runner/events.ts';
import { CARD_SWATCHES, MOVING_AREAS } from '../../src/testcard/index.ts';
import { passingClock } from '../gateway/support/gateway.ts';
import { CELLS, PASSWORD, WHOLE, dialRaw, openCard, startCard } from './support/card.ts';

const ends: string[] = [];
const stop = cardViewer.subscribe(({ why }) => {
  if (why !== undefined) ends.push(why);
});
afterAll(() => stop());
afterEach(() => {
  ends.length = 0;
  vi.useRealTimers();
});

const RGB_565: PixelFormat = {
  ...TRUE_COLOUR_32,
  bitsPerPixel: 16,
  depth: 16,
  redMax: 31,
  greenMax: 63,
  blueMax: 31,
  redShift: 11,
  greenShift: 5,
  blueShift: 0,
};
const BGR_233: PixelFormat = {
  ...TRUE_COLOUR_32,
  bitsPerPixel: 8,
  depth: 8,
  redMax: 7,
  greenMax: 7,
  blueMax: 3,
  redShift: 0,
  greenShift: 3,
  blueShift: 6,
};
/** What noVNC asks for: red first in memory. */
const NOVNC: PixelFormat = { ...TRUE_COLOUR_32, redShift: 0, greenShift: 8, blueShift: 16 };

describe('a moving card', () => {
  test('counts its frames and tells the time of each', async () => {
    await using card = await startCard();
    using viewer = await openCard(card.port);
    expect(viewer.name).toBe('camofleet test card s1');
    const stamps: { frame: number; epochMs: number }[] = [];
    for (let index = 0; index < 5; index += 1) {
      viewer.request(index > 0, CELLS);
      const result = await viewer.read();
      expect(result).toMatchObject({ ok: true });
      if (result.ok) stamps.push(result.value);
    }
    const frames = stamps.map(({ frame }) => frame);
    expect(frames).toEqual(frames.toSorted((a, b) => a - b));
    expect(new Set(frames).size).toBe(5);
    for (const { epochMs } of stamps) expect(Math.abs(Date.now() - epochMs)).toBeLessThan(10_000);
  });

  test('shows a first viewer the time of now, however long nobody watched', async () => {
    const clock = passingClock();
    await using card = await startCard('moving', clock);
    clock.pass(3_600_000);
    using viewer = await openCard(card.port);
    viewer.request(false, CELLS);
    const result = await viewer.read();
    expect(result).toMatchObject({ ok: true });
    expect(result.ok && clock.now() - result.value.epochMs).toBeLessThan(10_000);
  });

  test('sends what moves and nothing else when only changes are asked for', async () => {
    await using card = await startCard();
    using viewer = await openCard(card.port);
    viewer.request(true);
    expect((await viewer.update()).map(({ bytes: _bytes, ...area }) => area)).toEqual([WHOLE]);
    viewer.request(true);
    expect((await viewer.update()).map(({ bytes: _bytes, ...area }) => area)).toEqual(MOVING_AREAS);
    viewer.request(true, { x: 0, y: 0, width: 300, height: 300 });
    const [part, ...more] = await viewer.update();
    expect(part).toMatchObject({ x: 190, y: 270, width: 110, height: 30 });
    expect(more).toEqual([]);
  });

  test.each([
    ['32 bits, blue first', TRUE_COLOUR_32, 0],
    ['32 bits, red first', NOVNC, 0],
    ['32 bits, big endian', { ...TRUE_COLOUR_32, bigEndian: true }, 0],
    ['16 bits', RGB_565, 5],
    ['16 bits, big endian', { ...RGB_565, bigEndian: true }, 5],
    ['8 bits', BGR_233, 43],
  ])('is read back and has its colours in %s', async (_name, format, tolerance) => {
    await using card = await startCard();
    using viewer = await openCard(card.port);
    viewer.useFormat(format);
    viewer.request(false, CELLS);
    expect(await viewer.read()).toMatchObject({ ok: true });
    for (const { x, y, rgb } of CARD_SWATCHES) {
      viewer.request(false, { x, y, width: 1, height: 1 });
      const [pixel] = await viewer.update();
      const shown = channels(pixel!.bytes, format);
      for (const [index, want] of rgb.entries()) expect(Math.abs(shown[index]! - want)).toBeLessThanOrEqual(tolerance);
    }
  });
});

function channels(bytes: Buffer, format: PixelFormat): number[] {
  const value = format.bigEndian ? bytes.readUIntBE(0, bytes.length) : bytes.readUIntLE(0, bytes.length);
  const { redShift, redMax, greenShift, greenMax, blueShift, blueMax } = format;
  return [
    ((value >>> redShift) & redMax) * (255 / redMax),
    ((value >>> greenShift) & greenMax) * (255 / greenMax),
    ((value >>> blueShift) & blueMax) * (255 / blueMax),
  ];
}

describe('a still card', () => {
  test('never changes: a request for changes is not answered, one for the whole picture is, with the same stamp', async () => {
    await using card = await startCard('still');
    using viewer = await openCard(card.port);
    viewer.request(false, CELLS);
    const first = await viewer.read();
    expect(first).toMatchObject({ ok: true, value: { frame: 1 } });
    viewer.request(true);
    const early = await Promise.race([viewer.update(), new Promise((resolve) => setTimeout(resolve, 300, 'silence'))]);
    expect(early).toBe('silence');
    using other = await openCard(card.port);
    other.request(false, CELLS);
    expect(await other.read()).toEqual(first);
  });

  test('answers requests that come while the answer to an earlier one is on its way', async () => {
    await using card = await startCard('still');
    using viewer = await openCard(card.port);
    viewer.send(Buffer.concat(Array.from({ length: 50 }, () => encodeUpdateRequest(false, WHOLE))));
    expect(await viewer.read()).toMatchObject({ ok: true });
    expect(await viewer.read()).toMatchObject({ ok: true });
  });
});

describe('a request for nothing', () => {
  test.each([
    ['no width', { x: 0, y: 0, width: 0, height: 100 }],
    ['no height', { x: 5, y: 5, width: 10, height: 0 }],
    ['outside', { x: 60_000, y: 60_000, width: 5_000, height: 5_000 }],
  ])('%s, is answered with an update of nothing', async (_name, area) => {
    await using card = await startCard('still');
    using viewer = await openCard(card.port);
    viewer.request(false, area);
    expect(await viewer.update()).toEqual([]);
    viewer.request(false, CELLS);
    expect(await viewer.read()).toMatchObject({ ok: true });
  });

  test('and the wish for another size are borne', async () => {
    await using card = await startCard();
    using viewer = await openCard(card.port);
    viewer.send(Buffer.from([251, 0, 0, 0, 0, 0, 0, 0])); // SetDesktopSize 0x0, no screens
    viewer.send(Buffer.from([4, 1, 0, 0, 0, 0, 0, 65, 5, 1, 0, 9, 0, 9])); // a key and a pointer
    viewer.request(false, CELLS);
    expect(await viewer.read()).toMatchObject({ ok: true });
  });
});

describe('a viewer is ended, the others are not', () => {
  const rest = Buffer.alloc(12);
  const garbage = Buffer.from('GET / HTTP/1.1\r\n\r\n');
  const formatOf = (change: Partial<PixelFormat>): Buffer =>
    Buffer.concat([Buffer.from([0, 0, 0, 0]), encodePixelFormat({ ...TRUE_COLOUR_32, ...change })]);

  test.each([
    ['that asks for 24 bits a pixel', formatOf({ bitsPerPixel: 24 }), 'wanted 8, 16 or 32 bits a pixel, got 24'],
    ['that asks for 0 bits a pixel', formatOf({ bitsPerPixel: 0 }), 'wanted 8, 16 or 32 bits a pixel, got 0'],
    ['that asks for a colour map', formatOf({ trueColour: false }), 'wanted true colour, got a colour map'],
    ['that says what nobody knows', Buffer.concat([Buffer.from([99]), rest]), 'unknown message 99'],
  ])('%s', async (_name, bytes, why) => {
    await using card = await startCard();
    using good = await openCard(card.port);
    using viewer = await openCard(card.port);
    viewer.send(Buffer.concat([bytes, encodeUpdateRequest(false, WHOLE)]));
    await viewer.closed;
    expect(ends).toEqual([why]);
    good.request(false, CELLS);
    expect(await good.read()).toMatchObject({ ok: true });
  });

  test('that does not speak RFB', async () => {
    await using card = await startCard();
    const { closed } = await dialRaw(card.port, garbage);
    await closed;
    expect(ends).toEqual([expect.stringContaining('wanted RFB 003.yyy')]);
  });

  test('that has the wrong password, and is told so', async () => {
    await using card = await startCard();
    await expect(openCard(card.port, 'wrongpwd')).rejects.toThrow('authentication failed');
    await expect.poll(() => ends).toEqual(['wrong password']);
    using viewer = await openCard(card.port, PASSWORD);
    viewer.request(false, CELLS);
    expect(await viewer.read()).toMatchObject({ ok: true });
  });

  test('that takes longer than 10 s to open', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await using card = await startCard();
    const { closed } = await dialRaw(card.port, Buffer.from('RFB 003.008\n'));
    while (vi.getTimerCount() === 0) await turn();
    vi.advanceTimersByTime(9_999);
    expect(ends).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(ends).toEqual(['the opening took too long']);
    vi.useRealTimers();
    await closed;
  });

  test('that is cut off in the middle of a message', async () => {
    await using card = await startCard();
    const viewer = await openCard(card.port);
    viewer.send(encodeUpdateRequest(false, WHOLE).subarray(0, 5));
    viewer.socket.resetAndDestroy();
    await expect.poll(() => ends.length).toBe(1);
    using other = await openCard(card.port);
    other.request(false, CELLS);
    expect(await other.read()).toMatchObject({ ok: true });
  });

  test('that reads nothing for 20 s', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await using card = await startCard('still');
    using viewer = await openCard(card.port);
    viewer.socket.pause();
    for (let index = 0; index < 100; index += 1) {
      viewer.request(false);
      await turn();
    }
    vi.advanceTimersByTime(19_999);
    expect(ends).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(ends).toEqual(['the viewer does not read']);
  });
});

/** Lets sockets do what is due. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('many viewers', () => {
  test('share frames: 64 watch, the 65th is refused, and a place that is left is taken again', async () => {
    await using card = await startCard();
    const viewers = await Promise.all(Array.from({ length: 64 }, () => openCard(card.port)));
    await expect(openCard(card.port)).rejects.toThrow('closed before');
    expect(ends).toEqual(['64 viewers are there']);
    for (const viewer of viewers) viewer.request(false, { x: 0, y: 0, width: 100, height: 100 });
    for (const viewer of viewers) expect(await viewer.update()).toHaveLength(1);
    for (const viewer of viewers) viewer.request(true);
    for (const viewer of viewers) expect(await viewer.update()).toHaveLength(MOVING_AREAS.length);
    viewers[0]![Symbol.dispose]();
    await expect.poll(() => ends.length).toBe(2);
    using late = await openCard(card.port);
    late.request(false, CELLS);
    expect(await late.read()).toMatchObject({ ok: true });
    for (const viewer of viewers) viewer[Symbol.dispose]();
  });

  test('that ask and do not read cost one update each at most, and do not slow down one that reads', async () => {
    await using card = await startCard();
    const silent = await Promise.all(Array.from({ length: 20 }, () => openCard(card.port)));
    for (const viewer of silent) {
      viewer.socket.pause();
      for (let index = 0; index < 100; index += 1) viewer.request(false);
    }
    using reader = await openCard(card.port);
    reader.request(false, CELLS);
    expect(await reader.read()).toMatchObject({ ok: true });
    const before = process.memoryUsage().arrayBuffers;
    for (let index = 0; index < 15; index += 1) {
      for (const viewer of silent) viewer.request(index % 2 === 0);
      reader.request(true);
      expect(await reader.read()).toMatchObject({ ok: true });
    }
    const grown = process.memoryUsage().arrayBuffers - before;
    expect(grown).toBeLessThan(20 * 4_000_000 + 40_000_000);
    for (const viewer of silent) viewer[Symbol.dispose]();
  });
});

test('a release ends every viewer, also one that does not read, and leaves nothing behind', async () => {
  const card = await startCard();
  const reader = await openCard(card.port);
  const silent = await openCard(card.port);
  silent.socket.pause();
  for (let index = 0; index < 10; index += 1) silent.request(false);
  const began = performance.now();
  await card[Symbol.asyncDispose]();
  expect(performance.now() - began).toBeLessThan(3_000);
  expect(ends).toEqual(['the session is released', 'the session is released']);
  await reader.closed;
  await expect(openCard(card.port)).rejects.toThrow();
  silent[Symbol.dispose]();
});
