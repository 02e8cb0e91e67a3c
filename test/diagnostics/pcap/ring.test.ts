import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeFileHeader, encodeRecords, inRings, readCapture } from '../../../src/diagnostics/pcap/index.ts';
import { FlowMaker } from '../../support/packets.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-rings-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** One flow cut into files of so many packets, written in a turned order as a ring is. */
function ringOf(names: readonly string[], from: number): string[] {
  const flow = new FlowMaker();
  for (let index = 0; index < 20; index += 1) flow.say('server', Buffer.alloc(10, index));
  flow.say('client', '', { flags: 'FA' });
  return names.map((name, turn) => {
    const at = (turn - from + names.length) % names.length;
    const packets = flow.packets
      .slice(at * 8, (at + 1) * 8)
      .map((one, index) => ({ ...one, seconds: 100 + at * 8 + index }));
    writeFileSync(join(dir, name), Buffer.concat([encodeFileHeader(1), encodeRecords(packets)]));
    return join(dir, name);
  });
}

describe('the files of a ring', () => {
  test.each([
    [['t.pcap0', 't.pcap1', 't.pcap2'], 2],
    [['u.pcap', 'u.pcap1', 'u.pcap2'], 0],
    [['v_00001_20261126031500.pcap', 'v_00002_20261126031501.pcap', 'v_00003_20261126031502.pcap'], 0],
    [['w.pcap.1', 'w.pcap.2', 'w.pcap.10'], 1],
  ])('are one capture, in the order of their packets: %j', async (names, from) => {
    const files = ringOf(names, from);
    const [ring, ...others] = await inRings(files);
    expect(others).toEqual([]);
    expect(ring!.map((file) => basename(file))).toEqual([...names.slice(from), ...names.slice(0, from)]);
    const facts = await readCapture(ring!);
    expect(facts).toMatchObject({ packets: 24, handshakes: 1, problem: undefined });
    expect(facts.flows).toHaveLength(1);
    expect(facts.flows[0]!.down).toMatchObject({ bytes: 200, retransmissions: 0 });
    expect(facts.files.map(({ before }) => before)).toEqual([0, 8, 16]);
  });

  test('of two places stay apart', async () => {
    expect(await inRings(['/a/client.pcap', '/a/server.pcap'])).toEqual([['/a/client.pcap'], ['/a/server.pcap']]);
  });

  test('of which one was cut short tell what the others hold', async () => {
    const files = ringOf(['x.pcap0', 'x.pcap1', 'x.pcap2'], 0);
    writeFileSync(files[1]!, readFileSync(files[1]!).subarray(0, 200));
    const [ring] = await inRings(files);
    const facts = await readCapture(ring!);
    expect(facts.packets).toBeGreaterThan(16);
    expect(facts.truncated).toBe(true);
    expect(facts.ends).toHaveLength(1);
  });
});
