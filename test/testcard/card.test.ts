import { describe, expect, test } from 'vitest';
import {
  CARD_HEIGHT,
  CARD_SWATCHES,
  CARD_WIDTH,
  MOVING_AREAS,
  drawCard,
  drawStamp,
  readCard,
} from '../../src/testcard/index.ts';

const STAMP = { frame: 4_711, epochMs: 1_795_000_000_123 };

function cardWith(stamp = STAMP): Buffer {
  const pixels = drawCard();
  drawStamp(pixels, stamp);
  return pixels;
}

function read(pixels: Uint8Array, width = CARD_WIDTH, height = CARD_HEIGHT): ReturnType<typeof readCard> {
  return readCard({ width, height, pixels });
}

/** Numbers that are the same each time. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('a card is read back from its pixels', () => {
  test.each([
    { frame: 1, epochMs: 0 },
    STAMP,
    { frame: 2 ** 32 - 1, epochMs: 2 ** 48 - 1 },
    { frame: 1, epochMs: 253_402_300_799_999 },
  ])('frame $frame of $epochMs', (stamp) => {
    expect(read(cardWith(stamp))).toEqual({ ok: true, value: stamp });
  });

  test('whose time has a fraction, as whole milliseconds', () => {
    expect(read(cardWith({ frame: 1, epochMs: 12.9 }))).toEqual({ ok: true, value: { frame: 1, epochMs: 12 } });
  });

  test('whose counter wraps after 32 bits', () => {
    expect(read(cardWith({ frame: 2 ** 32 + 5, epochMs: 9 }))).toEqual({ ok: true, value: { frame: 5, epochMs: 9 } });
  });

  test('after another stamp was drawn over it', () => {
    const pixels = cardWith();
    for (let frame = 1; frame <= 40; frame += 1) {
      drawStamp(pixels, { frame, epochMs: frame * 97 });
      expect(read(pixels)).toEqual({ ok: true, value: { frame, epochMs: frame * 97 } });
    }
  });

  test.each([
    ['3 bits a channel', (value: number) => Math.round((Math.round((value * 7) / 255) * 255) / 7)],
    ['2 bits a channel', (value: number) => Math.round((Math.round((value * 3) / 255) * 255) / 3)],
    ['half the contrast', (value: number) => 64 + value / 2],
    ['noise of 60 levels', noise(60)],
  ])('through a lossy picture: %s', (_name, change) => {
    expect(read(cardWith().map(change))).toEqual({ ok: true, value: STAMP });
  });
});

function noise(levels: number): (value: number) => number {
  const next = numbers(7);
  return (value) => Math.max(0, Math.min(255, value + Math.round((next() - 0.5) * 2 * levels)));
}

describe('what is no card is told from one', () => {
  test.each([
    ['all black', Buffer.alloc(CARD_WIDTH * CARD_HEIGHT * 4)],
    ['all white', Buffer.alloc(CARD_WIDTH * CARD_HEIGHT * 4, 255)],
    ['a card without a stamp', drawCard()],
    ['no pixels', Buffer.alloc(0)],
    ['cut above the cells', cardWith().subarray(0, CARD_WIDTH * 540 * 4)],
    ['cut within the cells', cardWith().subarray(0, CARD_WIDTH * 560 * 4)],
    ['shifted by a cell', Buffer.concat([Buffer.alloc(20 * 4), cardWith()])],
    ['inverted', cardWith().map((value) => 255 - value)],
  ])('%s', (_name, pixels) => {
    expect(read(pixels)).toEqual({ ok: false, error: 'the checksum of the cells is wrong' });
  });

  test.each([
    [640, 480],
    [CARD_WIDTH, CARD_HEIGHT + 1],
    [0, 0],
  ])('a picture of %i x %i', (width, height) => {
    const result = read(Buffer.alloc(width * height * 4), width, height);
    expect(result).toEqual({ ok: false, error: expect.stringContaining(`${width}x${height}`) });
  });

  test('a single cell that is wrong, whichever it is', () => {
    for (let bit = 0; bit < 96; bit += 1) {
      const pixels = cardWith();
      const x = 160 + (bit % 48) * 20 + 10;
      const y = 540 + Math.floor(bit / 48) * 20 + 10;
      const at = (y * CARD_WIDTH + x) * 4;
      pixels[at + 1] = 255 - pixels[at + 1]!;
      expect(read(pixels).ok, `bit ${bit}`).toBe(false);
    }
  });

  test('halves of two frames', () => {
    const [one, other] = [cardWith({ frame: 100, epochMs: 1_000_000 }), cardWith({ frame: 101, epochMs: 1_000_100 })];
    const seam = CARD_WIDTH * 560 * 4;
    expect(read(Buffer.concat([one.subarray(0, seam), other.subarray(seam)])).ok).toBe(false);
  });
});

describe('a stamp', () => {
  test('changes the moving areas and nothing else', () => {
    const [one, other] = [cardWith({ frame: 1, epochMs: 0 }), cardWith({ frame: 99_999_999, epochMs: 2 ** 47 })];
    const outside = new Set<string>();
    for (let y = 0; y < CARD_HEIGHT; y += 1)
      for (let x = 0; x < CARD_WIDTH; x += 1) {
        const at = (y * CARD_WIDTH + x) * 4;
        if (one.readUInt32BE(at) === other.readUInt32BE(at)) continue;
        const inside = MOVING_AREAS.some(
          (area) => x >= area.x && x < area.x + area.width && y >= area.y && y < area.y + area.height,
        );
        if (!inside) outside.add(`${x},${y}`);
      }
    expect([...outside]).toEqual([]);
  });

  test('leaves the colour bars as they are said to be', () => {
    const pixels = cardWith();
    for (const { x, y, rgb } of CARD_SWATCHES) {
      const at = (y * CARD_WIDTH + x) * 4;
      expect([...pixels.subarray(at, at + 4)]).toEqual([...rgb, 255]);
    }
  });

  test('moves what a person looks at, too: clock, counter and mark', () => {
    const [one, other] = [cardWith({ frame: 1, epochMs: 0 }), cardWith({ frame: 2, epochMs: 61_001 })];
    for (const { x, y, width, height } of MOVING_AREAS) {
      const rows = Array.from({ length: height }, (_, row) => ((y + row) * CARD_WIDTH + x) * 4);
      const same = rows.every((at) => one.subarray(at, at + width * 4).equals(other.subarray(at, at + width * 4)));
      expect(same, `${x},${y}`).toBe(false);
    }
  });
});
