import { createReadStream } from 'node:fs';
import { encodeFileHeader, encodeRecords } from './packet.js';
import type { PacketSplitter } from './splitter.js';

/** What a classic file in microseconds cannot say of a packet. */
export interface PacketSide {
  readonly nanoseconds: number;
  readonly linkType: number;
}

const CHUNK_BYTES = 1_048_576;
/** pcap-parser is given the link type of each packet on the side: a pcapng file may have several. */
const LINK_TYPE_ON_THE_SIDE = 1;
const NOTHING = Buffer.alloc(0);

/**
 * Stands in front of pcap-parser, which loops on a forged length, knows one format of four and cannot see that a file
 * was cut short: gives it whole, plausible records only, as a classic little-endian file in microseconds. What that
 * loses waits in `sides`, one entry a packet: at most those of one chunk, because the parser takes a chunk at once.
 */
export async function* guardedBytes(
  file: string,
  splitter: PacketSplitter,
  sides: PacketSide[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  const source = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  let head = encodeFileHeader(LINK_TYPE_ON_THE_SIDE);
  try {
    for await (const chunk of source) {
      signal?.throwIfAborted();
      const packets = splitter.feed(chunk as Buffer);
      for (const { nanoseconds, linkType } of packets) sides.push({ nanoseconds, linkType });
      if (packets.length > 0) yield Buffer.concat([head, encodeRecords(packets)]);
      if (packets.length > 0) head = NOTHING;
      if (splitter.problem) return;
    }
    splitter.finish();
  } finally {
    source.destroy();
  }
}
