import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Packet, encodeFileHeader, encodeRecords, readCapture } from '../../../src/diagnostics/pcap/index.ts';
import { heldBytes } from '../../support/memory.ts';
import { FlowMaker } from '../../support/packets.ts';

const SIZE = 64_000_000;
/** What reading may hold on to, whatever the size of the capture is. */
const HELD = 16_000_000;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-large-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** A flow of so many bytes a segment, over and over until the file is large. */
function write(file: string, bytes: number, encode: (packets: readonly Packet[]) => Buffer, head: Buffer): number {
  const flow = new FlowMaker();
  flow.packets.length = 3;
  const opening = encode(flow.packets);
  for (let index = 0; index < 4_000; index += 1) flow.say('server', Buffer.alloc(bytes, index));
  const block = encode(flow.packets.slice(3));
  const descriptor = openSync(file, 'w');
  writeSync(descriptor, head);
  writeSync(descriptor, opening);
  let packets = 3;
  for (let size = 0; size < SIZE; size += block.length, packets += 4_000) writeSync(descriptor, block);
  closeSync(descriptor);
  return packets;
}

/** As enhanced packets of a pcapng section with one interface. */
function asPcapng(packets: readonly Packet[]): Buffer {
  return Buffer.concat(
    packets.map(({ data }) => {
      const block = Buffer.alloc(32 + Math.ceil(data.length / 4) * 4);
      block.writeUInt32LE(6, 0);
      block.writeUInt32LE(block.length, 4);
      block.writeUInt32LE(data.length, 20);
      block.writeUInt32LE(data.length, 24);
      data.copy(block, 28);
      block.writeUInt32LE(block.length, block.length - 4);
      return block;
    }),
  );
}

/** A section and its interface, Ethernet. */
const SECTION = Buffer.from(
  '0a0d0d0a1c0000004d3c2b1a01000000ffffffffffffffff1c0000000100000014000000010000000000040014000000',
  'hex',
);

describe('a large capture is read in constant memory', { timeout: 60_000 }, () => {
  test.each([
    ['of pictures', 'large.pcap', 1_448, encodeRecords, encodeFileHeader(1)],
    ['of small segments', 'small.pcap', 30, encodeRecords, encodeFileHeader(1)],
    ['in pcapng', 'large.pcapng', 1_448, asPcapng, SECTION],
  ] as const)('%s', async (_what, name, bytes, encode, head) => {
    const file = join(dir, name);
    const packets = write(file, bytes, encode, head);
    expect(statSync(file).size).toBeGreaterThan(SIZE);
    const before = heldBytes();
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, heldBytes() - before);
    }, 200);
    const facts = await readCapture(file);
    clearInterval(watch);
    expect(facts).toMatchObject({ packets, undecoded: 0, handshakes: 1, problem: undefined });
    expect(Math.max(most, heldBytes() - before)).toBeLessThan(HELD);
  });
});
