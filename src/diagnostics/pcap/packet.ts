/** One captured packet, whatever the file's own byte order, precision and container were. */
export interface Packet {
  /** Since the epoch. */
  readonly seconds: number;
  readonly nanoseconds: number;
  /** LINKTYPE_ number of the interface it was seen on. */
  readonly linkType: number;
  /** Length on the wire; `data` may be shorter. */
  readonly originalLength: number;
  readonly data: Buffer;
}

/** No link carries more, and libpcap itself refuses a longer snapshot: a longer record is a forged length. */
export const MAX_CAPTURED = 262_144;

const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const MAGIC_LE_MICROSECONDS = 0xa1b2c3d4;

/** The head of a classic, little-endian file in microseconds (pcap-savefile(5)). */
export function encodeFileHeader(linkType: number): Buffer {
  const head = Buffer.alloc(FILE_HEADER);
  head.writeUInt32LE(MAGIC_LE_MICROSECONDS, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(MAX_CAPTURED, 16);
  head.writeUInt32LE(linkType, 20);
  return head;
}

/** Packets as records of such a file, in one buffer. */
export function encodeRecords(packets: readonly Packet[]): Buffer {
  const bytes = Buffer.allocUnsafe(packets.reduce((sum, { data }) => sum + RECORD_HEADER + data.length, 0));
  let at = 0;
  for (const { seconds, nanoseconds, originalLength, data } of packets) {
    bytes.writeUInt32LE(seconds, at);
    bytes.writeUInt32LE(Math.floor(nanoseconds / 1_000), at + 4);
    bytes.writeUInt32LE(data.length, at + 8);
    bytes.writeUInt32LE(originalLength, at + 12);
    at += RECORD_HEADER + data.copy(bytes, at + RECORD_HEADER);
  }
  return bytes;
}
