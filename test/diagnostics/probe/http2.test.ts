import { once } from 'node:events';
import { type Http2SecureServer, createSecureServer } from 'node:http2';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { answersByItself, lookByHttp2 } from '../../../src/diagnostics/probe/index.ts';
import type { SocketTarget } from '../../../src/diagnostics/probe/index.ts';
import { type Certificate, certificateFor } from './support/peer.ts';

let certificate: Certificate;
beforeAll(async () => {
  certificate = await certificateFor(['localhost']);
});

const open: { close: () => unknown }[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function targetOf(server: Server, scheme: 'ws' | 'wss' = 'ws'): Promise<SocketTarget> {
  open.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { kind: 'socket', url: new URL(`${scheme}://127.0.0.1:${port}/websockify`), origin: undefined, headers: {} };
}

function options(timeoutMs = 3_000) {
  const signal = new AbortController().signal;
  return { ca: certificate.ca, insecure: true, resolve: new Map<string, string>(), timeoutMs, signal };
}

function secure(enableConnectProtocol: boolean, status?: number): Http2SecureServer {
  const { cert, key } = certificate;
  const server = createSecureServer({ cert, key, allowHTTP1: true, settings: { enableConnectProtocol } });
  server.on('stream', (stream) => {
    stream.on('error', () => {}); // the client leaves
    if (status === undefined) stream.close(1);
    else stream.respond({ ':status': status });
  });
  return server;
}

describe('a look by HTTP/2', () => {
  test.each<[string, boolean, number | undefined, unknown]>([
    ['at a server that does not offer extended CONNECT', false, 200, { offered: false }],
    ['at one that carries it', true, 200, { offered: true, opens: true, saw: 'answered 200' }],
    ['at one that answers 501', true, 501, { offered: true, opens: false, saw: 'answered 501' }],
    ['at one that resets the stream', true, undefined, { offered: true, opens: false }],
  ])('%s', async (_what, isOffered, status, expected) => {
    expect(await lookByHttp2(await targetOf(secure(isOffered, status), 'wss'), options())).toMatchObject(
      expected as object,
    );
  });
});

describe('a first server of HTTP', () => {
  test('answers a request without Host by itself, as Node does', async () => {
    const server = createHttpServer(() => {}); // what it passes on waits for ever
    expect(await answersByItself(await targetOf(server), options())).toBe(true);
  });

  test.each<[string, (socket: Socket) => void]>([
    ['that says nothing', () => {}],
    ['that ends', (socket) => socket.destroy()],
    ['that speaks something else', (socket) => socket.write('RFB 003.008\n')],
  ])('%s does not count as alive', async (_what, act) => {
    const server = createServer((socket) => {
      socket.on('error', () => {}); // the client leaves
      act(socket);
    });
    expect(await answersByItself(await targetOf(server), options(400))).toBe(false);
  });
});
