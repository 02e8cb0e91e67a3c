import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TRUE_COLOUR_32, encodePixelFormat, encodeServerInit } from '../../src/rfb/index.ts';
import { parsePixelFormat, parseServerInit, serverInitLength } from '../../src/rfb/server-init.ts';

const u8 = fc.nat(255);
const u16 = fc.nat(65_535);
const format = fc.record({
  bitsPerPixel: u8,
  depth: u8,
  bigEndian: fc.boolean(),
  trueColour: fc.boolean(),
  redMax: u16,
  greenMax: u16,
  blueMax: u16,
  redShift: u8,
  greenShift: u8,
  blueShift: u8,
});

describe('ServerInit', () => {
  test('is read as it was written', () => {
    const init = fc.record({ width: u16, height: u16, format, name: fc.string({ unit: 'grapheme', maxLength: 50 }) });
    fc.assert(
      fc.property(init, (given) => {
        const bytes = encodeServerInit(given);
        expect(serverInitLength(bytes)).toBe(bytes.length);
        expect(parseServerInit(bytes)).toEqual(given);
      }),
    );
  });

  test('has a length that can be told from its 24th byte on', () => {
    const bytes = encodeServerInit({ width: 1, height: 1, format: TRUE_COLOUR_32, name: 'name' });
    expect(serverInitLength(undefined)).toBeUndefined();
    expect(serverInitLength(bytes.subarray(0, 23))).toBeUndefined();
    expect(serverInitLength(bytes.subarray(0, 24))).toBe(28);
  });

  test('with a name that is no UTF-8 is read all the same', () => {
    const bytes = encodeServerInit({ width: 1, height: 1, format: TRUE_COLOUR_32, name: 'name' });
    bytes[24] = 0xff;
    expect(parseServerInit(bytes).name).toBe('\u{fffd}ame');
  });
});

test('a pixel format has the bytes of RFC 6143 section 7.4', () => {
  expect(encodePixelFormat(TRUE_COLOUR_32).toString('hex')).toBe('2018000100ff00ff00ff100800000000');
  expect(parsePixelFormat(encodePixelFormat(TRUE_COLOUR_32))).toEqual(TRUE_COLOUR_32);
});
