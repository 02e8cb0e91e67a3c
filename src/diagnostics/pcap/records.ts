import { type Result, err, ok } from '../../core/index.js';

/** The head of a classic capture file (pcap-savefile(5)). */
export interface FileHeader {
  readonly littleEndian: boolean;
  /** Fractions of a second are nanoseconds instead of microseconds. */
  readonly nanoseconds: boolean;
  readonly linkType: number;
  readonly bytes: Buffer;
}

export interface Packet {
  readonly seconds: number;
  /** Micro- or nanoseconds, as the file has them. */
  readonly fraction: number;
  readonly originalLength: number;
  readonly data: Buffer;
}

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
/** No link carries more; a longer record is a forged length. */
const MAX_CAPTURED = 262_144;
const MAGICS: Readonly<Record<number, { littleEndian: boolean; nanoseconds: boolean }>> = {
  0xd4c3b2a1: { littleEndian: true, nanoseconds: false },
  0xa1b2c3d4: { littleEndian: false, nanoseconds: false },
  0x4d3cb2a1: { littleEndian: true, nanoseconds: true },
  0xa1b23c4d: { littleEndian: false, nanoseconds: true },
};

/** Splits a stream of bytes into packets; holds at most one record. After an error nothing more comes. */
export class RecordSplitter {
  header: FileHeader | undefined;
  #pending: Buffer = Buffer.alloc(0);
  #count = 0;
  #failed = false;

  /** Bytes that are no whole record yet: above zero at the end of a file means that it was cut short. */
  get pendingBytes(): number {
    return this.#pending.length;
  }

  get packets(): number {
    return this.#count;
  }

  feed(chunk: Buffer): Result<Packet[], string> {
    if (this.#failed) return ok([]);
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    if (!this.header) {
      if (this.#pending.length < FILE_HEADER) return ok([]);
      const magic = MAGICS[this.#pending.readUInt32BE(0)];
      if (!magic) return this.#fail(`begins with 0x${this.#pending.toString('hex', 0, 4)}, which is no capture file`);
      const bytes = Buffer.from(this.#pending.subarray(0, FILE_HEADER));
      const linkType = (magic.littleEndian ? bytes.readUInt32LE(20) : bytes.readUInt32BE(20)) & 0xffff;
      this.header = { ...magic, linkType, bytes };
      this.#pending = this.#pending.subarray(FILE_HEADER);
    }
    return this.#records(this.header);
  }

  #records({ littleEndian }: FileHeader): Result<Packet[], string> {
    const packets: Packet[] = [];
    const u32 = (at: number): number =>
      littleEndian ? this.#pending.readUInt32LE(at) : this.#pending.readUInt32BE(at);
    let at = 0;
    while (this.#pending.length - at >= RECORD_HEADER) {
      const captured = u32(at + 8);
      if (captured > MAX_CAPTURED) return this.#fail(`packet ${this.#count + 1} claims ${captured} bytes`);
      if (this.#pending.length - at < RECORD_HEADER + captured) break;
      const start = at + RECORD_HEADER;
      packets.push({
        seconds: u32(at),
        fraction: u32(at + 4),
        originalLength: u32(at + 12),
        data: this.#pending.subarray(start, start + captured),
      });
      this.#count += 1;
      at = start + captured;
    }
    this.#pending = this.#pending.subarray(at);
    return ok(packets);
  }

  #fail(reason: string): Result<Packet[], string> {
    this.#failed = true;
    return err(reason);
  }
}

/** A record as a little-endian file in microseconds has it. */
export function encodeRecord(packet: Packet, microseconds: number): Buffer {
  const head = Buffer.alloc(RECORD_HEADER);
  head.writeUInt32LE(packet.seconds, 0);
  head.writeUInt32LE(microseconds, 4);
  head.writeUInt32LE(packet.data.length, 8);
  head.writeUInt32LE(packet.originalLength, 12);
  return Buffer.concat([head, packet.data]);
}

/** The head of a little-endian file in microseconds. */
export function encodeFileHeader(linkType: number): Buffer {
  const head = Buffer.alloc(FILE_HEADER);
  head.writeUInt32BE(0xd4c3b2a1, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(MAX_CAPTURED, 16);
  head.writeUInt32LE(linkType, 20);
  return head;
}
