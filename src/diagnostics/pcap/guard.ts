import { createReadStream } from 'node:fs';
import { type Packet, encodeFileHeader, encodeRecords } from './packet.js';
import type { PacketSplitter } from './splitter.js';

/** Read at once: its packets, however small, are garbage before the next piece comes. */
const CHUNK_BYTES = 262_144;
/** pcap-parser asks for one link type a file; whoever reads the packets knows that of each. */
const LINK_TYPE_ELSEWHERE = 1;
const NOTHING = Buffer.alloc(0);

/**
 * Stands in front of pcap-parser, which loops on a forged length, knows one format of four and cannot see that a file
 * was cut short: gives it whole, plausible records only, as a classic little-endian file in microseconds. `isRead` is
 * asked of every packet in turn, and only those that it wants go on: of millions of pictures nothing is to be read.
 */
export async function* guardedBytes(
  files: readonly string[],
  splitterOf: (file: string) => PacketSplitter,
  isRead: (packet: Packet) => boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  let head = encodeFileHeader(LINK_TYPE_ELSEWHERE);
  for (const file of files) {
    const splitter = splitterOf(file);
    const source = createReadStream(file, { highWaterMark: CHUNK_BYTES });
    try {
      for await (const chunk of source) {
        signal?.throwIfAborted();
        const packets = splitter.feed(chunk as Buffer).filter(isRead);
        if (packets.length > 0) yield Buffer.concat([head, encodeRecords(packets)]);
        if (packets.length > 0) head = NOTHING;
        if (splitter.problem) break;
      }
      splitter.finish();
    } finally {
      source.destroy();
    }
  }
}
