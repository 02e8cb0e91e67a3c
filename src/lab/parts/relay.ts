import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { type Socket, connect } from 'node:net';
import { nodeHttp } from '../../core/index.js';
import { OPCODE, acceptFor, encodeClose, encodeServerFrame } from '../../websocket/index.js';
import type { Stage } from '../stage.js';
import { ViewerReader } from './viewer-reader.js';

/** What a foreign gateway does with an upgrade, as far as it is told to differ from a good one. */
export type Answer =
  /** An answer of HTTP, with an empty body. */
  | { readonly refuse: number }
  /** 101, and a close frame behind it. */
  | { readonly close: number; readonly reason: string }
  | { readonly to: RelayTarget };

export interface RelayTarget {
  readonly port: number;
  readonly host?: string;
  /** The viewer must say something so often; its pings and pongs are nothing. */
  readonly readTimeoutMs?: number;
  /** Something must come, from one side or the other, so often. */
  readonly idleTimeoutMs?: number;
  /** Pings of the relay, and how long a pong may take. */
  readonly pings?: { readonly everyMs: number; readonly deadlineMs: number };
  /** What the relay says when it ends a socket, whatever the cause. */
  readonly lastWords?: { readonly code: number; readonly reason: string };
  /** Headers that its 101 holds beside the usual ones. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent before anything of the target. */
  readonly before?: Buffer;
  /** Bits that are set in the first byte of its frames. */
  readonly bits?: number;
  /** It goes on when the viewer has ended its side. */
  readonly ignoresFin?: boolean;
}

export interface Relay {
  readonly port: number;
  /** `ws://127.0.0.1:PORT/websockify` */
  readonly url: string;
  /** Lines of text, in no format of ours. */
  readonly log: string;
  /** Sockets that are relayed now. */
  readonly open: () => number;
}

/** A gateway that is not ours, as people write them: it says 101 first and dials then. */
export async function startRelay(
  stage: Stage,
  answer: (request: IncomingMessage, open: number) => Answer,
  host = '127.0.0.1',
): Promise<Relay> {
  const port = await stage.port();
  const log = await stage.file(`relay-${port}.log`, '');
  const say = (text: string): void => appendFileSync(log, `${new Date().toISOString()} ${text}\n`);
  const open = new Set<Socket>();
  const server = nodeHttp().createServer((_request, response) => response.writeHead(404).end('Not Found'));
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    const decided = answer(request, open.size);
    say(
      `upgrade ${request.url ?? ''} ${JSON.stringify(decided, (key, value: unknown) => (key === 'before' ? undefined : value))}`,
    );
    if ('refuse' in decided) {
      socket.end(`HTTP/1.1 ${decided.refuse} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`);
      return;
    }
    socket.write(switching(request, 'to' in decided ? (decided.to.headers ?? {}) : {}));
    if ('close' in decided) {
      socket.end(encodeClose(decided.close, decided.reason));
      return;
    }
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    relay(socket, decided.to, say);
  });
  server.listen(port, host);
  await once(server, 'listening');
  stage.defer(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { port, url: `ws://${host}:${port}/websockify`, log, open: () => open.size };
}

function switching({ headers }: IncomingMessage, more: Readonly<Record<string, string>>): string {
  const offered = headers['sec-websocket-protocol'];
  const lines = {
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Accept': acceptFor(headers['sec-websocket-key'] ?? ''),
    ...(offered !== undefined && { 'Sec-WebSocket-Protocol': offered.split(',')[0]!.trim() }),
    ...more,
  };
  return `HTTP/1.1 101 Switching Protocols\r\n${Object.entries(lines)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;
}

function relay(viewer: Socket, target: RelayTarget, say: (text: string) => void): void {
  const { host = '127.0.0.1', port, readTimeoutMs, idleTimeoutMs, pings, bits = 0 } = target;
  const upstream = connect({ host, port, noDelay: true });
  const timers = new Set<NodeJS.Timeout>();
  const frame = (payload: Buffer): Buffer => {
    const bytes = encodeServerFrame(OPCODE.binary, payload);
    bytes[0]! |= bits;
    return bytes;
  };
  let isOver = false;
  const end = (code: number, reason: string, why: string): void => {
    if (isOver) return;
    isOver = true;
    for (const timer of timers) clearTimeout(timer);
    say(why);
    const { lastWords } = target;
    viewer.end(encodeClose(lastWords?.code ?? code, lastWords?.reason ?? reason));
    setTimeout(() => viewer.destroy(), 1_000).unref();
    upstream.destroy();
  };
  const alarm = (ms: number | undefined, why: string, code = 1011): (() => void) => {
    if (ms === undefined) return () => {};
    const timer = setTimeout(() => end(code, why, why), ms);
    timers.add(timer);
    return () => void timer.refresh();
  };
  const heardViewer = alarm(readTimeoutMs, 'read timeout');
  const heardAny = alarm(idleTimeoutMs, 'idle timeout');
  const reader = new ViewerReader();
  if (target.before) viewer.write(frame(target.before));
  upstream.on('data', (bytes: Buffer) => {
    heardAny();
    if (!viewer.write(frame(bytes))) upstream.pause();
  });
  viewer.on('drain', () => upstream.resume());
  upstream.once('close', () => end(1011, 'failed to connect to downstream', `upstream ${host}:${port} closed`));
  upstream.on('error', (error) => end(1011, 'failed to connect to downstream', error.message));
  let pinged: NodeJS.Timeout | undefined;
  viewer.on('data', (bytes: Buffer) => {
    for (const { opcode, payload } of reader.feed(bytes)) {
      if (opcode === OPCODE.ping) viewer.write(encodeServerFrame(OPCODE.pong, payload));
      else if (opcode === OPCODE.pong) {
        clearTimeout(pinged);
        pinged = undefined;
      } else if (opcode === OPCODE.close) end(1000, '', 'the viewer closed');
      else {
        heardViewer();
        heardAny();
        upstream.write(payload);
      }
    }
  });
  if (!target.ignoresFin) viewer.once('end', () => end(1000, '', 'the viewer left'));
  viewer.once('close', () => end(1000, '', 'the viewer is gone'));
  if (!pings) return;
  timers.add(
    setInterval(() => {
      if (pinged) return;
      viewer.write(encodeServerFrame(OPCODE.ping, Buffer.from('p')));
      pinged = setTimeout(() => end(1011, 'keepalive ping timeout', 'keepalive ping timeout'), pings.deadlineMs);
      timers.add(pinged);
    }, pings.everyMs),
  );
}
