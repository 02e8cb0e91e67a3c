import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeFileHeader, encodeRecords, readCapture } from '../../../src/diagnostics/pcap/index.ts';
import { FlowMaker } from '../../support/packets.ts';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-signals-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const UPGRADE = `GET /w HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`;
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\n\r\n';
const HELLO = Buffer.concat([Buffer.from('160301003a', 'hex'), Buffer.alloc(58)]);
const SEALED_ALERT = Buffer.concat([Buffer.from('1703030013', 'hex'), Buffer.alloc(19, 7)]);
const SEALED_DATA = Buffer.concat([Buffer.from('1703030100', 'hex'), Buffer.alloc(256, 7)]);

async function flowOf(maker: FlowMaker) {
  const file = join(dir, 'made.pcap');
  writeFileSync(file, Buffer.concat([encodeFileHeader(1), encodeRecords(maker.packets)]));
  const { flows } = await readCapture(file);
  return flows[0]!;
}

const kinds = ({ signals }: Awaited<ReturnType<typeof flowOf>>): string[] =>
  signals.map(({ how, by, code }) => [by, how, ...(code === undefined ? [] : [code])].join(' '));

describe('the goodbyes of a flow', () => {
  test('are both its FINs and the RST, in order, and the end cites them', async () => {
    const flow = await flowOf(
      new FlowMaker()
        .say('server', '', { flags: 'FA' })
        .say('client', '', { flags: 'FA' })
        .say('server', '', { flags: 'R' }),
    );
    expect(kinds(flow)).toEqual(['server fin', 'client fin', 'server rst']);
    expect(flow.end).toMatchObject({ by: 'server', how: 'fin' });
    expect(flow.end?.text).toBe(
      '127.0.0.1:40000 → 127.0.0.1:5900: FIN by the answering side, FIN by the dialling side +0.0 ms, RST by the answering side +0.0 ms',
    );
  });

  test('include the close frame of either side with its code, and the key joins the leg', async () => {
    const masked = Buffer.from([0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xe8 ^ 2]);
    const flow = await flowOf(
      new FlowMaker()
        .say('client', UPGRADE)
        .say('server', SWITCHING)
        .say('server', Buffer.from([0x88, 2, 0x11, 0x96]))
        .say('client', masked),
    );
    expect(flow.wsKey).toBe(KEY);
    expect(kinds(flow)).toEqual(['server close_frame 4502', 'client close_frame 1000']);
  });

  test('are not found in pictures that begin like a close frame', async () => {
    const flow = await flowOf(
      new FlowMaker()
        .say('client', UPGRADE)
        .say('server', SWITCHING)
        .say('server', Buffer.concat([Buffer.from([0x88, 2, 3, 232]), Buffer.alloc(60)]))
        .say('server', Buffer.from([0x88, 0x82, 1, 2, 3, 4, 5, 6])),
    );
    expect(kinds(flow)).toEqual([]);
  });

  test('include a close_notify of TLS 1.3, when nothing of its side comes behind it', async () => {
    const open = (): FlowMaker => new FlowMaker().say('client', HELLO).say('server', HELLO);
    const closed = open().say('server', SEALED_DATA).say('server', SEALED_ALERT).say('client', SEALED_DATA);
    expect(kinds(await flowOf(closed))).toEqual(['server close_notify']);
    const together = open().say('server', Buffer.concat([SEALED_DATA, SEALED_ALERT]));
    expect(kinds(await flowOf(together))).toEqual(['server close_notify']);
    const alive = open().say('server', SEALED_ALERT).say('server', SEALED_DATA);
    expect(kinds(await flowOf(alive))).toEqual([]);
  });

  test('include an alert in clear text, with its number', async () => {
    const unknownCa = Buffer.from('15030300020230', 'hex');
    const flow = await flowOf(new FlowMaker().say('client', HELLO).say('server', HELLO).say('client', unknownCa));
    expect(kinds(flow)).toEqual(['client alert 48']);
  });
});
