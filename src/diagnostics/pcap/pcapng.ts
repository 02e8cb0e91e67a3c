import { MAX_CAPTURED, type Packet } from './packet.js';
import type { Scan } from './splitter.js';

/** Block types of pcapng (draft-ietf-opsawg-pcapng, section 4). */
const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE = 1;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const SMALLEST_BLOCK = 12;
/** A packet with the longest data, its own head and options. */
const LARGEST_PACKET_BLOCK = MAX_CAPTURED + 65_536;
/** Interfaces described in a section; real files have a handful. */
const MAX_INTERFACES = 4_096;
const OPTION_END = 0;
const OPTION_RESOLUTION = 9;
const OPTION_OFFSET = 14;
const NANOSECONDS = 1_000_000_000n;

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Units a second of its timestamps. */
  readonly perSecond: bigint;
  readonly offsetSeconds: bigint;
}

/** Packets of a pcapng file: sections of either byte order, many interfaces, any time resolution. Other blocks are skipped. */
export class NgScanner {
  #littleEndian = true;
  #interfaces: Interface[] = [];
  /** Bytes of a block that is skipped and has not yet arrived. */
  #skip = 0;
  /** Simple packets have no time: they take that of the packet before them. */
  #lastTime: Pick<Packet, 'seconds' | 'nanoseconds'> = { seconds: 0, nanoseconds: 0 };

  /** True when the bytes so far end at the end of a block. */
  get isWhole(): boolean {
    return this.#skip === 0;
  }

  scan(bytes: Buffer): Scan {
    const packets: Packet[] = [];
    let at = 0;
    for (;;) {
      const skipped = Math.min(this.#skip, bytes.length - at);
      this.#skip -= skipped;
      at += skipped;
      if (bytes.length - at < SMALLEST_BLOCK) return { packets, consumed: at };
      const type = bytes.readUInt32BE(at) === SECTION_HEADER ? SECTION_HEADER : this.#u32(bytes, at);
      if (type === SECTION_HEADER && !this.#startSection(bytes.readUInt32BE(at + 8)))
        return { packets, consumed: at, problem: 'begins a section without a byte order' };
      const length = this.#u32(bytes, at + 4);
      if (length < SMALLEST_BLOCK || length % 4 !== 0)
        return { packets, consumed: at, problem: `lies in a block that claims ${length} bytes` };
      if (type !== INTERFACE && type !== SIMPLE_PACKET && type !== ENHANCED_PACKET) {
        this.#skip = length;
        continue;
      }
      if (length > LARGEST_PACKET_BLOCK)
        return { packets, consumed: at, problem: `lies in a block that claims ${length} bytes` };
      if (bytes.length - at < length) return { packets, consumed: at };
      const problem = this.#block(type, bytes.subarray(at, at + length), packets);
      if (problem !== undefined) return { packets, consumed: at, problem };
      at += length;
    }
  }

  #startSection(magic: number): boolean {
    if (magic !== BYTE_ORDER_MAGIC && magic !== 0x4d3c2b1a) return false;
    this.#littleEndian = magic !== BYTE_ORDER_MAGIC;
    this.#interfaces = [];
    return true;
  }

  #block(type: number, block: Buffer, packets: Packet[]): string | undefined {
    if (type === INTERFACE) return this.#interface(block);
    const packet = type === ENHANCED_PACKET ? this.#enhanced(block) : this.#simple(block);
    if (typeof packet === 'string') return packet;
    this.#lastTime = { seconds: packet.seconds, nanoseconds: packet.nanoseconds };
    packets.push(packet);
    return undefined;
  }

  #interface(block: Buffer): string | undefined {
    if (block.length < 20) return 'lies behind an interface without a description';
    if (this.#interfaces.length >= MAX_INTERFACES) return `lies behind more than ${MAX_INTERFACES} interfaces`;
    let perSecond = 1_000_000n;
    let offsetSeconds = 0n;
    for (const [code, value] of this.#options(block.subarray(16, block.length - 4))) {
      if (code === OPTION_RESOLUTION && value.length > 0) perSecond = resolution(value[0]!);
      if (code === OPTION_OFFSET && value.length >= 8)
        offsetSeconds = this.#littleEndian ? value.readBigInt64LE(0) : value.readBigInt64BE(0);
    }
    this.#interfaces.push({
      linkType: this.#littleEndian ? block.readUInt16LE(8) : block.readUInt16BE(8),
      snapLength: this.#u32(block, 12),
      perSecond,
      offsetSeconds,
    });
    return undefined;
  }

  #enhanced(block: Buffer): Packet | string {
    if (block.length < 32) return 'lies in a block that is too short for it';
    const device = this.#interfaces[this.#u32(block, 8)];
    if (!device) return `names interface ${this.#u32(block, 8)}, which is not described`;
    const captured = this.#u32(block, 20);
    if (captured > block.length - 32) return `claims ${captured} captured bytes in a block of ${block.length}`;
    const units = (BigInt(this.#u32(block, 12)) << 32n) | BigInt(this.#u32(block, 16));
    return {
      ...timeOf(units, device),
      linkType: device.linkType,
      originalLength: this.#u32(block, 24),
      data: block.subarray(28, 28 + captured),
    };
  }

  #simple(block: Buffer): Packet | string {
    const device = this.#interfaces[0];
    if (!device) return 'has no interface';
    if (block.length < 16) return 'lies in a block that is too short for it';
    const originalLength = this.#u32(block, 8);
    const limit = device.snapLength === 0 ? originalLength : Math.min(originalLength, device.snapLength);
    const data = block.subarray(12, 12 + Math.min(limit, block.length - 16));
    return { ...this.#lastTime, linkType: device.linkType, originalLength, data };
  }

  *#options(bytes: Buffer): Generator<[code: number, value: Buffer]> {
    let at = 0;
    while (bytes.length - at >= 4) {
      const code = this.#littleEndian ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at);
      const length = this.#littleEndian ? bytes.readUInt16LE(at + 2) : bytes.readUInt16BE(at + 2);
      if (code === OPTION_END) return;
      yield [code, bytes.subarray(at + 4, at + 4 + length)];
      at += 4 + Math.ceil(length / 4) * 4;
    }
  }

  #u32(bytes: Buffer, offset: number): number {
    return this.#littleEndian ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset);
  }
}

/** `if_tsresol`: a negative power of ten, or of two when the highest bit is set. */
function resolution(value: number): bigint {
  const exponent = BigInt(value & 0x7f);
  return (value & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
}

function timeOf(units: bigint, { perSecond, offsetSeconds }: Interface): Pick<Packet, 'seconds' | 'nanoseconds'> {
  const seconds = BigInt.asUintN(32, units / perSecond + offsetSeconds);
  return { seconds: Number(seconds), nanoseconds: Number(((units % perSecond) * NANOSECONDS) / perSecond) };
}
