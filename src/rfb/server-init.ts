/** PIXEL_FORMAT (RFC 6143 section 7.4): 16 bytes on the wire. */
export interface PixelFormat {
  readonly bitsPerPixel: number;
  readonly depth: number;
  readonly bigEndian: boolean;
  readonly trueColour: boolean;
  readonly redMax: number;
  readonly greenMax: number;
  readonly blueMax: number;
  readonly redShift: number;
  readonly greenShift: number;
  readonly blueShift: number;
}

/** ServerInit (RFC 6143 section 7.3.2). Width and height in pixels. */
export interface ServerInit {
  readonly width: number;
  readonly height: number;
  readonly format: PixelFormat;
  readonly name: string;
}

/** 32 bits, little endian, red in bits 16–23: what most servers send and what noVNC asks for with other shifts. */
export const TRUE_COLOUR_32: PixelFormat = {
  bitsPerPixel: 32,
  depth: 24,
  bigEndian: false,
  trueColour: true,
  redMax: 255,
  greenMax: 255,
  blueMax: 255,
  redShift: 16,
  greenShift: 8,
  blueShift: 0,
};

const PIXEL_FORMAT_LENGTH = 16;
const FIXED_LENGTH = 24;

/** The longest desktop name that is taken from a peer; a longer one is no desktop name. */
export const MAX_NAME_LENGTH = 65_536;

export function parsePixelFormat(bytes: Buffer): PixelFormat {
  return {
    bitsPerPixel: bytes.readUInt8(0),
    depth: bytes.readUInt8(1),
    bigEndian: bytes.readUInt8(2) !== 0,
    trueColour: bytes.readUInt8(3) !== 0,
    redMax: bytes.readUInt16BE(4),
    greenMax: bytes.readUInt16BE(6),
    blueMax: bytes.readUInt16BE(8),
    redShift: bytes.readUInt8(10),
    greenShift: bytes.readUInt8(11),
    blueShift: bytes.readUInt8(12),
  };
}

export function encodePixelFormat(format: PixelFormat): Buffer {
  const bytes = Buffer.alloc(PIXEL_FORMAT_LENGTH);
  bytes.writeUInt8(format.bitsPerPixel, 0);
  bytes.writeUInt8(format.depth, 1);
  bytes.writeUInt8(Number(format.bigEndian), 2);
  bytes.writeUInt8(Number(format.trueColour), 3);
  bytes.writeUInt16BE(format.redMax, 4);
  bytes.writeUInt16BE(format.greenMax, 6);
  bytes.writeUInt16BE(format.blueMax, 8);
  bytes.writeUInt8(format.redShift, 10);
  bytes.writeUInt8(format.greenShift, 11);
  bytes.writeUInt8(format.blueShift, 12);
  return bytes;
}

/** Length in bytes of the whole ServerInit that begins with these bytes; undefined until that can be told. */
export function serverInitLength(bytes: Buffer | undefined): number | undefined {
  return bytes && bytes.length >= FIXED_LENGTH ? FIXED_LENGTH + bytes.readUInt32BE(20) : undefined;
}

export const SERVER_INIT_FIXED_LENGTH = FIXED_LENGTH;

/** Parses a whole ServerInit. */
export function parseServerInit(bytes: Buffer): ServerInit {
  return {
    width: bytes.readUInt16BE(0),
    height: bytes.readUInt16BE(2),
    format: parsePixelFormat(bytes.subarray(4, 4 + PIXEL_FORMAT_LENGTH)),
    name: bytes.toString('utf8', FIXED_LENGTH),
  };
}

export function encodeServerInit(init: ServerInit): Buffer {
  const name = Buffer.from(init.name, 'utf8');
  const size = Buffer.alloc(4);
  size.writeUInt16BE(init.width, 0);
  size.writeUInt16BE(init.height, 2);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(name.length, 0);
  return Buffer.concat([size, encodePixelFormat(init.format), length, name]);
}
