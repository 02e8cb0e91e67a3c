import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTcp } from '../../../src/diagnostics/probe/connect.ts';
import type { DialFacts, DialOptions } from '../../../src/diagnostics/probe/index.ts';
import { SECURITY_NAMES, TRUE_COLOUR_32, encodeServerInit } from '../../../src/rfb/index.ts';
import { DESKTOP_SIZE, rectangle, update } from '../../rfb/support/server-messages.ts';
import { close, frame } from '../../websocket/support/frames.ts';
import { dialled, expectNoneOpen, opened, rfbAt, socketAt } from './support/dialling.ts';
import { type Peer, startPeer } from './support/peer.ts';
import { FRAME, answerClose, answerWithFrame, bare, framed, gateway, serveRfb } from './support/rfb.ts';
import { type UpgradeAnswer, acceptSocket, readRequest } from './support/websocket.ts';

const GREETING = Buffer.from('RFB 003.008\n');
const SOON = { timeoutMs: 400 };

/** TCP sockets of this process that are open or listening. */
const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP')).length;
let before = 0;
beforeEach(() => {
  before = sockets();
});
afterEach(async () => {
  await expect.poll(sockets, { timeout: 5_000, interval: 5 }).toBeLessThanOrEqual(before);
});

/** What a dial of such a server says; it has let go of every connection. */
async function factsOf(
  serve: (peer: Peer) => void,
  options: Partial<DialOptions> & { readonly path?: string; readonly raw?: boolean; readonly password?: string } = {},
): Promise<DialFacts> {
  await using server = await startPeer(serve);
  const target = options.raw
    ? rfbAt(server.port, options.password)
    : socketAt(`ws://127.0.0.1:${server.port}${options.path ?? '/websockify'}`);
  const { facts, stream } = await dialled(target, options);
  expect(stream).toBeUndefined();
  expect(server.connections).toBe(1);
  await expectNoneOpen(server);
  return facts;
}

