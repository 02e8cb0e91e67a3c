import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { PacketRedactor } from '../../../src/diagnostics/capture/index.ts';
import { type Packet, PacketSplitter, encodeFileHeader, encodeRecords } from '../../../src/diagnostics/pcap/index.ts';
import { FlowMaker } from '../../support/packets.ts';

const RAW = readFileSync(join(import.meta.dirname, '..', '..', 'fixtures', 'pcap', 'vnc-raw-and-websocket.pcap'));
const HEADERS = 54;

async function redact(
  bytes: Buffer,
  { size = bytes.length }: { readonly size?: number } = {},
): Promise<{ bytes: Buffer; redactor: PacketRedactor; packets: readonly Packet[] }> {
  const redactor = new PacketRedactor();
  const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    Buffer.from(bytes.subarray(index * size, (index + 1) * size)),
  );
  const out = await buffer(Readable.from(chunks).pipe(redactor));
  return { bytes: out, redactor, packets: new PacketSplitter().feed(out) };
}

async function redactFlow(flow: FlowMaker): Promise<{ payloads: string[]; all: string }> {
  const { packets, bytes } = await redact(Buffer.concat([encodeFileHeader(1), encodeRecords(flow.packets)]));
  return {
    payloads: packets.slice(3).map(({ data }) => data.toString('latin1', HEADERS)),
    all: bytes.toString('latin1'),
  };
}

/** Payload bytes of a packet of the capture, which has a TCP head with timestamps. */
function payload(packets: readonly Packet[], number: number): Buffer {
  return packets[number - 1]!.data.subarray(66);
}

describe('a real capture, redacted', () => {
  test('holds no canary: token, cookie, bearer, header, body, close reason, ping, long path', async () => {
    expect(RAW.includes('CANARY')).toBe(true);
    const { bytes } = await redact(RAW);
    expect(bytes.includes('CANARY')).toBe(false);
  });

  test('holds no challenge, no answer, no key and no pixel', async () => {
    const { packets: raw } = { packets: new PacketSplitter().feed(RAW) };
    const { bytes, packets } = await redact(RAW);
    for (const number of [10, 11, 44, 47]) {
      expect(payload(raw, number)).toHaveLength(16);
      expect(bytes.includes(payload(raw, number))).toBe(false);
      expect(payload(packets, number)).toEqual(Buffer.alloc(16));
    }
    for (const number of [15, 17, 18, 67, 70, 71]) expect(payload(packets, number)).toHaveLength(0);
    const pixels = payload(raw, 18).subarray(100, 140);
    expect(pixels.some((byte) => byte !== 0)).toBe(true);
    expect(bytes.includes(pixels)).toBe(false);
  });

  test('keeps every packet with its time and its length on the wire', async () => {
    const raw = new PacketSplitter().feed(RAW);
    const { packets, redactor } = await redact(RAW);
    expect(packets).toHaveLength(raw.length);
    expect(redactor).toMatchObject({ packets: 108, leftOut: 0 });
    for (const [index, { seconds, nanoseconds, originalLength }] of packets.entries())
      expect({ seconds, nanoseconds, originalLength }).toEqual({
        seconds: raw[index]!.seconds,
        nanoseconds: raw[index]!.nanoseconds,
        originalLength: raw[index]!.originalLength,
      });
  });

  test('keeps the RFB opening, the upgrade and the close codes', async () => {
    const { packets } = await redact(RAW);
    const text = (number: number): string => payload(packets, number).toString('latin1');
    expect(text(4)).toBe('RFB 003.008\n');
    expect(payload(packets, 8)).toEqual(Buffer.from([1, 2]));
    expect(payload(packets, 12)).toEqual(Buffer.alloc(4));
    expect(payload(packets, 14).subarray(0, 4)).toEqual(Buffer.from([0, 64, 0, 48]));
    expect(text(26)).toContain(`GET /vnc/canaryid/websockify?${'x'.repeat(27)} HTTP/1.1\r\n`);
    expect(text(26)).toMatch(/Sec-WebSocket-Key: [A-Za-z0-9+/]{22}==\r\n/);
    expect(text(28)).toMatch(/^HTTP\/1\.1 101 .*Sec-WebSocket-Accept: [A-Za-z0-9+/]{27}=\r\n/s);
    expect(text(35)).toBe('\u0082\u000cRFB 003.008\n');
    expect(payload(packets, 76).subarray(0, 4)).toEqual(Buffer.from([0x88, 14, 0x03, 0xe8]));
    expect(payload(packets, 73).length).toBeLessThanOrEqual(10);
  });

  test.each([1, 2, 24, 25, 4_096])('is the same however its bytes are cut (%i at a time)', async (size) => {
    expect((await redact(RAW, { size })).bytes).toEqual((await redact(RAW)).bytes);
  });

  test('an empty capture is a capture', async () => {
    expect((await redact(RAW.subarray(0, 24))).bytes).toHaveLength(24);
  });
});

