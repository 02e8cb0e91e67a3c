import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestGateway, startTestGateway } from './support/gateway.ts';
import { Random } from '../websocket/support/random.ts';
import { HANDSHAKE, sayRaw } from './support/raw.ts';
import { SERVER_INIT, type TestRunner, startTestRunner } from './support/runner.ts';
import { type TestViewer, ask, openViewer } from './support/viewer.ts';

const SEED = Number(process.env['CAMOFLEET_TEST_SEED'] ?? Date.now() % 1_000_000);
const MANY = 'a:b\r\n'.repeat(3_000);
const SECOND = 'GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n';

/** Name, request line, headers behind `Host: a`, status; code of the problem document where the gateway itself speaks. */
const REQUESTS: readonly [string, string, string, number, string?][] = [
  ['a negative Content-Length', 'GET /healthz', 'Content-Length: -1\r\n', 400],
  ['a Content-Length that no number holds', 'GET /healthz', `Content-Length: ${'9'.repeat(30)}\r\n`, 400],
  ['a signed Content-Length', 'GET /healthz', 'Content-Length: +5\r\n', 400],
  ['a hexadecimal Content-Length', 'GET /healthz', 'Content-Length: 0x5\r\n', 400],
  ['Content-Length twice', 'GET /healthz', 'Content-Length: 5\r\nContent-Length: 6\r\n', 400],
  ['a list of lengths', 'GET /healthz', 'Content-Length: 5, 5\r\n', 400],
  ['a body of two kilobytes', 'GET /healthz', 'Content-Length: 2000\r\n', 413, 'body_refused'],
  ['length and chunks', 'POST /vnc/a/token', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', 400],
  ['chunks', 'POST /vnc/a/token', 'Transfer-Encoding: chunked\r\n', 413, 'body_refused'],
  ['an unknown transfer coding', 'POST /vnc/a/token', 'Transfer-Encoding: xchunked\r\n', 413, 'body_refused'],
  ['a coding behind chunks', 'POST /vnc/a/token', 'Transfer-Encoding: chunked, identity\r\n', 400],
  ['a space before the colon', 'GET /healthz', 'Transfer-Encoding : chunked\r\n', 400],
  ['a folded header', 'GET /healthz', 'X: a\r\n b\r\n', 400],
  ['a folded transfer coding', 'GET /healthz', 'Transfer-Encoding:\r\n chunked\r\n', 400],
  ['a bare CR', 'GET /healthz', 'X: a\rb\r\n', 400],
  ['NUL in a header', 'GET /healthz', 'X: a\0b\r\n', 400],
  ['NUL in a path', 'GET /vnc/a\0b', '', 400],
  ['a path that is not ASCII', 'GET /vnc/\xe9', '', 400],
  ['a second Host', 'GET /vnc/a', 'Host: b\r\n', 400, 'request_malformed'],
  [
    'a second bearer',
    'POST /vnc/a/token',
    'Authorization: Bearer a\r\nAuthorization: Bearer b\r\n',
    400,
    'request_malformed',
  ],
  ['CONNECT to a host that is none of ours', 'CONNECT 169.254.169.254:80', '', 0],
  ['a target in authority form', 'GET evil:80', '', 400],
  ['a target in absolute form', 'GET http://evil/healthz', '', 404, 'not_found'],
  ['TRACE', 'TRACE /healthz', '', 405, 'method_refused'],
  ['OPTIONS of everything', 'OPTIONS *', '', 404, 'not_found'],
  ['a method that nobody has heard of', 'FOO /healthz', '', 400],
  ['three thousand headers', 'GET /healthz', MANY, 431],
  ['a header of 20 KB', 'GET /healthz', `X: ${'x'.repeat(20_000)}\r\n`, 431],
  ['a path of 20 KB', `GET /${'x'.repeat(20_000)}`, '', 431],
  ['a folder above an id', 'GET /vnc/..', '', 404, 'not_found'],
  ['a folder above the assets', 'GET /vnc/../~assets/viewer-1.js', '', 404, 'not_found'],
  ['a way out of the assets', 'GET /vnc/~assets/../../../etc/passwd', '', 404, 'not_found'],
  ['a dot for an id', 'GET /vnc/./websockify', '', 404, 'not_found'],
  ['an encoded way out', 'GET /vnc/%2e%2e/healthz', '', 404, 'not_found'],
  ['a twice encoded way out', 'GET /vnc/%252e%252e/~assets/viewer-1.js', '', 404, 'not_found'],
  ['an encoded slash', 'GET /vnc/a%2fwebsockify', '', 404, 'not_found'],
  ['a backslash', 'GET /vnc\\a', '', 404, 'not_found'],
  ['CRLF in an id', 'GET /vnc/a%0d%0aX:1', '', 404, 'not_found'],
  ['CRLF in a token', 'GET /websockify?token=a%0d%0aX:1', '', 400, 'id_malformed'],
  ['NUL in a token', 'GET /websockify?token=a%00', '', 400, 'id_malformed'],
  ['a token encoded twice', 'GET /websockify?token=a%2561', '', 400, 'id_malformed'],
  ['a port behind an id', 'GET /websockify?token=6901:22', '', 400, 'id_malformed'],
  ['a host for an id', 'GET /websockify?token=//evil/x', '', 400, 'id_malformed'],
  ['a number that is spelt another way', 'GET /websockify?token=06901', '', 401, 'token_invalid'],
  ['a token of 15 KB', `GET /websockify?token=${'x'.repeat(15_000)}`, '', 401, 'token_invalid'],
];

/** The same for requests that ask for an upgrade in `headers`. */
const UPGRADES: readonly [string, string, string, number, string?][] = [
  ['a second Host', 'Host: evil\r\n', HANDSHAKE, 400, 'request_malformed'],
  ['a second Origin', 'Origin: http://a\r\nOrigin: http://a\r\n', HANDSHAKE, 400, 'request_malformed'],
  ['a second Upgrade', 'Upgrade: websocket\r\n', HANDSHAKE, 400, 'request_malformed'],
  ['a second key', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n', HANDSHAKE, 426, 'upgrade_required'],
  ['a body', 'Content-Length: 5\r\n', HANDSHAKE, 413, 'body_refused'],
  ['chunks', 'Transfer-Encoding: chunked\r\n', HANDSHAKE, 413, 'body_refused'],
  ['an Origin that is none', 'Origin: evil\r\n', HANDSHAKE, 403, 'origin_refused'],
  ['an Origin without a host', 'Origin: null\r\n', HANDSHAKE, 403, 'origin_refused'],
  ['a header behind three thousand', `${MANY}Origin: http://evil\r\n`, HANDSHAKE, 431],
  [
    'h2c',
    '',
    'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n',
    401,
    'token_invalid',
  ],
  ['a choice of protocols', '', HANDSHAKE.replace('websocket', 'h2c, websocket'), 401, 'token_invalid'],
];

/** Whole requests that are none of ours. */
const RAW: readonly [string, string, number][] = [
  ['a request without Host', 'GET /healthz HTTP/1.1\r\n\r\n', 400],
  ['lines that end in LF alone', 'GET /healthz HTTP/1.1\nHost: a\n\n', 400],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['HTTP/2.0 in the letters of HTTP/1.1', 'GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n', 400],
  ['HTTP/1.2', 'GET /healthz HTTP/1.2\r\nHost: a\r\n\r\n', 400],
  ['HTTP/0.9', 'GET /healthz\r\n\r\n', 400],
  ['TLS where none is spoken', '\x16\x03\x01\x00\xa5\x01\x00\x00', 400],
  ['an upgrade in HTTP/1.0', `GET /websockify?token=x HTTP/1.0\r\nHost: a\r\n${HANDSHAKE}\r\n`, 426],
];

/** Says it, half-closes, and waits until the server has ended as well. */
async function sayAndLeave(port: number, said: Buffer): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {}); // a reset ends as well
  socket.resume().end(said);
  await new Promise<void>((resolve) => {
    socket.once('end', resolve).once('close', () => resolve());
  });
  socket.destroy();
}

