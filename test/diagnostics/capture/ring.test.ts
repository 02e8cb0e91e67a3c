import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Ring } from '../../../src/diagnostics/capture/ring.ts';
import { PacketSplitter, encodeFileHeader, encodeRecords, readCapture } from '../../../src/diagnostics/pcap/index.ts';
import { FlowMaker } from '../../support/packets.ts';

const SIZE = { pieceBytes: 4_096, pieces: 2 };

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-ring-'));
  file = join(dir, 'vnc.pcap');
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A flow that begins, is busy for so many segments, is reset in the middle, and goes on to its FIN. */
function busyFlow(segments: number): FlowMaker {
  const flow = new FlowMaker();
  for (let index = 0; index < segments; index += 1) {
    flow.say('server', Buffer.alloc(100, index));
    if (index === segments >> 1) flow.say('client', '', { flags: 'R' });
  }
  return flow.say('server', '', { flags: 'FA' });
}

async function* inTurn(buffers: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* buffers;
}

async function write(flow: FlowMaker, size = SIZE): Promise<Ring> {
  const ring = new Ring(file, size);
  const records = flow.packets.map((packet) => encodeRecords([packet]));
  await ring.writeAll(inTurn([encodeFileHeader(1), ...records]));
  return ring;
}

const numbersOf = (flow: FlowMaker, packets: ReturnType<PacketSplitter['feed']>): number[] =>
  packets.map(({ data }) => flow.packets.findIndex((one) => one.data.equals(data)));

test('a capture within its bound is one file with every packet', async () => {
  const flow = busyFlow(10);
  const ring = await write(flow);
  expect(readdirSync(dir)).toEqual(['vnc.pcap']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file)).toEqual(Buffer.concat([encodeFileHeader(1), encodeRecords(flow.packets)]));
  expect(ring.leftOut).toBe(0);
});

test('behind it the beginning, the end, and what opens or ends a flow stay, joined in order', async () => {
  const flow = busyFlow(1_000);
  const ring = await write(flow);
  expect(readdirSync(dir)).toEqual(['vnc.pcap']);
  const packets = new PacketSplitter().feed(readFileSync(file));
  const kept = numbersOf(flow, packets);
  expect(kept).toEqual(kept.toSorted((a, b) => a - b));
  expect(kept.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  expect(kept.slice(-25)).toEqual(Array.from({ length: 25 }, (_, index) => flow.packets.length - 25 + index));
  expect(kept.length + ring.leftOut).toBe(flow.packets.length);
  expect(statSync(file).size).toBeLessThan(4 * SIZE.pieceBytes);
  const [seen] = (await readCapture(file)).flows;
  expect(seen?.signals.map(({ by, how }) => `${by} ${how}`)).toEqual(['client rst', 'server fin']);
});

test('the disk never holds more than the bound and one piece', async () => {
  const ring = new Ring(file, SIZE);
  let most = 0;
  const used = (): number => readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
  async function* source(): AsyncGenerator<Buffer> {
    yield encodeFileHeader(1);
    for (const packet of busyFlow(400).packets) {
      most = Math.max(most, used());
      yield encodeRecords([packet]);
    }
  }
  await ring.writeAll(source());
  expect(most).toBeGreaterThan(2 * SIZE.pieceBytes);
  expect(most).toBeLessThan(5 * SIZE.pieceBytes);
});

test('what a crash leaves are captures, each readable by itself', async () => {
  async function* crashing(): AsyncGenerator<Buffer> {
    yield* inTurn([encodeFileHeader(1), ...busyFlow(300).packets.map((packet) => encodeRecords([packet]))]);
    throw new Error('crash');
  }
  await expect(new Ring(file, SIZE).writeAll(crashing())).rejects.toThrow('crash');
  expect(readdirSync(dir).toSorted()).toEqual(['vnc.pcap', 'vnc.pcap.12', 'vnc.pcap.13', 'vnc.pcap.edges']);
  for (const name of readdirSync(dir))
    expect(new PacketSplitter().feed(readFileSync(join(dir, name))).length, name).toBeGreaterThan(0);
});

test('a capture without packets is one', async () => {
  await new Ring(file, SIZE).writeAll(inTurn([encodeFileHeader(1)]));
  expect(await readCapture(file)).toMatchObject({ packets: 0, truncated: false });
});
