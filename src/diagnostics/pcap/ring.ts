import { open } from 'node:fs/promises';
import { PacketSplitter } from './splitter.js';

/** A name of a ring without its turn: `vnc.pcap12` of tcpdump -C, `vnc_00012_20261126031500.pcap` of dumpcap, `vnc.pcap.12`. */
const TURN = /(?:_\d{5}_\d{14}(?=\.[^.]*$)|\.?\d+$)/;
/** The first packet of a capture lies within so many bytes. */
const FIRST_PACKET_BYTES = 524_288;

/** Captures grouped: those whose names differ only in their turn are one ring, in the order of their first packets. */
export async function inRings(files: readonly string[]): Promise<string[][]> {
  const rings = [...Map.groupBy(files, (file) => file.replace(TURN, '')).values()];
  return Promise.all(rings.map(async (ring) => (ring.length === 1 ? ring : inOrder(ring))));
}

async function inOrder(ring: readonly string[]): Promise<string[]> {
  const begun = await Promise.all(ring.map(async (file) => ({ file, at: await firstPacketAt(file) })));
  return begun.toSorted((a, b) => a.at - b.at).map(({ file }) => file);
}

/** Seconds since the epoch; what has no packet, or cannot be read, comes last and says so when it is read. */
async function firstPacketAt(file: string): Promise<number> {
  try {
    await using handle = await open(file);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(FIRST_PACKET_BYTES), 0, FIRST_PACKET_BYTES, 0);
    const [first] = new PacketSplitter().feed(buffer.subarray(0, bytesRead));
    return first ? first.seconds + first.nanoseconds / 1e9 : Infinity;
  } catch {
    return Infinity; // reading it will tell
  }
}