describe('the gateway, attacked on its public port,', () => {
  let gateway: TestGateway;
  let runner: TestRunner;
  let viewer: TestViewer;
  beforeAll(async () => {
    gateway = await startTestGateway({
      CAMOFLEET_GATEWAY_FAILED_ATTEMPTS_PER_MINUTE: '0',
      VNC_DEFAULT_HOST: '127.0.0.1',
    });
    runner = await startTestRunner();
    viewer = await openViewer(gateway.port, await gateway.token(runner.port));
  });
  afterAll(async () => {
    await gateway[Symbol.asyncDispose]();
    await runner[Symbol.asyncDispose]();
  });

  test.concurrent.each(REQUESTS)('refuses %s', async (_name, line, headers, status, code) => {
    const answer = await sayRaw(gateway.port, `${line} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
    expect(answer).toMatchObject({ statuses: status === 0 ? [] : [status], codes: code ? [code] : [] });
    const mayStay = code !== undefined && status !== 413; // what is understood and refused may ask again
    expect(answer.ended || mayStay).toBe(true);
  });

  test.concurrent.each(UPGRADES)('refuses an upgrade with %s', async (_name, extra, handshake, status, code) => {
    const said = `GET /websockify?token=x HTTP/1.1\r\nHost: a\r\n${extra}${handshake}\r\n`;
    const answer = await sayRaw(gateway.port, said);
    expect(answer).toMatchObject({ statuses: [status], codes: code ? [code] : [] });
  });

  test.concurrent.each(RAW)('refuses %s', async (_name, said, status) => {
    const answer = await sayRaw(gateway.port, said);
    expect(answer.statuses).toEqual([status]);
    expect(answer.text).not.toContain('"status":"ok"');
  });

  test('takes no second request from behind a body that it refused, nor from behind an upgrade', async () => {
    const hidden = [
      `POST /vnc/a/token HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SECOND}`,
      `POST /vnc/a/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SECOND}`,
      `GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n${SECOND}`,
      `GET /websockify?token=x HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n${SECOND}`,
      `GET /nothing HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n${SECOND}`,
    ];
    for (const said of hidden) {
      const answer = await sayRaw(gateway.port, said);
      expect(answer.statuses).toHaveLength(1);
      expect(answer.text).not.toContain('"status":"ready"');
      expect(answer.ended).toBe(true);
    }
  });

  test('reads a request behind an open socket as a broken frame, never as a request', async () => {
    const token = await gateway.token(runner.port, { sid: 'pipelined' });
    const said = `GET /websockify?token=${token} HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n${SECOND}`;
    const answer = await sayRaw(gateway.port, said);
    expect(answer.statuses).toEqual([101]);
    expect(answer.text).not.toContain('"status":"ready"');
    const ends = await gateway.log('session.closed');
    expect(ends.find((line) => line['session'] === 'pipelined')).toMatchObject({ cause: 'protocol_error', code: 1002 });
  });

  test('keeps nothing of what a refused client goes on sending', async () => {
    const junk = Buffer.alloc(2_000_000);
    const said = `GET /websockify?token=x HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n`;
    const sockets = Array.from({ length: 80 }, () =>
      connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true }),
    );
    await Promise.all(
      sockets.map(async (socket) => {
        socket.on('error', () => {}); // it is cut while it sends
        socket.write(said);
        await once(socket, 'data');
      }),
    );
    const before = process.memoryUsage().arrayBuffers;
    for (const socket of sockets) socket.write(junk);
    await new Promise((resolve) => setTimeout(resolve, 600));
    const kept = process.memoryUsage().arrayBuffers - before;
    for (const socket of sockets) socket.destroy();
    expect(kept).toBeLessThan(8_000_000);
  });

  test('reads a flood of pings and pongs in no time, and answers the last one of a read', async () => {
    const flooding = await openViewer(gateway.port, await gateway.token(runner.port, { sid: 'flood' }));
    await flooding.until(SERVER_INIT.length);
    const pongs: string[] = [];
    flooding.socket.on('pong', (payload: Buffer) => pongs.push(payload.toString()));
    const pair = Buffer.from([0x89, 0x80, 1, 2, 3, 4, 0x8a, 0x80, 1, 2, 3, 4]);
    const began = performance.now();
    for (let count = 0; count < 4; count += 1) flooding.raw.write(Buffer.alloc(pair.length * 40_000, pair));
    flooding.socket.ping('last');
    await expect.poll(() => pongs.at(-1), { timeout: 10_000 }).toBe('last');
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(pongs.length).toBeLessThan(2_000);
    expect((await ask(gateway.port, '/healthz')).status).toBe(200);
    flooding.socket.terminate();
  });

  test(`outlives a thousand mutated requests (seed ${SEED})`, { timeout: 60_000 }, async () => {
    const random = new Random(SEED);
    const token = await gateway.token(runner.port, { sid: 'mutated' });
    const said = [
      `GET /websockify?token=${token} HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\n${HANDSHAKE}\r\n\x82\x8c\0\0\0\0RFB 003.008\n`,
      `GET /vnc/session-1/ HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Prefix: /vnc/a\r\n\r\n`,
      `POST /vnc/session-1/token HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Length: 2\r\n\r\n{}`,
    ].map((text) => Buffer.from(text, 'latin1'));
    for (let batch = 0; batch < 20; batch += 1) {
      const ending = Array.from({ length: 50 }, () => sayAndLeave(gateway.port, random.mutated(random.pick(said))));
      await Promise.all(ending);
    }
    expect((await ask(gateway.port, '/healthz')).status).toBe(200);
  });

  test('still serves those who were there and those who come', async () => {
    const [connection] = [await runner.next()];
    connection.socket.write('still here');
    expect((await viewer.until(SERVER_INIT.length + 10)).subarray(SERVER_INIT.length).toString()).toBe('still here');
    expect((await ask(gateway.port, '/healthz')).status).toBe(200);
    (await openViewer(gateway.port, await gateway.token(runner.port))).socket.terminate();
    expect(gateway.lines.filter((line) => line.includes('gateway.problem'))).toEqual([]);
  });

  test('writes no line that a caller can make long', async () => {
    await ask(gateway.port, '/websockify', {
      headers: { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-key': 'k'.repeat(10_000) },
    });
    await ask(gateway.port, `/vnc/${'i'.repeat(10_000)}/websockify`);
    expect(Math.max(...gateway.lines.map((line) => line.length))).toBeLessThan(2_000);
  });
});
