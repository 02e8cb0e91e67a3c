import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Packet, PacketSplitter, encodeFileHeader, encodeRecords } from '../../../src/diagnostics/pcap/index.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'pcap');
const read = (name: string): Buffer => readFileSync(join(FIXTURES, name));

function split(bytes: Buffer, size = bytes.length): { packets: Packet[]; splitter: PacketSplitter } {
  const splitter = new PacketSplitter();
  const packets: Packet[] = [];
  for (let at = 0; at < bytes.length; at += size)
    for (const packet of splitter.feed(bytes.subarray(at, at + size)))
      packets.push({ ...packet, data: Buffer.from(packet.data) });
  splitter.finish();
  return { packets, splitter };
}

/** A classic file as a big-endian machine writes it. */
function bigEndian(packets: readonly Packet[]): Buffer {
  const little = Buffer.concat([encodeFileHeader(1), encodeRecords(packets)]);
  const swap = (at: number, width: 2 | 4): void => {
    little.set(little.subarray(at, at + width).toReversed(), at);
  };
  for (const at of [0, 8, 12, 16, 20]) swap(at, 4);
  for (const at of [4, 6]) swap(at, 2);
  let at = 24;
  for (const { data } of packets) {
    for (const field of [0, 4, 8, 12]) swap(at + field, 4);
    at += 16 + data.length;
  }
  return little;
}

describe('splitting a capture into packets', () => {
  const reference = split(read('vnc-raw-and-websocket.pcap')).packets;

  test('finds every packet of a classic file', () => {
    expect(reference).toHaveLength(108);
    expect(reference[0]).toMatchObject({ linkType: 1, originalLength: 74 });
  });

  test.each([1, 2, 7, 1_000, 65_536])('gives the same however the bytes are cut (%i at a time)', (size) => {
    for (const name of ['vnc-raw-and-websocket.pcap', 'vnc-raw-and-websocket.pcapng']) {
      const { packets, splitter } = split(read(name), size);
      expect(packets).toEqual(reference);
      expect(splitter.problem).toBeUndefined();
    }
  });

  test('reads big-endian files', () => {
    expect(split(bigEndian(reference)).packets).toEqual(reference);
  });

  test('reads nanosecond files', () => {
    expect(split(read('handshake-ns.pcap')).packets).toEqual(reference.slice(0, 14));
  });

  test('writes what it reads', () => {
    const written = Buffer.concat([encodeFileHeader(1), encodeRecords(reference)]);
    expect(written).toEqual(read('vnc-raw-and-websocket.pcap'));
  });

  test.each(['vnc-raw-and-websocket.pcap', 'vnc-raw-and-websocket.pcapng', 'handshake-ns.pcap'])(
    '%s cut anywhere is reported with the packet that is missing',
    (name) => {
      const whole = read(name);
      const step = whole.length > 10_000 ? 61 : 1;
      for (let length = 0; length < whole.length; length += step) {
        const { packets, splitter } = split(whole.subarray(0, length));
        expect(packets).toEqual(reference.slice(0, packets.length));
        expect([undefined, packets.length + 1]).toContain(splitter.problem?.packet);
      }
    },
  );

  test('a file that ends at the end of a packet is whole', () => {
    const { splitter } = split(Buffer.concat([encodeFileHeader(1), encodeRecords(reference.slice(0, 3))]));
    expect(splitter.problem).toBeUndefined();
  });

  test('a forged length ends the reading at once', () => {
    const forged = Buffer.from(read('vnc-raw-and-websocket.pcap'));
    forged.writeUInt32LE(0xffff_ffff, 24 + 8);
    const { packets, splitter } = split(forged);
    expect(packets).toEqual([]);
    expect(splitter.problem).toEqual({ packet: 1, text: 'packet 1 claims 4294967295 captured bytes' });
  });

  test.each([
    ['an empty file', Buffer.alloc(0), 'the file is empty'],
    ['gzip', Buffer.from('1f8b0800', 'hex'), 'the file is compressed with gzip: unpack it first'],
    ['text', Buffer.from('not a capture'), 'the file begins with 6e6f7420, which is no capture'],
    ['half a head', read('handshake-ns.pcap').subarray(0, 10), 'the file ends inside packet 1'],
  ])('%s is named', (_what, bytes, text) => {
    expect(split(bytes).splitter.problem).toEqual({ packet: 1, text });
  });

  test('a pcapng section of either byte order, with times in powers of two, is understood', () => {
    const section = Buffer.alloc(28);
    section.writeUInt32BE(0x0a0d0d0a, 0);
    section.writeUInt32BE(28, 4);
    section.writeUInt32BE(0x1a2b3c4d, 8);
    section.writeUInt32BE(28, 24);
    const device = Buffer.alloc(32);
    device.writeUInt32BE(1, 0);
    device.writeUInt32BE(32, 4);
    device.writeUInt16BE(101, 8);
    device.writeUInt16BE(9, 16);
    device.writeUInt16BE(1, 18);
    device.writeUInt8(0x81, 20); // halves of a second
    device.writeUInt32BE(32, 28);
    const packet = Buffer.alloc(36);
    packet.writeUInt32BE(6, 0);
    packet.writeUInt32BE(36, 4);
    packet.writeUInt32BE(5, 16); // two and a half seconds
    packet.writeUInt32BE(3, 20);
    packet.writeUInt32BE(9, 24);
    packet.write('abc', 28, 'latin1');
    packet.writeUInt32BE(36, 32);
    const { packets, splitter } = split(Buffer.concat([section, device, packet]));
    expect(splitter.problem).toBeUndefined();
    expect(packets).toEqual([
      { seconds: 2, nanoseconds: 500_000_000, linkType: 101, originalLength: 9, data: Buffer.from('abc') },
    ]);
  });
});
