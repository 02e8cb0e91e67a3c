import type { Socket } from 'node:net';
import type { EndHow } from '../../report/index.js';
import { FrameParser, OPCODE, encodeFrame } from '../../websocket/index.js';
import { Ledger, type Readings } from './ledger.js';
import type { TlsTap } from './tls-tap.js';

/** Who hears what comes over a wire. */
export interface WireListener {
  /** Bytes of RFB. */
  rfb(bytes: Buffer): void;
  pong(payload: Buffer): void;
  /** What could not be taken before can be sent again. */
  drained(): void;
}

/** The first thing that ended a wire. */
export interface WireEnd {
  readonly how: EndHow;
  /** Null when no close frame came. */
  readonly code: number | null;
  readonly reason: string;
  /** This side had said that it wants to end. */
  readonly bySelf: boolean;
  /** The peer sent what no client may accept, as WebSocket or in what travels in it: `reason` says what. */
  readonly broken: false | 'frames' | 'text' | 'content';
}

/** An answer to our close frame, or to our FIN, is waited for this long; so is the peer's FIN behind its close frame. */
const CLOSE_MS = 2_000;

const NORMAL = 1000;
const PROTOCOL_ERROR = 1002;

/**
 * The way of RFB bytes: WebSocket frames, or the bare socket. It owns the socket, answers pings and close frames, and
 * knows what ended it first; it knows nothing of RFB.
 */
export class Wire {
  readonly ended: Promise<WireEnd>;
  readonly framed: boolean;
  readonly #socket: Socket;
  readonly #tap: TlsTap | undefined;
  readonly #frames = new FrameParser();
  readonly #ledger = new Ledger(performance.now());
  readonly #resolveEnded: (end: WireEnd) => void;
  #listener: WireListener | undefined;
  #end: WireEnd | undefined;
  /** As it was when the wire ended, or when this side began to end it. */
  #lastReadings: Readings | undefined;
  #closing = false;
  #heardAtMs = performance.now();

  constructor(socket: Socket, options: { readonly framed: boolean; readonly tap: TlsTap | undefined }) {
    const { promise, resolve } = Promise.withResolvers<WireEnd>();
    this.#socket = socket;
    this.#tap = options.tap;
    this.framed = options.framed;
    this.ended = promise;
    this.#resolveEnded = resolve;
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /** When the last byte of any kind came. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  /** What a timer of any hop could have counted until now, or until the end. */
  get readings(): Readings {
    return this.#lastReadings ?? this.#ledger.readings(performance.now());
  }

  /** True while the peer does not take what it was sent: more would only pile up. */
  get isClogged(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Begins to read; `head` came already. */
  start(listener: WireListener, head: Buffer): void {
    this.#listener = listener;
    const socket = this.#socket;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('end', () => this.#finish(this.#tap && !this.#tap.sawFin ? 'close_notify' : 'fin'));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#finish(howOf(error), error.code ?? error.message));
    socket.on('close', () => this.#finish('none', 'the socket was closed on this side'));
    socket.on('drain', () => this.#listener?.drained());
    if (head.length > 0) this.#receive(head);
    socket.resume();
  }

  /** From now on somebody else hears what comes. */
  handTo(listener: WireListener): void {
    this.#listener = listener;
  }

  send(rfb: Buffer): void {
    if (this.isOpen) this.#ledger.message('viewer', rfb.length, performance.now());
    this.#write(this.framed ? encodeFrame(OPCODE.binary, rfb) : rfb);
  }

  ping(payload: Buffer): void {
    if (this.isOpen) this.#ledger.control('viewer', performance.now());
    this.#write(encodeFrame(OPCODE.ping, payload));
  }

  /** The peer broke a protocol: it is told so and heard no more. */
  reject(reason: string, broken: Exclude<WireEnd['broken'], false> = 'content'): void {
    if (this.framed) this.#writeClose(PROTOCOL_ERROR);
    this.#finish('none', reason, { broken });
  }

  /** Nothing comes any more. */
  giveUp(reason: string): void {
    this.#finish('timeout', reason);
  }

  /** Ends in order, and waits for the peer's answer. */
  async close(): Promise<WireEnd> {
    if (this.isOpen && !this.#closing) {
      this.#closing = true;
      this.#lastReadings = this.readings;
      if (this.framed) this.#writeClose(NORMAL);
      else this.#socket.end();
      const timer = setTimeout(() => this.giveUp(`no answer to our close in ${CLOSE_MS} ms`), CLOSE_MS);
      await this.ended;
      clearTimeout(timer);
    }
    return this.ended;
  }

  /** Ends its own side alone, without a close frame, and waits so long for the peer to end the other one. */
  async leave(withinMs: number): Promise<void> {
    this.#closing = true;
    this.#socket.end();
    const timer = setTimeout(() => this.giveUp(`kept open for ${withinMs} ms after our end`), withinMs);
    await this.ended;
    clearTimeout(timer);
  }

  /** Ends at once, without a word. */
  drop(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    this.#heardAtMs = performance.now();
    if (!this.framed) {
      this.#rfb(bytes);
      return;
    }
    for (const event of this.#frames.feed(bytes)) {
      if (!this.isOpen) return;
      if (event.type === 'data' && event.kind === 'binary') this.#rfb(event.bytes);
      else if (event.type === 'data') this.reject('a text message came where RFB travels in binary ones', 'text');
      else if (event.type === 'ping') this.#pong(event.payload);
      else if (event.type === 'pong') this.#ponged(event.payload);
      else if (event.type === 'violation') this.reject(event.reason, 'frames');
      else this.#peerCloses(event.code, event.reason);
    }
  }

  #rfb(bytes: Buffer): void {
    if (!this.isOpen) return;
    this.#ledger.message('server', bytes.length, this.#heardAtMs);
    this.#listener?.rfb(bytes);
  }

  /** A peer that asks and does not read is not answered for ever. */
  #pong(payload: Buffer): void {
    this.#ledger.serverPing(this.#heardAtMs);
    if (this.isClogged) return;
    this.#ledger.control('viewer', this.#heardAtMs);
    this.#write(encodeFrame(OPCODE.pong, payload));
  }

  #ponged(payload: Buffer): void {
    this.#ledger.control('server', this.#heardAtMs);
    this.#listener?.pong(payload);
  }

  #peerCloses(code: number | null, reason: string): void {
    if (!this.#closing) this.#writeClose(code ?? NORMAL);
    this.#finish('close_frame', reason, { code });
  }

  #writeClose(code: number): void {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.#write(encodeFrame(OPCODE.close, payload));
  }

  #write(bytes: Buffer): void {
    if (this.isOpen && this.#socket.writable) this.#socket.write(bytes);
  }

  #finish(
    how: EndHow,
    reason = '',
    more: { readonly code?: number | null; readonly broken?: WireEnd['broken'] } = {},
  ): void {
    if (this.#end) return;
    this.#lastReadings ??= this.readings;
    this.#end = { how, code: more.code ?? null, reason, bySelf: this.#closing, broken: more.broken ?? false };
    this.#resolveEnded(this.#end);
    if (how === 'close_frame' || more.broken) this.#leave();
    else this.#socket.destroy();
  }

  /** What we said last is let out, and the server is given time to end TCP first (RFC 6455 section 7.1.1). */
  #leave(): void {
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), CLOSE_MS);
    this.#socket.once('close', () => clearTimeout(timer));
  }
}

function howOf({ code }: NodeJS.ErrnoException): EndHow {
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'rst';
  return code === 'ETIMEDOUT' ? 'timeout' : 'none';
}
