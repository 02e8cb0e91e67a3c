import { MAX_CAPTURED, type Packet } from './packet.js';
import type { Scan } from './splitter.js';

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const NANOSECONDS_A_MICROSECOND = 1_000;
/** A fraction of a second is not more than a second. */
const MAX_NANOSECONDS = 999_999_999;

/** Records of a classic capture file (pcap-savefile(5)), in either byte order, in micro- or nanoseconds. */
export class ClassicScanner {
  readonly #littleEndian: boolean;
  readonly #scale: number;
  #linkType: number | undefined;

  constructor(format: { readonly littleEndian: boolean; readonly nanoseconds: boolean }) {
    this.#littleEndian = format.littleEndian;
    this.#scale = format.nanoseconds ? 1 : NANOSECONDS_A_MICROSECOND;
  }

  /** Takes as many whole records as there are. */
  scan(bytes: Buffer): Scan {
    const u32 = (offset: number): number =>
      this.#littleEndian ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);
    let at = 0;
    if (this.#linkType === undefined) {
      if (bytes.length < FILE_HEADER) return { packets: [], consumed: 0 };
      // The upper bits tell of frame check sequences, not of the link.
      this.#linkType = u32(20) & 0xffff;
      at = FILE_HEADER;
    }
    const packets: Packet[] = [];
    while (bytes.length - at >= RECORD_HEADER) {
      const captured = u32(at + 8);
      if (captured > MAX_CAPTURED) return { packets, consumed: at, problem: `claims ${captured} captured bytes` };
      const start = at + RECORD_HEADER;
      if (bytes.length - start < captured) break;
      packets.push({
        seconds: u32(at),
        nanoseconds: Math.min(u32(at + 4) * this.#scale, MAX_NANOSECONDS),
        linkType: this.#linkType,
        originalLength: u32(at + 12),
        data: bytes.subarray(start, start + captured),
      });
      at = start + captured;
    }
    return { packets, consumed: at };
  }
}
