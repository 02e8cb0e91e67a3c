import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TLSSocket, connect } from 'node:tls';
import { systemClock } from '../../../src/core/index.ts';
import { type Ingress, startIngress } from '../../../src/ingress/index.ts';
import { ensurePki } from '../../../src/pki/index.ts';

const WAIT_MS = 5_000;

/** A line of the access log. */
export type AccessLine = Readonly<Record<string, unknown>>;

export interface TestIngress extends AsyncDisposable {
  readonly ingress: Ingress;
  readonly port: number;
  /** The access log as it is now. */
  lines(): AccessLine[];
  /** The first line, when it has come. */
  line(): Promise<AccessLine>;
  /** A TLS socket to it that trusts its certificate. */
  dial(): Promise<TLSSocket>;
  /** One request, its bytes as given; the whole answer. */
  ask(head: string): Promise<string>;
}

/** An ingress on a free port with a certificate of its own; both services are where the test says. */
export async function startTestIngress(options: {
  readonly gateway?: number;
  readonly control?: number;
  readonly graceTimeoutMs?: number;
  readonly responseHeaderTimeoutMs?: number;
}): Promise<TestIngress> {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-ingress-'));
  const at = (name: string): string => join(dir, name);
  const pki = {
    caCertificate: at('ca.pem'),
    caKey: at('ca.key'),
    leafCertificate: at('leaf.pem'),
    leafKey: at('leaf.key'),
  };
  await ensurePki(pki, ['localhost', '127.0.0.1'], Date.now());
  const ingress = await startIngress(
    {
      host: '127.0.0.1',
      port: 0,
      certificateFile: pki.leafCertificate,
      keyFile: pki.leafKey,
      accessLogFile: at('access.log'),
      upstreams: {
        gateway: `http://127.0.0.1:${options.gateway ?? 9}`,
        control: `http://127.0.0.1:${options.control ?? 9}`,
      },
      graceTimeoutMs: options.graceTimeoutMs ?? 200,
      responseHeaderTimeoutMs: options.responseHeaderTimeoutMs ?? 5_000,
    },
    { clock: systemClock },
  );
  const lines = (): AccessLine[] =>
    readFileSync(at('access.log'), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line): AccessLine => JSON.parse(line));
  const dial = async (): Promise<TLSSocket> => {
    const socket = connect({
      host: '127.0.0.1',
      port: ingress.port,
      servername: 'localhost',
      ca: readFileSync(pki.caCertificate),
    });
    await once(socket, 'secureConnect');
    return socket;
  };
  return {
    ingress,
    port: ingress.port,
    lines,
    line: async () => {
      await until(() => lines().length > 0, 'a line in the access log');
      return lines()[0]!;
    },
    dial,
    ask: async (head) => {
      const socket = await dial();
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.write(head);
      await once(socket, 'close');
      return Buffer.concat(chunks).toString('latin1');
    },
    [Symbol.asyncDispose]: async () => {
      await ingress[Symbol.asyncDispose]();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** A GET that asks for the connection to be closed behind its answer. */
export function get(path: string, headers: readonly string[] = []): string {
  return [`GET ${path} HTTP/1.1`, 'Host: localhost:8443', 'Connection: close', ...headers, '', ''].join('\r\n');
}

export const WS_KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** A WebSocket handshake. */
export function handshake(path: string, headers: readonly string[] = []): string {
  return [
    `GET ${path} HTTP/1.1`,
    'Host: localhost:8443',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${WS_KEY}`,
    ...headers,
    '',
    '',
  ].join('\r\n');
}

export interface TestService extends AsyncDisposable {
  readonly port: number;
  /** Requests and upgrades as they came. */
  readonly seen: IncomingMessage[];
  /** The next socket that was upgraded. */
  upgraded(): Promise<Socket>;
}

export const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

/** A service that answers every request with `body` and every handshake with 101, or does what `serve` says. */
export async function startTestService(serve?: Parameters<typeof createServer>[1]): Promise<TestService> {
  const seen: IncomingMessage[] = [];
  const sockets: Socket[] = [];
  const server: Server = createServer((request, response) => {
    seen.push(request);
    if (serve) serve(request, response);
    else response.writeHead(200, { 'content-type': 'text/plain' }).end('body');
  });
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    seen.push(request);
    socket.on('error', () => {});
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`,
    );
    sockets.push(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    upgraded: async () => {
      await until(() => sockets.length > 0, 'an upgraded socket');
      return sockets.shift()!;
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Waits until it is so; says what was awaited when it does not become so. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`awaited: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
