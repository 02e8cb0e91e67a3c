import { ClassicScanner } from './classic.js';
import type { Packet } from './packet.js';
import { NgScanner } from './pcapng.js';

/** What a scanner took from the bytes it was given; a problem ends the reading at the packet after these. */
export interface Scan {
  readonly packets: Packet[];
  readonly consumed: number;
  readonly problem?: string;
}

/** Why a capture could not be read to its end. */
export interface CaptureProblem {
  /** The packet that could not be read, counted from 1. */
  readonly packet: number;
  readonly text: string;
}

type Scanner = ClassicScanner | NgScanner;

const MAGIC_BYTES = 4;
const PCAPNG = '0a0d0d0a';
const CLASSIC: Readonly<Record<string, { readonly littleEndian: boolean; readonly nanoseconds: boolean }>> = {
  d4c3b2a1: { littleEndian: true, nanoseconds: false },
  a1b2c3d4: { littleEndian: false, nanoseconds: false },
  '4d3cb2a1': { littleEndian: true, nanoseconds: true },
  a1b23c4d: { littleEndian: false, nanoseconds: true },
};
/** Containers that are recognised in order to say what to do. */
const FOREIGN: readonly (readonly [magic: string, text: string])[] = [
  ['1f8b', 'is compressed with gzip: unpack it first'],
  ['28b52ffd', 'is compressed with zstd: unpack it first'],
  ['34cdb2a1', "is a capture in Kuznetzov's format: convert it with editcap -F pcap"],
  ['a1b2cd34', "is a capture in Kuznetzov's format: convert it with editcap -F pcap"],
];

/**
 * Splits a stream of bytes into packets: classic files of either byte order and precision, and pcapng. It holds at most
 * one record. Malformed bytes are a `problem` with the packet's number, after which nothing more comes.
 */
export class PacketSplitter {
  problem: CaptureProblem | undefined;
  /** Packets handed out so far. */
  packets = 0;
  #rest: Buffer = Buffer.alloc(0);
  #scanner: Scanner | undefined;

  feed(chunk: Buffer): readonly Packet[] {
    if (this.problem) return [];
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#rest = bytes;
    this.#scanner ??= this.#recognise(bytes);
    if (!this.#scanner) return [];
    const { packets, consumed, problem } = this.#scanner.scan(bytes);
    this.packets += packets.length;
    this.#rest = bytes.subarray(consumed);
    if (problem !== undefined) this.#fail(`packet ${this.packets + 1} ${problem}`);
    return packets;
  }

  /** Call it at the end of the bytes: what is left over was cut off. */
  finish(): void {
    if (this.problem) return;
    if (!this.#scanner) this.#fail(this.#rest.length === 0 ? 'the file is empty' : 'the file is shorter than its head');
    else if (this.#rest.length > 0 || (this.#scanner instanceof NgScanner && !this.#scanner.isWhole))
      this.#fail(`the file ends inside packet ${this.packets + 1}`);
  }

  #recognise(bytes: Buffer): Scanner | undefined {
    if (bytes.length < MAGIC_BYTES) return undefined;
    const magic = bytes.toString('hex', 0, MAGIC_BYTES);
    if (magic === PCAPNG) return new NgScanner();
    const classic = CLASSIC[magic];
    if (classic) return new ClassicScanner(classic);
    const foreign = FOREIGN.find(([prefix]) => magic.startsWith(prefix))?.[1];
    this.#fail(`the file ${foreign ?? `begins with ${magic}, which is no capture`}`);
    return undefined;
  }

  #fail(text: string): void {
    this.problem = { packet: this.packets + 1, text };
    this.#rest = Buffer.alloc(0);
  }
}
