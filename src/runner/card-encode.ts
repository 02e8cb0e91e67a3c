import type { PixelFormat } from '../rfb/index.js';
import type { Area } from '../testcard/index.js';

interface Picture {
  readonly width: number;
  /** RGBA, 4 bytes a pixel. */
  readonly pixels: Buffer;
}

const RAW = 0;
const UPDATE_HEAD = 4;
const RECTANGLE_HEAD = 12;

/** Why pixels cannot be sent in this format, in words; undefined when they can. */
export function formatProblem({ bitsPerPixel, trueColour }: PixelFormat): string | undefined {
  if (![8, 16, 32].includes(bitsPerPixel)) return `wanted 8, 16 or 32 bits a pixel, got ${bitsPerPixel}`;
  return trueColour ? undefined : 'wanted true colour, got a colour map';
}

/** A FramebufferUpdate of Raw rectangles (RFC 6143 sections 7.6.1 and 7.7.1) in a viewer's pixel format. */
export function encodeUpdate(picture: Picture, areas: readonly Area[], format: PixelFormat): Buffer {
  const bytesPerPixel = format.bitsPerPixel / 8;
  const total = areas.reduce(
    (sum, { width, height }) => sum + RECTANGLE_HEAD + width * height * bytesPerPixel,
    UPDATE_HEAD,
  );
  const update = Buffer.allocUnsafe(total);
  update.writeUInt16BE(0, 0);
  update.writeUInt16BE(areas.length, 2);
  let at = UPDATE_HEAD;
  for (const area of areas) {
    at = update.writeUInt16BE(area.x, at);
    at = update.writeUInt16BE(area.y, at);
    at = update.writeUInt16BE(area.width, at);
    at = update.writeUInt16BE(area.height, at);
    at = update.writeInt32BE(RAW, at);
    at = writePixels(update, at, picture, area, format);
  }
  return update;
}

function writePixels(into: Buffer, start: number, picture: Picture, area: Area, format: PixelFormat): number {
  const { pixels, width } = picture;
  const [red, green, blue] = channels(format);
  const shifts = byteShifts(format);
  let at = start;
  for (let y = area.y; y < area.y + area.height; y += 1) {
    let from = (y * width + area.x) * 4;
    for (let x = 0; x < area.width; x += 1, from += 4) {
      const pixel = red[pixels[from]!]! | green[pixels[from + 1]!]! | blue[pixels[from + 2]!]!;
      for (let byte = 0; byte < shifts.length; byte += 1, at += 1) into[at] = pixel >>> shifts[byte]!;
    }
  }
  return at;
}

/** What each of the 256 values of a channel adds to a pixel. */
function channels(format: PixelFormat): readonly [Uint32Array, Uint32Array, Uint32Array] {
  const table = (max: number, shift: number): Uint32Array =>
    Uint32Array.from({ length: 256 }, (_, value) => Math.round((value * max) / 255) << shift);
  const { redMax, redShift, greenMax, greenShift, blueMax, blueShift } = format;
  return [table(redMax, redShift), table(greenMax, greenShift), table(blueMax, blueShift)];
}

/** Which bits of a pixel each of its bytes holds, in the order of the wire. */
function byteShifts({ bitsPerPixel, bigEndian }: PixelFormat): readonly number[] {
  const little = [0, 8, 16, 24].slice(0, bitsPerPixel / 8);
  return bigEndian ? little.toReversed() : little;
}
