import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCapture } from '../../../src/diagnostics/pcap/index.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'pcap');
const CAPTURE = join(FIXTURES, 'vnc-raw-and-websocket.pcap');

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-pcap-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** Open descriptors of this process. */
const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('the facts of a real capture', () => {
  test('handshakes, greetings and ends are counted', async () => {
    const facts = await readCapture(CAPTURE);
    expect(facts).toMatchObject({ packets: 108, undecoded: 0, handshakes: 6, banners: 4, flowsIgnored: 0 });
    expect(facts.problem).toBeUndefined();
    expect(facts.truncated).toBe(false);
  });

  test('the first FIN or RST of each flow has its packet and its side', async () => {
    const { ends } = await readCapture(CAPTURE);
    expect(ends.map(({ packet, by, how }) => ({ packet, by, how }))).toEqual([
      { packet: 20, by: 'client', how: 'fin' },
      { packet: 77, by: 'server', how: 'fin' },
      { packet: 81, by: 'server', how: 'rst' },
      { packet: 82, by: 'client', how: 'fin' },
      { packet: 108, by: 'server', how: 'rst' },
    ]);
  });

  test('a refused dial, a raw session and a WebSocket are told apart', async () => {
    const { flows } = await readCapture(CAPTURE);
    expect(flows.find(({ server }) => server.endsWith(':17719'))?.handshake).toBe('refused');
    expect(flows[0]).toMatchObject({
      handshake: 'complete',
      firstPayload: { by: 'server', kind: 'rfb', packet: 4 },
      banner: { packet: 4, version: '003.008' },
      up: { bytes: 120, retransmissions: 0, zeroWindows: 0 },
      down: { bytes: 12_368 },
    });
    expect(flows[1]).toMatchObject({
      firstPayload: { by: 'client', kind: 'http', packet: 26 },
      banner: { packet: 35, version: '003.008' },
    });
  });

  test('pcapng tells the same', async () => {
    const { files: _other, ...facts } = await readCapture(CAPTURE);
    expect(await readCapture(join(FIXTURES, 'vnc-raw-and-websocket.pcapng'))).toMatchObject(facts);
  });

  test('a capture of every interface is decoded', async () => {
    expect(await readCapture(join(FIXTURES, 'any-sll2.pcap'))).toMatchObject({
      packets: 8,
      undecoded: 0,
      handshakes: 1,
      banners: 1,
    });
  });
});

describe('captures that are not what they should be', () => {
  test('a truncated file gives what came before, and the number of the packet', async () => {
    const file = join(dir, 'truncated.pcap');
    writeFileSync(file, readFileSync(CAPTURE).subarray(0, 2_000));
    const facts = await readCapture(file);
    expect(facts.packets).toBe(17);
    expect(facts.truncated).toBe(true);
    expect(facts.problem).toEqual({ packet: 18, text: 'the file ends inside packet 18' });
  });

  test('a missing file is CF_PCAP', async () => {
    await expect(readCapture(join(dir, 'none.pcap'))).rejects.toMatchObject({ code: 'CF_PCAP' });
  });

  test('an aborted reading ends with the reason of its signal', async () => {
    await expect(readCapture(CAPTURE, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });

  test('an absurd length in a large file costs nothing', async () => {
    const file = join(dir, 'forged.pcap');
    const bytes = Buffer.alloc(20_000_000);
    readFileSync(CAPTURE).copy(bytes, 0, 0, 24);
    bytes.writeUInt32LE(0xffff_ffff, 24 + 8);
    writeFileSync(file, bytes);
    const before = performance.now();
    expect((await readCapture(file)).problem?.packet).toBe(1);
    expect(performance.now() - before).toBeLessThan(500);
  });

  test('no mutation throws, hangs or keeps a descriptor', { timeout: 60_000 }, async () => {
    const before = descriptors();
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fff_ffff;
      return seed % below;
    };
    const originals = ['vnc-raw-and-websocket.pcap', 'vnc-raw-and-websocket.pcapng', 'handshake-ns.pcap'].map((name) =>
      readFileSync(join(FIXTURES, name)),
    );
    const file = join(dir, 'mutated.pcap');
    for (let round = 0; round < 600; round += 1) {
      const bytes = Buffer.from(originals[round % originals.length]!);
      for (let change = 0; change <= random(8); change += 1) {
        const at = random(4) === 0 ? random(Math.min(bytes.length, 400)) : random(bytes.length);
        bytes[at] = random(256);
      }
      writeFileSync(file, bytes.subarray(0, random(3) === 0 ? random(bytes.length) : bytes.length));
      const facts = await readCapture(file);
      expect(facts.packets).toBeLessThanOrEqual(200);
    }
    expect(descriptors()).toBeLessThanOrEqual(before);
  });
});
