import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { ClientHandshake } from '../../../src/rfb/index.ts';
import { untilLength } from './runner.ts';

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export interface TestViewer {
  readonly socket: WebSocket;
  readonly raw: Socket;
  readonly protocol: string;
  /** What came behind the handshake: from ServerInit on. */
  received(): Buffer;
  until(length: number): Promise<Buffer>;
  send(bytes: Uint8Array): void;
  readonly closed: Promise<Closed>;
}

interface Options {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
  readonly autoPong?: boolean;
  /** The gateway ends TLS itself. */
  readonly tls?: boolean;
  /** Stop before ClientInit. */
  readonly silent?: boolean;
}

/** Opens a socket and RFB up to ClientInit, as a page does. Throws `Refused` with the gateway's answer. */
export function openViewer(port: number, token: string, options: Options = {}): Promise<TestViewer> {
  const path = options.path ?? `/websockify?token=${token}`;
  const socket = new WebSocket(
    `${options.tls ? 'wss' : 'ws'}://127.0.0.1:${port}${path}`,
    [...(options.protocols ?? ['binary'])],
    {
      perMessageDeflate: false,
      headers: options.headers ?? {},
      autoPong: options.autoPong ?? true,
      rejectUnauthorized: false,
    },
  );
  const handshake = new ClientHandshake({ until: 'authenticated' });
  const chunks: Buffer[] = [];
  const received = (): Buffer => Buffer.concat(chunks);
  const closed = new Promise<Closed>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  return new Promise((resolve, reject) => {
    socket.once('unexpected-response', (_request, response: IncomingMessage) => {
      readAnswer(response).then((answer) => reject(new Refused(answer)), reject);
    });
    socket.on('error', reject);
    const done = (): void =>
      resolve({
        socket,
        raw: (socket as unknown as { _socket: Socket })._socket,
        protocol: socket.protocol,
        received,
        until: (length) => untilLength(received, length),
        send: (bytes) => socket.send(bytes),
        closed,
      });
    if (options.silent) socket.once('open', done);
    socket.on('message', (data: Buffer) => {
      if (options.silent) return;
      if (handshake.done) {
        chunks.push(data);
        return;
      }
      for (const event of handshake.feed(data)) {
        if (event.type === 'send') socket.send(event.bytes);
        if (event.type === 'authenticated') {
          socket.send(Buffer.from([0]));
          chunks.push(handshake.takeRest());
          done();
        }
      }
    });
  });
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly problem: { readonly code: string; readonly status: number; readonly requestId: string };
}

export class Refused extends Error {
  constructor(readonly answer: Answer) {
    super(`${answer.status} ${answer.body}`);
  }
}

/** The answer to an upgrade that is refused. */
export async function refusalOf(port: number, token: string, options: Options = {}): Promise<Answer> {
  try {
    const viewer = await openViewer(port, token, options);
    viewer.socket.terminate();
  } catch (error) {
    if (error instanceof Refused) return error.answer;
    throw error;
  }
  throw new Error('the socket opened');
}

/** A plain request. */
export function ask(
  port: number,
  path: string,
  options: {
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, method: options.method ?? 'GET', headers: options.headers ?? {}, agent: false },
      (response) => void readAnswer(response).then(resolve, reject),
    );
    asked.once('error', reject);
    asked.end(options.body);
  });
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString();
  const isJson = /json/.test(response.headers['content-type'] ?? '');
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body,
    problem: isJson ? JSON.parse(body) : { code: '', status: 0, requestId: '' },
  };
}
