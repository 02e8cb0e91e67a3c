import { ClientHandshake, type ServerInit } from '../../rfb/index.js';
import { FrameParser, OPCODE, encodeFrame } from '../../websocket/index.js';
import { connect } from './connect.js';
import type { DialFacts } from './facts.js';
import { Stream, type Wire } from './stream.js';
import { upgrade } from './upgrade.js';

/** Where a dial goes. */
export type DialTarget =
  | {
      readonly kind: 'socket';
      readonly url: URL;
      readonly origin: string | undefined;
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'rfb'; readonly host: string; readonly port: number; readonly password: string | undefined };

export interface DialOptions {
  readonly ca: string | undefined;
  readonly insecure: boolean;
  readonly resolve: ReadonlyMap<string, string>;
  /** For the whole dial, to the first frame. */
  readonly timeoutMs: number;
  readonly keepPicture: boolean;
  readonly signal: AbortSignal;
}

export interface Dialled {
  readonly facts: DialFacts;
  /** Present when the first frame has come. */
  readonly stream: Stream | undefined;
}

/** Dials and goes as far as the first frame. Never throws: what was seen is in the facts. */
export async function dial(target: DialTarget, options: DialOptions): Promise<Dialled> {
  const facts: DialFacts = { stage: 'dns' };
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  const isSocket = target.kind === 'socket';
  const tls = isSocket && target.url.protocol === 'wss:';
  const host = isSocket ? target.url.hostname.replace(/^\[|\]$/g, '') : target.host;
  const port = isSocket ? Number(target.url.port || (tls ? 443 : 80)) : target.port;
  const connection = await connect({ ...options, host, port, tls, signal }, facts);
  if (!connection) return { facts, stream: undefined };
  const { socket, tap } = connection;
  const head = isSocket ? await upgrade(socket, { ...target, signal }, facts) : Buffer.alloc(0);
  if (!head) return { facts, stream: undefined };
  const wire: Wire = { socket, tap, framed: isSocket };
  const parser = new FrameParser();
  const opened = await openRfb({ wire, parser }, head, isSocket ? undefined : target.password, facts, signal);
  if (!opened) {
    socket.destroy();
    return { facts, stream: undefined };
  }
  facts.stage = 'frame';
  const began = performance.now();
  const stream = new Stream(wire, opened.init, { key: facts.http?.key, keepPicture: options.keepPicture, parser });
  stream.start(opened.rest);
  if (!(await stream.nextFrame(options.timeoutMs))) {
    facts.failure =
      stream.malformed ?? (stream.isOpen ? 'no frame came in time' : 'the stream ended before the first frame');
    await stream.close();
    return { facts, stream: undefined };
  }
  facts.frame = { pixels: opened.init.width * opened.init.height, tookMs: performance.now() - began };
  facts.stage = 'open';
  return { facts, stream };
}

interface Opened {
  readonly init: ServerInit;
  readonly rest: Buffer;
}

/** The RFB opening over a wire; undefined with the failure in `facts`. */
function openRfb(
  { wire, parser }: { readonly wire: Wire; readonly parser: FrameParser },
  head: Buffer,
  password: string | undefined,
  facts: DialFacts,
  signal: AbortSignal,
): Promise<Opened | undefined> {
  const began = performance.now();
  const handshake = new ClientHandshake(password === undefined ? {} : { password });
  const rfb: NonNullable<DialFacts['rfb']> = {};
  facts.rfb = rfb;
  facts.stage = 'greeting';
  const { socket } = wire;
  let init: ServerInit | undefined;

  return new Promise((resolve) => {
    const settle = (opened: Opened | undefined, failure?: string): void => {
      signal.removeEventListener('abort', onAbort);
      for (const event of ['data', 'end', 'close']) socket.removeAllListeners(event);
      socket.pause();
      if (failure !== undefined) facts.failure = failure;
      resolve(opened);
    };
    const onAbort = (): void => settle(undefined, `waited in vain for ${handshake.waitingFor}`);
    signal.addEventListener('abort', onAbort, { once: true });
    const send = (bytes: Buffer): void => void socket.write(wire.framed ? encodeFrame(OPCODE.binary, bytes) : bytes);

    const feed = (bytes: Buffer): void => {
      for (const event of handshake.feed(bytes)) {
        if (event.type === 'send') send(event.bytes);
        else if (event.type === 'version') {
          rfb.version = event.version;
          rfb.greetingMs = performance.now() - began;
          facts.stage = 'security';
        } else if (event.type === 'security') rfb.types = [...event.types];
        else if (event.type === 'authenticated') {
          rfb.security = event.security;
          facts.stage = 'serverInit';
        } else if (event.type === 'serverInit') {
          const { width, height, name } = event.init;
          Object.assign(rfb, { width, height, name, initMs: performance.now() - began });
          init = event.init;
        } else if (event.type === 'refused') {
          rfb.refused = event.reason;
          settle(undefined, `the server refused: ${event.reason}`);
        } else if (event.type === 'noCommonSecurity') {
          const why = event.needsPassword
            ? 'it wants a password, and none is known here'
            : `it offers security types ${event.types.join(', ')}`;
          settle(undefined, why);
        } else if (event.type === 'malformed') settle(undefined, `wanted ${event.want}, got ${event.got}`);
      }
    };
    const receive = (bytes: Buffer): void => {
      if (!wire.framed) feed(bytes);
      for (const event of wire.framed ? parser.feed(bytes) : []) {
        if (event.type === 'data') feed(event.bytes);
        else if (event.type === 'ping') socket.write(encodeFrame(OPCODE.pong, event.payload));
        else if (event.type === 'close')
          settle(undefined, `close frame ${event.code ?? 'without a code'} ${event.reason}`.trim());
        else if (event.type === 'violation') settle(undefined, event.reason);
      }
      if (init) settle({ init, rest: handshake.takeRest() }); // with what came behind it in the same read
    };
    socket.on('data', receive);
    socket.once('end', () => settle(undefined, `the connection ended before ${handshake.waitingFor}`));
    socket.once('close', () => settle(undefined, `the connection closed before ${handshake.waitingFor}`));
    if (head.length > 0) receive(head);
    socket.resume();
  });
}
