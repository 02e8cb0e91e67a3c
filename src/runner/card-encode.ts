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
  const pack = packer(into, format);
  let at = start;
  for (let y = area.y; y < area.y + area.height; y += 1) {
    let from = (y * picture.width + area.x) * 4;
    for (let x = 0; x < area.width; x += 1, from += 4)
      at = pack(at, picture.pixels[from]!, picture.pixels[from + 1]!, picture.pixels[from + 2]!);
  }
  return at;
}

/** Writes one pixel and returns the next offset. */
function packer(into: Buffer, format: PixelFormat): (at: number, red: number, green: number, blue: number) => number {
  const { redMax, greenMax, blueMax, redShift, greenShift, blueShift, bigEndian, bitsPerPixel } = format;
  const value = (red: number, green: number, blue: number): number =>
    ((scale(red, redMax) << redShift) |
      (scale(green, greenMax) << greenShift) |
      (scale(blue, blueMax) << blueShift)) >>>
    0;
  if (bitsPerPixel === 8) return (at, red, green, blue) => into.writeUInt8(value(red, green, blue) & 0xff, at);
  if (bitsPerPixel === 16)
    return bigEndian
      ? (at, red, green, blue) => into.writeUInt16BE(value(red, green, blue) & 0xffff, at)
      : (at, red, green, blue) => into.writeUInt16LE(value(red, green, blue) & 0xffff, at);
  return bigEndian
    ? (at, red, green, blue) => into.writeUInt32BE(value(red, green, blue), at)
    : (at, red, green, blue) => into.writeUInt32LE(value(red, green, blue), at);
}

function scale(channel: number, max: number): number {
  return max === 255 ? channel : Math.round((channel * max) / 255);
}
