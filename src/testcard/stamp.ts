import { CHECK_BITS, FRAME_BITS, STAMP_BITS, TIME_BITS } from './layout.js';

/** What a frame says of itself. */
export interface Stamp {
  /** Counts from 1, wraps after 32 bits. */
  readonly frame: number;
  /** When it was drawn, in milliseconds since the epoch. */
  readonly epochMs: number;
}

const FRAMES = 2 ** FRAME_BITS;

/** The bits of a stamp with its checksum, most significant first. */
export function stampBits(stamp: Stamp): boolean[] {
  const payload = [
    ...bitsOf(BigInt(stamp.frame % FRAMES), FRAME_BITS),
    ...bitsOf(BigInt(Math.floor(stamp.epochMs)), TIME_BITS),
  ];
  return [...payload, ...bitsOf(BigInt(checksum(payload)), CHECK_BITS)];
}

/** The stamp in these bits, or undefined when the checksum says that they are no stamp. */
export function stampFromBits(bits: readonly boolean[]): Stamp | undefined {
  const payload = bits.slice(0, STAMP_BITS - CHECK_BITS);
  if (numberOf(bits.slice(-CHECK_BITS)) !== checksum(payload)) return undefined;
  return { frame: numberOf(payload.slice(0, FRAME_BITS)), epochMs: numberOf(payload.slice(FRAME_BITS)) };
}

function bitsOf(value: bigint, width: number): boolean[] {
  return Array.from({ length: width }, (_, index) => ((value >> BigInt(width - 1 - index)) & 1n) === 1n);
}

function numberOf(bits: readonly boolean[]): number {
  return bits.reduce((value, bit) => value * 2 + Number(bit), 0);
}

/** CRC-16/CCITT-FALSE: polynomial 0x1021, start 0xffff; an all-black picture does not pass. */
function checksum(bits: readonly boolean[]): number {
  let crc = 0xffff;
  for (const bit of bits) {
    const carry = ((crc >> 15) & 1) !== Number(bit);
    crc = ((crc << 1) & 0xffff) ^ (carry ? 0x1021 : 0);
  }
  return crc;
}