describe('bytes that are not known in order are not kept', () => {
  const REQUEST = 'GET /websockify?token=CANARY HTTP/1.1\r\nHost: h\r\nCookie: CANARY\r\nUpgrade: websocket\r\n\r\n';

  test('a request in two segments, wherever it is cut', async () => {
    for (let cut = 1; cut < REQUEST.length; cut += 1) {
      const flow = new FlowMaker().say('client', REQUEST.slice(0, cut)).say('client', REQUEST.slice(cut));
      const { payloads, all } = await redactFlow(flow);
      expect(all).not.toContain('CANARY');
      for (const piece of REQUEST.matchAll(/CANARY/g)) {
        const kept = payloads.join('').slice(piece.index, piece.index + 6);
        expect('x'.repeat(6).startsWith(kept), `cut at ${cut}: ${kept}`).toBe(true);
      }
    }
  });

  test('a request one byte at a time', async () => {
    const flow = new FlowMaker();
    for (const byte of REQUEST) flow.say('client', byte);
    expect((await redactFlow(flow)).payloads.join('')).not.toMatch(/C|A|N|R|Y/);
  });

  test('a flow whose SYN was not seen', async () => {
    const flow = new FlowMaker().say('server', 'RFB 003.008\n');
    flow.packets.splice(0, 3);
    const { packets } = await redact(Buffer.concat([encodeFileHeader(1), encodeRecords(flow.packets)]));
    expect(packets[0]!.data).toHaveLength(HEADERS);
  });

  test('what was sent again', async () => {
    const flow = new FlowMaker().say('client', REQUEST);
    flow.packets.push(flow.packets.at(-1)!);
    const { payloads } = await redactFlow(flow);
    expect(payloads[0]).toHaveLength(REQUEST.length);
    expect(payloads[1]).toBe('');
  });

  test('what comes behind a gap', async () => {
    const flow = new FlowMaker().say('server', 'RFB 003.008\n', { skip: 3 }).say('client', 'RFB 003.008\n');
    expect((await redactFlow(flow)).payloads).toEqual(['', '']);
  });

  test('a packet that was captured in part, and all after it', async () => {
    const flow = new FlowMaker().say('client', REQUEST).say('client', REQUEST);
    const cut = flow.packets[3]!;
    flow.packets[3] = { ...cut, data: cut.data.subarray(0, HEADERS + 10) };
    const { payloads, all } = await redactFlow(flow);
    expect(all).not.toContain('CANARY');
    expect(payloads[1]).toBe('');
  });

  test.each([
    ['TLS', 'client', Buffer.from('1603010200CANARY')],
    ['a stranger', 'server', Buffer.from('SSH-2.0-CANARY')],
    ['HTTP/2', 'client', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nCANARY')],
    ['an answer that nobody asked for', 'server', Buffer.from('HTTP/1.1 200 OK\r\nServer: CANARY\r\n\r\n')],
    ['a greeting of another protocol', 'server', Buffer.from('RFB CANARY08\n')],
  ] as const)('%s', async (_what, side, bytes) => {
    expect((await redactFlow(new FlowMaker().say(side, bytes))).all).not.toContain('CANARY');
  });
});

describe('what a conversation may show', () => {
  const UPGRADE = 'GET /w HTTP/1.1\r\nUpgrade: websocket\r\n\r\n';

  test('the second request of a connection that was kept alive, and its answer', async () => {
    const flow = new FlowMaker()
      .say('client', 'GET /a?CANARY HTTP/1.1\r\n\r\n')
      .say('server', 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nCANARY')
      .say('server', 'HTTP/1.1 CANARY')
      .say('client', UPGRADE)
      .say('server', 'HTTP/1.1 101 Switching Protocols\r\n\r\n\u0082\u000cRFB 003.008\n'.replace('\u0082', ''));
    const { payloads, all } = await redactFlow(flow);
    expect(all).not.toContain('CANARY');
    expect(payloads[3]).toBe(UPGRADE);
    expect(payloads[4]).toContain('HTTP/1.1 101 Switching Protocols');
  });

  test('the body of a request is skipped, the request behind it is read', async () => {
    const flow = new FlowMaker()
      .say('client', 'POST /a HTTP/1.1\r\nContent-Length: 6\r\n\r\nCANARYGET /b?CANARY HTTP/1.1\r\n\r\n')
      .say('client', 'GET /c HTTP/1.1\r\n\r\n');
    const { payloads, all } = await redactFlow(flow);
    expect(all).not.toContain('CANARY');
    expect(payloads[1]).toBe('GET /c HTTP/1.1\r\n\r\n');
  });

  test('a greeting that rides on the 101', async () => {
    const greeting = Buffer.concat([Buffer.from([0x82, 12]), Buffer.from('RFB 003.008\n')]);
    const flow = new FlowMaker()
      .say('client', UPGRADE)
      .say('server', Buffer.concat([Buffer.from('HTTP/1.1 101 Switching\r\n\r\n'), greeting]));
    expect((await redactFlow(flow)).payloads[1]).toContain('RFB 003.008\n');
  });

  test('a ping behind a picture that was captured in part, and nothing that only looks like one', async () => {
    const big = Buffer.alloc(5_000, 'CANARY');
    const frame = (length: number): Buffer => Buffer.from([0x82, 126, length >> 8, length & 0xff]);
    const flow = new FlowMaker()
      .say('client', UPGRADE)
      .say('server', 'HTTP/1.1 101 Switching\r\n\r\n')
      .say('server', Buffer.concat([frame(8_000), big]))
      .say('server', big.subarray(0, 3_000))
      .say('server', Buffer.concat([Buffer.from([0x89, 6]), Buffer.from('CANARY')]))
      .say('server', Buffer.concat([frame(4_000), big]))
      .say('server', Buffer.concat([Buffer.from([0x89, 5]), Buffer.from('CANARY')]))
      .say('server', Buffer.concat([Buffer.from([0x88, 8, 0x03, 0xe9]), Buffer.from('CANARY')]));
    for (const [index, packet] of flow.packets.entries())
      if (packet.data.length > 500) flow.packets[index] = { ...packet, data: packet.data.subarray(0, 500) };
    const { payloads, all } = await redactFlow(flow);
    expect(all).not.toContain('CANARY');
    expect(payloads.slice(3)).toEqual([
      '',
      '\u0089\u0006',
      '\u0082~\u000f\u00a0',
      '',
      `\u0088\b\u0003é${'\0'.repeat(6)}`,
    ]);
  });

  test('nothing of compressed frames', async () => {
    const flow = new FlowMaker()
      .say('client', UPGRADE)
      .say('server', 'HTTP/1.1 101 Switching\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n')
      .say('server', Buffer.concat([Buffer.from([0xc2, 6]), Buffer.from('CANARY')]));
    expect((await redactFlow(flow)).all).not.toContain('CANARY');
  });

  test.each([
    ['Sec-WebSocket-Protocol: binary, base64', true],
    ['Sec-WebSocket-Protocol: base64url.bearer.CANARY', false],
    ['Origin: https://a-rather-long-host-name.example.com:8443', true],
    ['Referer: https://h/vnc/CANARYCANARYCANARYCANARYCANARY?CANARY', false],
    ['Location: https://u:CANARY@host/x', false],
    ['X-Forwarded-Uri: /w?token=CANARY', false],
  ])('%s', async (header, isShown) => {
    const { all } = await redactFlow(new FlowMaker().say('client', `GET / HTTP/1.1\r\n${header}\r\n\r\n`));
    expect(all.includes(header)).toBe(isShown);
    expect(all).not.toContain('CANARY');
  });

  test('RFB 3.3 and a server that refuses', async () => {
    const old = new FlowMaker()
      .say('server', 'RFB 003.003\n')
      .say('client', 'RFB 003.003\n')
      .say('server', Buffer.concat([Buffer.from([0, 0, 0, 2]), Buffer.from('CANARYCANARYCANA')]))
      .say('client', 'CANARYCANARYCANA')
      .say('server', Buffer.from([0, 0, 0, 0]))
      .say('client', Buffer.from('\u0001CANARY'));
    const { payloads, all } = await redactFlow(old);
    expect(all).not.toContain('CANARY');
    expect(payloads.map(({ length }) => length)).toEqual([12, 12, 20, 16, 4, 1]);

    const refusing = new FlowMaker()
      .say('server', 'RFB 003.008\n')
      .say('client', 'RFB 003.008\n')
      .say('server', Buffer.concat([Buffer.from([0, 0, 0, 0, 6]), Buffer.from('CANARY')]));
    expect((await redactFlow(refusing)).payloads[2]).toBe(`\0\0\0\0\u0006${'\0'.repeat(6)}`);
  });
});

describe('of TLS', () => {
  const record = (type: number, length: number, fill = 'CANARY'): Buffer =>
    Buffer.concat([Buffer.from([type, 3, 3, length >> 8, length & 0xff]), Buffer.alloc(length, fill)]);

  test('type and length of the record that begins a packet stay, and nothing inside', async () => {
    const { payloads, all } = await redactFlow(
      new FlowMaker()
        .say('client', record(22, 60))
        .say('server', Buffer.concat([record(22, 90), record(20, 1)]))
        .say('server', record(23, 2_000).subarray(0, 1_000))
        .say('server', record(23, 2_000).subarray(1_000))
        .say('server', record(23, 19)),
    );
    expect(all).not.toContain('CANARY');
    expect(payloads.map(({ length }) => length)).toEqual([5, 5, 5, 0, 5]);
  });

  test('a packet that ends with a record of the size of an alert stays, as headers with nothing between them', async () => {
    const data = Buffer.concat([record(23, 300), record(23, 19)]);
    const { payloads, all } = await redactFlow(
      new FlowMaker().say('client', record(22, 60)).say('client', data).say('client', data.subarray(0, 310)),
    );
    expect(all).not.toContain('CANARY');
    expect(payloads[1]).toBe(
      Buffer.concat([data.subarray(0, 5), Buffer.alloc(300), data.subarray(305, 310), Buffer.alloc(19)]).toString(
        'latin1',
      ),
    );
    expect(payloads[2]).toHaveLength(5);
  });

  test('an alert in clear text stays whole, however it is cut', async () => {
    const alert = Buffer.from('15030300020230', 'hex');
    for (let cut = 1; cut < alert.length; cut += 1) {
      const flow = new FlowMaker()
        .say('client', record(22, 60))
        .say('client', alert.subarray(0, cut))
        .say('client', alert.subarray(cut));
      const { payloads } = await redactFlow(flow);
      expect(payloads[1]!.length + payloads[2]!.length, `cut at ${cut}`).toBeGreaterThanOrEqual(5);
      expect(alert.toString('latin1').startsWith(payloads[1]!)).toBe(true);
    }
  });

  test('what is no record, or comes behind a gap between records, is not kept', async () => {
    const broken = new FlowMaker().say('client', record(22, 60)).say('client', 'CANARY').say('client', record(23, 19));
    expect((await redactFlow(broken)).payloads.slice(1)).toEqual(['', '']);
    const gap = new FlowMaker().say('client', record(22, 60)).say('client', record(23, 19), { skip: 40 });
    expect((await redactFlow(gap)).payloads[1]).toBe('');
  });
});