describe('a dial that goes through', () => {
  test('says what it saw at each stage of a socket', async () => {
    await using server = await startPeer(gateway());
    const { facts, stream } = await dialled(socketAt(`ws://127.0.0.1:${server.port}/websockify?token=t`), {
      keepPicture: true,
    });
    expect(facts).toMatchObject({
      stage: 'open',
      dns: { addresses: ['127.0.0.1'] },
      tcp: { address: '127.0.0.1' },
      http: { status: 101 },
      rfb: { version: '003.008', types: [1], security: 1, width: 8, height: 6, name: 'a peer' },
      frame: { pixels: 48 },
    });
    expect(facts.localPort).toBeGreaterThan(0);
    expect(facts.http?.headers['sec-websocket-accept']).toBe(facts.http?.wantedAccept);
    expect(facts).not.toHaveProperty('failure');
    expect([...stream!.picture!.pixels.subarray(0, 4)]).toEqual([10, 20, 30, 255]);
    expect(await stream!.close()).toMatchObject({ bySelf: true });
    await expectNoneOpen(server);
  });

  test('asks as a viewer does, with the origin and headers it is given', async () => {
    let asked = '';
    await using server = await startPeer(gateway({}, ({ request }) => (asked = request)));
    const target = socketAt(`ws://127.0.0.1:${server.port}/vnc/a%20b?token=x`, {
      origin: 'https://fleet.example',
      headers: { 'x-extra': 'yes' },
    });
    await (await opened(target)).close();
    expect(asked.split('\r\n')).toEqual(
      expect.arrayContaining([
        'GET /vnc/a%20b?token=x HTTP/1.1',
        `host: 127.0.0.1:${server.port}`,
        'connection: Upgrade',
        'upgrade: websocket',
        'sec-websocket-version: 13',
        'sec-websocket-protocol: binary',
        'origin: https://fleet.example',
        'x-extra: yes',
      ]),
    );
  });

  test('answers the password of a raw port, and of a gateway that leaves it to the viewer', async () => {
    const security = { type: 'vnc', password: 'secret', challenge: Buffer.alloc(16, 3) } as const;
    await using raw = await startPeer((peer) => serveRfb(bare(peer), { security }));
    const { facts, stream } = await dialled(rfbAt(raw.port, 'secret'));
    expect(facts).toMatchObject({ stage: 'open', rfb: { types: [2], security: 2 } });
    expect(facts.http).toBeUndefined();
    await stream!.close();
    await using foreign = await startPeer(gateway({ security }));
    const target = socketAt(`ws://127.0.0.1:${foreign.port}/`, { password: 'secret' });
    await (await opened(target)).close();
  });

  test('takes the greeting that came in one segment with the 101, and pings before it', async () => {
    await using server = await startPeer((peer) =>
      acceptSocket(
        peer,
        (socket) => {
          const channel = framed(socket);
          answerClose(socket);
          let first = true;
          const skipGreeting = (rfb: Uint8Array): void => {
            if (!first) socket.send(rfb);
            first = false;
          };
          serveRfb({ ...channel, send: skipGreeting });
        },
        { head: Buffer.concat([frame(9, Buffer.from('hello')), frame(2, GREETING)]) },
      ),
    );
    await (await opened(socketAt(`ws://127.0.0.1:${server.port}/`))).close();
    await expectNoneOpen(server);
  });

  test('loses nothing of a server that says all of its part at once', async () => {
    const init = encodeServerInit({ width: 8, height: 6, format: TRUE_COLOUR_32, name: 'hasty' });
    const all = Buffer.concat([GREETING, Buffer.from([1, 1, 0, 0, 0, 0]), init, FRAME]);
    await using server = await startPeer((peer) => acceptSocket(peer, answerClose, { head: frame(2, all) }));
    const { facts, stream } = await dialled(socketAt(`ws://127.0.0.1:${server.port}/`));
    expect(facts).toMatchObject({ stage: 'open', rfb: { name: 'hasty' } });
    expect(stream?.frames).toBe(1);
    await stream?.close();
  });

  test('takes a screen of 65535x65535 pixels without keeping it', async () => {
    await using server = await startPeer(gateway({ size: [65_535, 65_535] }));
    const { facts, stream } = await dialled(socketAt(`ws://127.0.0.1:${server.port}/`), { keepPicture: true });
    expect(facts).toMatchObject({ stage: 'open', rfb: { width: 65_535, height: 65_535 }, frame: { pixels: 48 } });
    expect(stream?.picture).toBeUndefined();
    await stream?.close();
  });

  test('waits for pixels: an update that tells only a size is no picture', async () => {
    const script: Parameters<typeof gateway>[0] = {
      onMessage: (message, channel) => {
        if (message.type !== 'updateRequest') return;
        const isFirst = !message.incremental;
        channel.send(isFirst ? update([rectangle(DESKTOP_SIZE, { x: 0, y: 0, width: 20, height: 10 })]) : FRAME);
      },
    };
    await using server = await startPeer(gateway(script));
    const { facts, stream } = await dialled(socketAt(`ws://127.0.0.1:${server.port}/`));
    expect(facts).toMatchObject({ stage: 'open', frame: { pixels: 48 } });
    await stream?.close();
  });

  test('goes to the address that it is told, with the name of the URL', async () => {
    let asked = '';
    await using server = await startPeer(gateway({}, ({ request }) => (asked = request)));
    const host = `fleet.invalid:${server.port}`;
    const resolve = new Map([[host, '127.0.0.1']]);
    await (await opened(socketAt(`ws://${host}/`), { resolve })).close();
    expect(asked).toContain(`host: ${host}\r\n`);
  });

  test('tries the other addresses of a name when the first refuses', async () => {
    const server = createServer((socket) => socket.destroy());
    server.listen(0, '127.0.0.2');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const facts: DialFacts = { stage: 'dns' };
    const options = {
      host: 'x',
      port,
      tls: false,
      ca: undefined,
      insecure: false,
      resolve: new Map(),
      signal: AbortSignal.timeout(5_000),
    };
    const socket = await openTcp(['127.0.0.3', '127.0.0.2'], options, facts);
    expect(facts.tcp?.address).toBe('127.0.0.2');
    socket?.destroy();
    await new Promise((resolve) => server.close(resolve));
    expect(await openTcp(['127.0.0.3', '127.0.0.2'], options, facts)).toBeUndefined();
    expect(facts.failure).toMatch(/ECONNREFUSED 127\.0\.0\.3.*; .*ECONNREFUSED 127\.0\.0\.2/);
  });
});

describe('a dial that stops before HTTP', () => {
  test('stops at dns when the name does not exist', async () => {
    const { facts } = await dialled(socketAt('wss://nowhere.invalid/'), { timeoutMs: 10_000 });
    expect(facts.stage).toBe('dns');
    expect(facts.failure).toMatch(/nowhere\.invalid|the resolver/);
  });

  test('stops at tcp when nothing listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    for (const target of [rfbAt(port), socketAt(`ws://127.0.0.1:${port}/`), socketAt(`wss://127.0.0.1:${port}/`)]) {
      const { facts } = await dialled(target);
      expect(facts).toMatchObject({ stage: 'tcp', errorCode: 'ECONNREFUSED' });
      expect(facts.failure).toContain(String(port));
    }
  });

  test.each(['ws://127.0.0.1:9/', 'wss://localhost:9/', 'wss://nowhere.invalid/'])(
    'stops at once when it is interrupted before it began: %s',
    async (url) => {
      const { facts } = await dialled(socketAt(url), { signal: AbortSignal.abort() });
      expect(facts.failure).toMatch(/interrupted/);
    },
  );
});

