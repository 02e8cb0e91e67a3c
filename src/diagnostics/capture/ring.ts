import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { EndpointNames, PacketSplitter, decodeSegment, encodeRecords } from '../pcap/index.js';

/** How much of a capture the disk holds. */
export interface RingSize {
  /** A piece is closed when it has so many bytes. */
  readonly pieceBytes: number;
  /** Pieces kept behind the first one. */
  readonly pieces: number;
}

/** A quarter of a GB: hours of a moving screen, since of most packets only 100 bytes are written, on a disk of any server. */
export const RING: RingSize = { pieceBytes: 33_554_432, pieces: 6 };
/** Of pieces that were dropped, packets that open or end a flow stay up to here: a hundred thousand of them. */
const MAX_EDGE_BYTES = 8_388_608;

/**
 * Writes a capture so that the disk never fills and the end is kept. It is given buffers of whole records, the head of the
 * file first. The first piece stays, for the openings of the streams; of the others the last ones. Of a piece that must go,
 * the packets that open or end a flow stay. At the end all are joined in `file`; what a crash leaves are captures, too.
 */
export class Ring {
  /** Packets of pieces that had to go. */
  leftOut = 0;
  readonly #file: string;
  readonly #size: RingSize;
  readonly #names = new EndpointNames();
  #head: Buffer = Buffer.alloc(0);
  #handle: FileHandle | undefined;
  #bytes = 0;
  /** Numbers of the pieces behind the first: those on the disk are the last of them. */
  #oldest = 1;
  #newest = 0;
  #hasEdges = false;
  #edgeBytes = 0;

  constructor(file: string, size: RingSize) {
    this.#file = file;
    this.#size = size;
  }

  /** Takes the capture to its end, and joins its pieces. */
  async writeAll(capture: AsyncIterable<Buffer>): Promise<void> {
    try {
      for await (const records of capture) await this.#append(records);
    } finally {
      await this.#handle?.close();
    }
    await this.#join();
  }

  async #append(records: Buffer): Promise<void> {
    if (!this.#handle) {
      this.#head = records;
      this.#handle = await open(this.#file, 'w', 0o600);
    } else if (this.#bytes + records.length > this.#size.pieceBytes && this.#bytes > this.#head.length) {
      await this.#turn();
    }
    await this.#handle.writeFile(records);
    this.#bytes += records.length;
  }

  async #turn(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
    this.#newest += 1;
    if (this.#newest - this.#oldest + 1 > this.#size.pieces) {
      await this.#sift(this.#piece(this.#oldest));
      this.#oldest += 1;
    }
    this.#handle = await open(this.#piece(this.#newest), 'w', 0o600);
    await this.#handle.writeFile(this.#head);
    this.#bytes = this.#head.length;
  }

  /** Removes a piece; what opened or ended a flow in it goes to a file of its own. */
  async #sift(piece: string): Promise<void> {
    const splitter = new PacketSplitter();
    await using edges = await open(this.#edges, 'a', 0o600);
    if (!this.#hasEdges) await edges.writeFile(this.#head);
    this.#hasEdges = true;
    for await (const chunk of createReadStream(piece)) {
      const packets = splitter.feed(chunk as Buffer);
      const kept = packets.filter(({ linkType, data, originalLength }) => {
        const segment = decodeSegment(linkType, data, originalLength, this.#names);
        return segment && (segment.syn || segment.fin || segment.rst);
      });
      const records = encodeRecords(kept);
      const isRoom = this.#edgeBytes + records.length <= MAX_EDGE_BYTES;
      this.leftOut += packets.length - (isRoom ? kept.length : 0);
      if (!isRoom) continue;
      await edges.writeFile(records);
      this.#edgeBytes += records.length;
    }
    await rm(piece);
  }

  /** Each piece goes as soon as it is copied: the disk needs room for one more piece, not for all. */
  async #join(): Promise<void> {
    const pieces = Array.from({ length: this.#newest - this.#oldest + 1 }, (_, at) => this.#piece(this.#oldest + at));
    for (const piece of this.#hasEdges ? [this.#edges, ...pieces] : pieces) {
      const whole = await open(this.#file, 'a', 0o600);
      await pipeline(createReadStream(piece, { start: this.#head.length }), whole.createWriteStream());
      await rm(piece);
    }
  }

  get #edges(): string {
    return `${this.#file}.edges`;
  }

  #piece(number: number): string {
    return `${this.#file}.${number}`;
  }
}
