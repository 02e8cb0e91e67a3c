import { mkdtempSync, rmSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TLSSocket, connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensurePki } from '../../src/pki/index.ts';
import { type TestGateway, startTestGateway } from './support/gateway.ts';
import { HANDSHAKE } from './support/raw.ts';
import { SERVER_INIT, type TestRunner, startTestRunner } from './support/runner.ts';
import { openViewer } from './support/viewer.ts';

/** The limits are 10 s for what a client says first and 15 s for a request, looked at every second; two cores are busy. */
const DROPPED_MS = 25_000;
/** The beginning of a ClientHello that announces more than it has. */
const HALF_HELLO = Buffer.from('160301020001000001fc0303', 'hex');

/** Writes a byte of `said` every 300 ms, for ever; tells how long the server stood it. */
function dribble(socket: Socket | TLSSocket, said: string): void {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed || !socket.writable) return clearInterval(timer);
    socket.write(Buffer.from(said[at % said.length]!, 'latin1'));
    at += 1;
  }, 300);
  socket.once('close', () => clearInterval(timer));
}

/** Milliseconds until the server has ended a connection. */
async function untilDropped(socket: Socket | TLSSocket): Promise<number> {
  const began = performance.now();
  socket.resume();
  await new Promise<void>((resolve) => {
    socket.once('end', resolve).once('close', () => resolve());
    socket.on('error', () => {}); // 'close' follows
  });
  socket.destroy();
  return performance.now() - began;
}

describe('a client that takes its time is dropped, and others are served meanwhile:', () => {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-slow-'));
  let plain: TestGateway;
  let secure: TestGateway;
  let runner: TestRunner;
  beforeAll(async () => {
    const at = (name: string): string => join(dir, name);
    const files = {
      caCertificate: at('ca.pem'),
      caKey: at('ca.key'),
      leafCertificate: at('leaf.pem'),
      leafKey: at('leaf.key'),
    };
    await ensurePki(files, ['localhost', '127.0.0.1'], Date.now());
    runner = await startTestRunner();
    plain = await startTestGateway();
    secure = await startTestGateway({
      CAMOFLEET_GATEWAY_TLS_CERT_FILE: files.leafCertificate,
      CAMOFLEET_GATEWAY_TLS_KEY_FILE: files.leafKey,
    });
  });
  afterAll(async () => {
    await secure[Symbol.asyncDispose]();
    await plain[Symbol.asyncDispose]();
    await runner[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true });
  });

  const raw = (gateway: TestGateway): Socket => connect({ port: gateway.port, host: '127.0.0.1' });
  const tls = (): TLSSocket => connectTls({ port: secure.port, host: '127.0.0.1', rejectUnauthorized: false });
  const saying = <T extends Socket>(socket: T, said: string | Buffer): T => {
    socket.write(said);
    return socket;
  };
  const dribbling = <T extends Socket>(socket: T, first: string, said: string): T => {
    socket.write(first);
    dribble(socket, said);
    return socket;
  };
  const open = async (): Promise<string> =>
    `GET /websockify?token=${await plain.token(runner.port, { sid: 'slow' })} HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n`;

  const clients: readonly [string, () => Socket | Promise<Socket>][] = [
    ['one that says nothing', () => raw(plain)],
    ['a header that never ends', () => dribbling(raw(plain), 'GET /healthz HTTP/1.1\r\nHost: a\r\nX: ', 'x')],
    ['headers that never end', () => dribbling(raw(plain), 'GET /healthz HTTP/1.1\r\n', 'X: a\r\n')],
    [
      'a handshake that never ends',
      () => dribbling(raw(plain), `GET / HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}`, 'X: a\r\n'),
    ],
    [
      'a body that does not come',
      () => saying(raw(plain), 'POST /vnc/a/token HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n'),
    ],
    [
      'a body that drips',
      () => dribbling(raw(plain), 'POST /vnc/a/token HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n', 'x'),
    ],
    ['a connection that is kept and not used', () => saying(raw(plain), 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['TLS that does not begin', () => raw(secure)],
    ['TLS that stops in its first message', () => saying(raw(secure), HALF_HELLO)],
    ['TLS that drips', () => dribbling(raw(secure), HALF_HELLO.toString('latin1'), '\0')],
    ['TLS behind which nothing comes', () => tls()],
    ['headers inside TLS that never end', () => dribbling(tls(), 'GET /healthz HTTP/1.1\r\n', 'X: a\r\n')],
    ['a socket on which RFB does not begin', async () => saying(raw(plain), await open())],
    [
      'a socket on which RFB never gets on, though bytes come',
      async () => dribbling(raw(plain), await open(), '\x8a\x80abcd'),
    ],
  ];

  test(clients.map(([name]) => name).join('; '), { timeout: 60_000 }, async () => {
    const viewer = await openViewer(plain.port, await plain.token(runner.port));
    const dropping = clients.map(async ([name, start]) => ({ name, afterMs: await untilDropped(await start()) }));
    await viewer.until(SERVER_INIT.length);
    const dropped = await Promise.all(dropping);
    expect(dropped.filter(({ afterMs }) => afterMs > DROPPED_MS)).toEqual([]);
    expect(viewer.socket.readyState).toBe(viewer.socket.OPEN);
    viewer.socket.terminate();
  });

  test('those who stop inside RFB have their line', async () => {
    const lines = (await plain.log('session.closed', 2)).filter((line) => line['session'] === 'slow');
    expect(lines).toHaveLength(2);
    for (const line of lines)
      expect(line).toMatchObject({ cause: 'protocol_error', detail: 'no ClientInit within 10000 ms' });
  });
});
