import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Framebuffer } from '../../src/rfb/index.ts';

const SIZE = { width: 9, height: 7 };

/** Each pixel's place, so that every one differs. */
function numbered(): Framebuffer {
  const picture = new Framebuffer(SIZE.width, SIZE.height);
  for (let at = 0; at < SIZE.width * SIZE.height; at += 1) picture.pixels.writeUInt32BE(at + 1, at * 4);
  return picture;
}

const at = (picture: Framebuffer, x: number, y: number): number =>
  picture.pixels.readUInt32BE((y * picture.width + x) * 4);

test('a copy within the picture moves every pixel, also where source and destination overlap', () => {
  const area = fc
    .record({ width: fc.integer({ min: 0, max: SIZE.width }), height: fc.integer({ min: 0, max: SIZE.height }) })
    .chain(({ width, height }) =>
      fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        fromX: fc.nat(SIZE.width - width),
        fromY: fc.nat(SIZE.height - height),
        x: fc.nat(SIZE.width - width),
        y: fc.nat(SIZE.height - height),
      }),
    );
  fc.assert(
    fc.property(area, ({ fromX, fromY, x, y, width, height }) => {
      const before = numbered();
      const after = numbered();
      after.copy(fromX, fromY, x, y, width, height);
      for (let row = 0; row < SIZE.height; row += 1)
        for (let column = 0; column < SIZE.width; column += 1) {
          const inside = column >= x && column < x + width && row >= y && row < y + height;
          const want = inside ? at(before, fromX + column - x, fromY + row - y) : at(before, column, row);
          expect(at(after, column, row)).toBe(want);
        }
    }),
    { numRuns: 500 },
  );
});

test('pixels of a rectangle land in its rows, in whatever pieces they come', () => {
  const pieces = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(pieces, (lengths) => {
      const picture = new Framebuffer(SIZE.width, SIZE.height);
      let offset = 0;
      for (const length of lengths) {
        const count = Math.min(length, 12 - offset);
        const bytes = Buffer.from(Array.from({ length: count }, (_, index) => [1, 2, offset + index, 0]).flat());
        if (count > 0) picture.drawBgr(3, 2, 4, offset, bytes);
        offset += count;
      }
      const drawn = Array.from({ length: 12 }, (_, index) => at(picture, 3 + (index % 4), 2 + Math.floor(index / 4)));
      expect(drawn).toEqual(Array.from({ length: 12 }, (_, index) => index * 0x1000000 + 0x020100 + 255));
      expect(picture.pixels.filter((byte) => byte === 255)).toHaveLength(12);
    }),
    { numRuns: 200 },
  );
});
