import { createHistogram } from 'node:perf_hooks';
import type { Socket } from 'node:net';
import type { EndHow } from '../../report/index.js';
import { ClientSession, type Framebuffer, type ServerInit } from '../../rfb/index.js';
import { FrameParser, OPCODE, encodeFrame } from '../../websocket/index.js';
import type { StreamEnd } from './facts.js';
import type { TlsTap } from './tls-tap.js';

/** The way of RFB bytes: WebSocket frames, or the bare socket. */
export interface Wire {
  readonly socket: Socket;
  readonly tap: TlsTap | undefined;
  readonly framed: boolean;
}

/** An answer to our close frame is waited for this long. */
const CLOSE_MS = 2_000;

/** A stream that is open: counts, measures, asks for what has changed, and notes how it ended. Memory is constant. */
export class Stream {
  readonly ended: Promise<StreamEnd>;
  readonly openedAt: number;
  /** The Sec-WebSocket-Key; undefined on the bare socket. */
  readonly key: string | undefined;
  bytesIn = 0;
  bytesOut = 0;
  frames = 0;
  pingsSent = 0;
  pingsAnswered = 0;
  longestSilenceMs = 0;
  #resolveEnded!: (end: StreamEnd) => void;
  readonly #began = performance.now();
  readonly #frames: FrameParser;
  readonly #session: ClientSession;
  readonly #rtt = createHistogram();
  readonly #waiting: (() => void)[] = [];
  #lastByte = performance.now();
  #closeFrame: { code: number | null; reason: string } | undefined;
  #pingAt: number | undefined;
  #done = false;
  #selfEnded = false;
  #malformed: string | undefined;

  constructor(
    private readonly wire: Wire,
    init: ServerInit,
    options: { readonly key: string | undefined; readonly keepPicture: boolean; readonly parser: FrameParser },
  ) {
    this.key = options.key;
    this.#frames = options.parser;
    this.openedAt = Date.now();
    this.#session = new ClientSession(init, options);
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  get picture(): Framebuffer | undefined {
    return this.#session.picture;
  }

  /** Undefined, or what a server sent that is no RFB or no WebSocket. */
  get malformed(): string | undefined {
    return this.#malformed;
  }

  get isOpen(): boolean {
    return !this.#done;
  }

  /** Takes the socket over, with bytes of RFB that came already, and asks for the picture. */
  start(rest: Buffer): void {
    const { socket } = this.wire;
    for (const event of ['data', 'end', 'error', 'close']) socket.removeAllListeners(event);
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('end', () =>
      this.#finish(this.wire.tap ? (this.wire.tap.sawCloseNotify ? 'close_notify' : 'fin') : 'fin'),
    );
    socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#finish(error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'rst' : 'fin'),
    );
    socket.on('close', () => this.#finish('fin'));
    if (rest.length > 0) this.#rfb(rest);
    socket.resume(); // it was paused while it changed hands
    this.#send(this.#session.start());
  }

  /** Resolves when the next whole update has been read; false when the stream ended or the time ran out first. */
  nextFrame(ms: number): Promise<boolean> {
    const before = this.frames;
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        resolve(this.frames > before);
      };
      const timer = setTimeout(finish, ms);
      this.#waiting.push(finish);
      void this.ended.then(finish);
    });
  }

  /** Asks for the whole picture anew. */
  requestAll(): void {
    this.#send(this.#session.request(false));
  }

  ping(): void {
    if (!this.wire.framed || this.#done || this.#pingAt !== undefined) return;
    this.#pingAt = performance.now();
    this.pingsSent += 1;
    this.#write(encodeFrame(OPCODE.ping, Buffer.from(String(this.pingsSent))));
  }

  /** Round-trip times of pings in milliseconds; null before the first answer. */
  rtt(percentile: number): number | null {
    return this.#rtt.count === 0 ? null : Math.round(this.#rtt.percentile(percentile) / 10) / 100;
  }

  /** How long no byte of RFB has come, with the time that is running; pings and pongs are no bytes of RFB. */
  silenceMs(): number {
    return Math.round(Math.max(this.longestSilenceMs, this.#done ? 0 : performance.now() - this.#lastByte));
  }

  /** Ends the stream in order and waits for the end. */
  async close(): Promise<StreamEnd> {
    if (!this.#done) {
      this.#selfEnded = true;
      const code = Buffer.alloc(2);
      code.writeUInt16BE(1000);
      if (this.wire.framed) this.#write(encodeFrame(OPCODE.close, code));
      else this.wire.socket.end();
      const timer = setTimeout(() => this.wire.socket.destroy(), CLOSE_MS);
      await this.ended;
      clearTimeout(timer);
    }
    return this.ended;
  }

  #receive(bytes: Buffer): void {
    const now = performance.now();
    if (!this.wire.framed) {
      this.#rfb(bytes);
      return;
    }
    for (const event of this.#frames.feed(bytes)) {
      if (event.type === 'data' && event.kind === 'binary') this.#rfb(event.bytes);
      else if (event.type === 'data') this.#malformed ??= 'a text message';
      else if (event.type === 'ping') this.#write(encodeFrame(OPCODE.pong, event.payload));
      else if (event.type === 'pong') this.#pong(now);
      else if (event.type === 'violation') this.#malformed ??= event.reason;
      else this.#closed(event);
    }
  }

  #closed(frame: { readonly code: number | null; readonly reason: string }): void {
    this.#closeFrame = { code: frame.code, reason: frame.reason };
    if (!this.#selfEnded) {
      const code = Buffer.alloc(2);
      code.writeUInt16BE(frame.code ?? 1000);
      this.#write(encodeFrame(OPCODE.close, code));
    }
    this.#finish('close_frame');
    this.wire.socket.end();
  }

  #rfb(bytes: Buffer): void {
    const now = performance.now();
    this.longestSilenceMs = Math.max(this.longestSilenceMs, now - this.#lastByte);
    this.#lastByte = now;
    this.bytesIn += bytes.length;
    for (const event of this.#session.feed(bytes)) {
      if (event.type === 'malformed') this.#malformed ??= `wanted ${event.want}, got ${event.got}`;
      if (event.type !== 'update') continue;
      this.frames += 1;
      for (const tell of this.#waiting.splice(0)) tell();
      this.#send(this.#session.request(true));
    }
  }

  #pong(now: number): void {
    if (this.#pingAt === undefined) return;
    this.#rtt.record(Math.max(1, Math.round((now - this.#pingAt) * 1_000)));
    this.#pingAt = undefined;
    this.pingsAnswered += 1;
  }

  #send(rfb: Buffer): void {
    if (this.#done) return;
    this.bytesOut += rfb.length;
    this.#write(this.wire.framed ? encodeFrame(OPCODE.binary, rfb) : rfb);
  }

  #write(bytes: Buffer): void {
    if (this.wire.socket.writable) this.wire.socket.write(bytes);
  }

  #finish(how: EndHow): void {
    if (this.#done) return;
    this.#done = true;
    const now = performance.now();
    this.longestSilenceMs = Math.max(this.longestSilenceMs, now - this.#lastByte);
    this.#resolveEnded({
      how,
      code: this.#closeFrame?.code ?? null,
      reason: this.#closeFrame?.reason ?? '',
      atMs: Math.round(now - this.#began),
      at: Date.now(),
      bySelf: this.#selfEnded,
    });
    if (how !== 'close_frame') this.wire.socket.destroy();
  }
}
