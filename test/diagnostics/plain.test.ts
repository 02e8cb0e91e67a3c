import { expect, test } from 'vitest';
import { isPlain } from '../../src/diagnostics/probes.ts';

const PIXELS = 640 * 480;

function picture(others: number): Buffer {
  const pixels = Buffer.alloc(PIXELS * 4);
  for (let pixel = 0; pixel < others; pixel += 1) pixels.writeUInt32LE(0xff_ff_ff, (PIXELS - 1 - pixel) * 4);
  return pixels;
}

test.each([
  ['one colour', 0, true],
  ['a pointer', 1_024, true],
  ['a small window', 1_025, false],
  ['two halves', PIXELS / 2, false],
])('a picture of %s', (_what, others, plain) => {
  expect(isPlain(picture(others))).toBe(plain);
});
