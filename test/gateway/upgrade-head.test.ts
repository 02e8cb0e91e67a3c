import { once } from 'node:events';
import { type IncomingMessage, createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { readUpgradeHead } from '../../src/gateway/upgrade-head.ts';
import { Random } from '../websocket/support/random.ts';
import { startTestGateway } from './support/gateway.ts';
import { HANDSHAKE, sayRaw } from './support/raw.ts';
import { startTestRunner } from './support/runner.ts';

const SEED = Number(process.env['CAMOFLEET_TEST_SEED'] ?? Date.now() % 1_000_000);
const HEADS = 3_000;

const head = (line: string, headers: string): Buffer => Buffer.from(`${line}\r\n${headers}\r\n`, 'latin1');
const GOOD = head('GET /websockify?token=a.b~c HTTP/1.1', `Host: a:1\r\n${HANDSHAKE}`);

describe('the head of an upgrade', () => {
  test('is read to its end, names in lower case, values without blanks around them', () => {
    const bytes = head(
      'GET /vnc/a HTTP/1.1',
      'HOST:a\r\nUpgrade: WebSocket\r\nConnection:\t keep-alive, Upgrade \r\nX:\r\n',
    );
    expect(readUpgradeHead(Buffer.concat([bytes, Buffer.from('rest')]))).toEqual({
      url: '/vnc/a',
      length: bytes.length,
      headers: { host: 'a', upgrade: 'WebSocket', connection: 'keep-alive, Upgrade', x: '' },
    });
  });

  test('is waited for wherever it is cut', () => {
    for (let length = 0; length < GOOD.length; length += 1)
      expect(readUpgradeHead(GOOD.subarray(0, length))).toBe('incomplete');
    expect(readUpgradeHead(GOOD)).toMatchObject({ length: GOOD.length });
  });

  test.each([
    ['another method', head('POST / HTTP/1.1', `Host: a\r\n${HANDSHAKE}`)],
    ['the beginning of another method', Buffer.from('P')],
    ['HTTP/1.0', head('GET / HTTP/1.0', `Host: a\r\n${HANDSHAKE}`)],
    ['a target in absolute form', head('GET http://a/ HTTP/1.1', `Host: a\r\n${HANDSHAKE}`)],
    ['two blanks', head('GET  / HTTP/1.1', `Host: a\r\n${HANDSHAKE}`)],
    ['no host', head('GET / HTTP/1.1', HANDSHAKE)],
    ['no upgrade', head('GET / HTTP/1.1', 'Host: a\r\n')],
    ['another upgrade', head('GET / HTTP/1.1', 'Host: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n')],
    ['an upgrade that Connection does not name', head('GET / HTTP/1.1', 'Host: a\r\nUpgrade: websocket\r\n')],
    ['a header said twice', head('GET / HTTP/1.1', `Host: a\r\n${HANDSHAKE}X: 1\r\nx: 2\r\n`)],
    ['a body', head('GET / HTTP/1.1', `Host: a\r\n${HANDSHAKE}Content-Length: 0\r\n`)],
    ['chunks', head('GET / HTTP/1.1', `Host: a\r\n${HANDSHAKE}Transfer-Encoding: chunked\r\n`)],
    ['a folded header', head('GET / HTTP/1.1', `Host: a\r\n b\r\n${HANDSHAKE}`)],
    ['a blank before the colon', head('GET / HTTP/1.1', `Host : a\r\n${HANDSHAKE}`)],
    ['a header without a name', head('GET / HTTP/1.1', `Host: a\r\n: b\r\n${HANDSHAKE}`)],
    ['a byte that is not ASCII', head('GET / HTTP/1.1', `Host: a\r\nX: \xe9\r\n${HANDSHAKE}`)],
    ['a lone CR', head('GET / HTTP/1.1', `Host: a\rb\r\n${HANDSHAKE}`)],
    ['a lone LF in a head that is not whole', Buffer.from('GET / HTTP/1.1\nHost: a\r\n')],
    ['more than 16 KB', head('GET / HTTP/1.1', `Host: a\r\nX: ${'x'.repeat(20_000)}\r\n${HANDSHAKE}`)],
    ['more than 16 KB without an end', Buffer.from(`GET /${'x'.repeat(20_000)}`)],
  ])('is not taken from %s', (_what, bytes) => {
    expect(readUpgradeHead(bytes)).toBe('other');
  });

  test(`is what node:http reads, or is left to it (seed ${SEED})`, async () => {
    const reads: (string | undefined)[] = [];
    const server = createServer((_request, response) => response.end());
    server.on('upgrade', ({ url, headers }: IncomingMessage, socket: Duplex) => {
      reads.push(written(url, headers));
      socket.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const random = new Random(SEED);
    let taken = 0;
    for (let index = 0; index < HEADS; index += 1) {
      const bytes = mutated(GOOD, random);
      const read = readUpgradeHead(bytes);
      if (typeof read === 'string') continue;
      taken += 1;
      reads.length = 0;
      const socket = connect(port, '127.0.0.1').resume();
      socket.end(bytes.subarray(0, read.length));
      await once(socket, 'close');
      expect(reads, bytes.toString('latin1')).toEqual([written(read.url, read.headers)]);
    }
    expect(taken).toBeGreaterThan(HEADS / 20);
    server.close();
  }, 60_000);
});

/** The same text for the same head, in whatever order headers came. */
function written(url: string | undefined, headers: object): string {
  return JSON.stringify([url, Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}

/** Up to three bytes changed, taken out or put in, of those that mean something in a head. */
function mutated(bytes: Buffer, random: Random): Buffer {
  const alphabet = Buffer.from('\r\n\t :,;/?.aZ0-\0\x7f\xe9', 'latin1');
  const list = [...bytes];
  for (let change = random.below(4); change > 0; change -= 1) {
    const at = random.below(list.length);
    const byte = alphabet[random.below(alphabet.length)]!;
    list.splice(at, random.below(2), ...(random.below(2) === 0 ? [byte] : []));
  }
  return Buffer.from(list);
}

describe('a connection', () => {
  test('may send its head in pieces, and a request before its upgrade', async () => {
    await using runner = await startTestRunner({ password: undefined });
    await using gateway = await startTestGateway({
      VNC_MAP_JSON: JSON.stringify({ a: { host: '127.0.0.1', port: runner.port } }),
    });
    const request = `GET /websockify?token=a HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n`;
    const socket = connect(gateway.port, '127.0.0.1');
    let said = '';
    socket.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
    for (let at = 0; at < request.length; at += 40) {
      socket.write(request.slice(at, at + 40));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await expect.poll(() => said).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\n\x82\x0cRFB 003\.008\n$/);
    socket.destroy();

    const after = await sayRaw(gateway.port, `GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n${request}`);
    expect(after.statuses).toEqual([200, 101]);
    expect(after.text).toMatch(/RFB 003\.008\n$/);
  });
});