describe('a dial that is answered by something else than 101', () => {
  test.each([
    [200, 'OK', 'a page', /^answered 200 instead of 101$/],
    [403, 'Forbidden', '{"code":"origin_refused"}', /^answered 403 instead of 101$/],
    [404, 'Not Found', '404 page not found', /^answered 404 instead of 101$/],
    [502, 'Bad Gateway', 'Bad Gateway', /^answered 502 instead of 101$/],
  ])('stops at http with status %i and keeps the body', async (status, words, body, failure) => {
    const facts = await factsOf(({ stream }) =>
      readRequest(stream, () =>
        stream.write(`HTTP/1.1 ${status} ${words}\r\nX-Kept: yes\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
      ),
    );
    expect(facts).toMatchObject({ stage: 'http', http: { status, body, headers: { 'x-kept': 'yes' } } });
    expect(facts.failure).toMatch(failure);
  });

  test('says where a redirect points to, without the token', async () => {
    const facts = await factsOf(({ stream }) =>
      readRequest(stream, () =>
        stream.end('HTTP/1.1 301 Moved\r\nLocation: https://other.example/x?token=secret\r\nContent-Length: 0\r\n\r\n'),
      ),
    );
    expect(facts.failure).toBe('answered 301 instead of 101, and points to https://other.example/x');
  });

  test.each([
    ['ends without a length', (body: string) => `HTTP/1.1 403 Forbidden\r\n\r\n${body}`, true],
    ['never ends', (body: string) => `HTTP/1.1 403 Forbidden\r\n\r\n${body}`, false],
    [
      'is shorter than it says',
      (body: string) => `HTTP/1.1 403 Forbidden\r\nContent-Length: 99999\r\n\r\n${body}`,
      true,
    ],
  ])('keeps the status and 2048 characters of a body that %s', async (_name, answer, ends) => {
    for (const length of [5, 100_000]) {
      const facts = await factsOf(
        ({ stream }) =>
          readRequest(stream, () => {
            stream.write(answer('ä'.repeat(length)));
            if (ends) stream.end();
          }),
        SOON,
      );
      expect(facts).toMatchObject({ stage: 'http', http: { status: 403, body: 'ä'.repeat(Math.min(length, 2_048)) } });
    }
  });

  test.each<[string, (peer: Peer) => void, RegExp]>([
    ['is silent', () => {}, /^waited in vain for an answer to the upgrade$/],
    [
      'is silent in the middle of a head',
      ({ stream }) => void stream.write('HTTP/1.1 101 Swit'),
      /^waited in vain for an answer to the upgrade$/,
    ],
    ['ends', ({ stream }) => void stream.end(), /socket hang up/],
    ['resets', ({ stream, tcp }) => readRequest(stream, () => tcp.resetAndDestroy()), /ECONNRESET/],
    ['speaks RFB', ({ stream }) => void stream.write(GREETING), /^wanted HTTP, got "RFB 003\.008\\n"$/],
    ['speaks garbage', ({ stream }) => void stream.write(Buffer.from([0, 1, 2, 3])), /^wanted HTTP, got 0x00010203$/],
    [
      'speaks TLS',
      ({ stream }) => void stream.end(Buffer.from('15030100020246', 'hex')),
      /^wanted HTTP, got a TLS alert/,
    ],
    [
      'sends headers without end',
      ({ stream }) => void stream.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`),
      /HPE_HEADER_OVERFLOW|overflow/i,
    ],
  ])('stops at http when the server %s', async (_name, serve, failure) => {
    const facts = await factsOf(serve, SOON);
    expect(facts.stage).toBe('http');
    expect(facts.http).toBeUndefined();
    expect(facts.failure).toMatch(failure);
  });

  test('stops at http when a header cannot be sent', async () => {
    await using server = await startPeer(gateway());
    const { facts } = await dialled(socketAt(`ws://127.0.0.1:${server.port}/`, { headers: { 'x-bad': 'a\nb' } }));
    expect(facts).toMatchObject({ stage: 'http', errorCode: 'ERR_INVALID_CHAR' });
    await expectNoneOpen(server);
  });
});

describe('a dial whose 101 no browser would take', () => {
  test.each<[string, UpgradeAnswer['headers'], RegExp]>([
    [
      'a wrong Accept',
      { 'Sec-WebSocket-Accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' },
      /^Sec-WebSocket-Accept is s3p.*, wanted /,
    ],
    ['no Accept', { 'Sec-WebSocket-Accept': '' }, /^Sec-WebSocket-Accept is missing, wanted /],
    ['another subprotocol', { 'Sec-WebSocket-Protocol': 'chat' }, /^the subprotocol is chat/],
    ['an extension', { 'Sec-WebSocket-Extensions': 'permessage-deflate' }, /^the extension permessage-deflate/],
    ['another protocol', { Upgrade: 'h2c' }, /^switched to h2c/],
    ['no Upgrade', { Upgrade: '' }, /^answered 101 without/],
    ['no Connection', { Connection: '' }, /^answered 101 without/],
  ])('stops at upgrade with %s', async (_name, headers, failure) => {
    const facts = await factsOf((peer) => acceptSocket(peer, (socket) => socket.send(GREETING), { headers: headers! }));
    expect(facts).toMatchObject({ stage: 'upgrade', http: { status: 101 } });
    expect(facts.failure).toMatch(failure);
    expect(facts.rfb).toBeUndefined();
  });

  test('goes on without a subprotocol: only a viewer that offers one rejects that', async () => {
    await using server = await startPeer((peer) =>
      acceptSocket(peer, (socket) => (answerClose(socket), serveRfb(framed(socket))), {
        headers: { 'Sec-WebSocket-Protocol': '' },
      }),
    );
    const { facts, stream } = await dialled(socketAt(`ws://127.0.0.1:${server.port}/`));
    expect(facts.stage).toBe('open');
    await stream?.close();
  });
});

/** A socket that is open and then says only this. */
const says =
  (...frames: readonly Buffer[]) =>
  (peer: Peer): void =>
    acceptSocket(peer, (socket) => frames.forEach(socket.raw));

describe('a dial that stops in the RFB opening', () => {
  test.each<[string, (peer: Peer) => void, Partial<DialFacts>]>([
    ['never comes', says(), { stage: 'greeting', stop: 'silence', failure: 'waited in vain for the RFB greeting' }],
    ['stays half', says(frame(2, GREETING.subarray(0, 5))), { stage: 'greeting', stop: 'silence' }],
    [
      'is garbage',
      says(frame(2, Buffer.from([1, 2, 3]))),
      { stage: 'greeting', stop: 'malformed', failure: 'wanted RFB xxx.yyy\\n, got 0x010203' },
    ],
    ['is another protocol', says(frame(2, Buffer.from('SSH-2.0-x\r\n'))), { stage: 'greeting', stop: 'malformed' }],
    [
      'is text',
      says(frame(1, GREETING)),
      { stage: 'greeting', stop: 'malformed', failure: 'a text message came where RFB travels in binary ones' },
    ],
    [
      'comes masked',
      says(frame(2, GREETING, { masked: true })),
      { stage: 'greeting', stop: 'malformed', failure: 'the server masked a frame' },
    ],
    [
      'is a close frame',
      says(close(4502, 'upstream closed')),
      { stage: 'greeting', stop: 'ended', closeCode: 4_502, failure: 'close frame 4502 upstream closed' },
    ],
  ])('at greeting when it %s', async (_name, serve, expected) => {
    expect(await factsOf(serve, SOON)).toMatchObject(expected);
  });

  test.each<[string, (peer: Peer) => void, RegExp]>([
    ['ends', ({ stream }) => void stream.end(), /^the connection ended before the RFB greeting$/],
    ['resets', ({ tcp }) => void tcp.resetAndDestroy(), /^the connection was reset before the RFB greeting$/],
  ])('at greeting when the socket %s', async (_name, end, failure) => {
    const facts = await factsOf((peer) => acceptSocket(peer, () => setTimeout(() => end(peer), 20)));
    expect(facts).toMatchObject({ stage: 'greeting', stop: 'ended' });
    expect(facts.failure).toMatch(failure);
  });

  test('at greeting when a raw port is silent', async () => {
    expect(await factsOf(() => {}, { raw: true, ...SOON })).toMatchObject({ stage: 'greeting', stop: 'silence' });
  });

  test('at greeting when a raw port speaks HTTP', async () => {
    const facts = await factsOf(({ stream }) => void stream.write('HTTP/1.1 400 Bad Request\r\n'), { raw: true });
    expect(facts).toMatchObject({ stage: 'greeting', stop: 'malformed' });
    expect(facts.failure).toContain('HTTP/1.1 400 Bad Request');
  });

  test('at security when the server refuses, with its reason', async () => {
    const reason = Buffer.concat([Buffer.from([0, 0, 0, 0, 18]), Buffer.from('Too many attempts!')]);
    const facts = await factsOf(says(frame(2, GREETING), frame(2, reason)));
    expect(facts).toMatchObject({ stage: 'security', stop: 'refused', rfb: { refused: 'Too many attempts!' } });
  });

  test('at security when only types are offered that nobody here speaks', async () => {
    const facts = await factsOf(says(frame(2, GREETING), frame(2, Buffer.from([2, 16, 19]))));
    expect(facts).toMatchObject({ stage: 'security', rfb: { types: [16, 19], noCommonSecurity: 'types' } });
    expect(SECURITY_NAMES[19]).toBe('VeNCrypt');
  });

  const vnc = { type: 'vnc', password: 'right', challenge: Buffer.alloc(16, 1) } as const;

  test('at security when a password is wanted and none is known', async () => {
    const facts = await factsOf((peer) => serveRfb(bare(peer), { security: vnc }), { raw: true });
    expect(facts).toMatchObject({
      stage: 'security',
      stop: 'refused',
      rfb: { types: [2], noCommonSecurity: 'password' },
    });
  });

  test('at security when the password is wrong', async () => {
    const facts = await factsOf((peer) => serveRfb(bare(peer), { security: vnc }), { raw: true, password: 'wrong' });
    expect(facts).toMatchObject({ stage: 'security', stop: 'refused', rfb: { refused: 'authentication failed' } });
    expect(facts.rfb?.noCommonSecurity).toBeUndefined();
  });

  test('at serverInit when it never comes', async () => {
    const facts = await factsOf(gateway({ serverInit: false }), SOON);
    expect(facts).toMatchObject({ stage: 'serverInit', stop: 'silence', failure: 'waited in vain for ServerInit' });
  });

  test.each([
    [0, 0],
    [0, 600],
    [800, 0],
  ])('at serverInit when the screen is %ix%i', async (width, height) => {
    const facts = await factsOf(gateway({ size: [width, height] }));
    expect(facts).toMatchObject({ stage: 'serverInit', stop: 'malformed', rfb: { width, height } });
    expect(facts.failure).toContain(`${width}x${height}`);
  });
});

describe('a dial that stops before the first frame', () => {
  test('when none comes', async () => {
    const facts = await factsOf(gateway({ onMessage: () => {} }), SOON);
    expect(facts).toMatchObject({
      stage: 'frame',
      stop: 'silence',
      failure: 'waited in vain for a frame',
      rfb: { width: 8 },
    });
  });

  test('when updates come that hold no pixel', async () => {
    const facts = await factsOf(
      gateway({
        onMessage: (message, channel) =>
          message.type === 'updateRequest' && void setTimeout(() => channel.send(update([])), 5),
      }),
      SOON,
    );
    expect(facts).toMatchObject({ stage: 'frame', stop: 'silence' });
  });

  test('when what comes is no RFB', async () => {
    const facts = await factsOf(gateway({ onMessage: (_message, channel) => channel.send(Buffer.from([99])) }));
    expect(facts).toMatchObject({ stage: 'frame', stop: 'malformed' });
    expect(facts.failure).toContain('type 99');
  });

  test('when the server closes instead', async () => {
    const facts = await factsOf(
      gateway({ onMessage: () => {} }, (socket) =>
        socket.onFrame(
          (opcode, payload) => opcode === 2 && payload.length > 20 && socket.raw(close(4410, 'session ended')),
        ),
      ),
    );
    expect(facts).toMatchObject({ stage: 'frame', stop: 'ended', closeCode: 4_410 });
  });

  test('when it is interrupted', async () => {
    const controller = new AbortController();
    const script = { onMessage: () => controller.abort() };
    const facts = await factsOf(gateway(script), { signal: controller.signal });
    expect(facts).toMatchObject({ stage: 'frame', failure: 'interrupted while waiting for a frame' });
  });
});

test('twenty dials at once, half of them of a server that is silent, leave nothing behind', async () => {
  await using good = await startPeer(gateway({ onMessage: answerWithFrame }));
  await using silent = await startPeer(() => {});
  const dials = Array.from({ length: 20 }, async (_, index) => {
    const { port } = index % 2 === 0 ? good : silent;
    const { facts, stream } = await dialled(socketAt(`ws://127.0.0.1:${port}/`), { timeoutMs: 1_500 });
    await stream?.close();
    return facts.stage;
  });
  expect((await Promise.all(dials)).toSorted()).toEqual([...Array(10).fill('http'), ...Array(10).fill('open')]);
  await expectNoneOpen(good);
  await expectNoneOpen(silent);
});
