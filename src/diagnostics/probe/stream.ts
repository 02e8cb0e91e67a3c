import { ClientSession, type Framebuffer, type ServerInit } from '../../rfb/index.js';
import type { StreamEnd } from './facts.js';
import { whenAborted } from './limit.js';
import type { Readings } from './ledger.js';
import { Pings } from './pings.js';
import type { Wire, WireEnd } from './wire.js';

/** A peer that answered pings before is gone when so many in a row are not answered … */
const LOST_PINGS = 3;
/** … and not a byte of any kind came for so long. */
const SILENCE_MS = 10_000;

/** A stream that is open: counts, measures, asks for what has changed, and notes how it ended. Memory is constant. */
export class Stream {
  readonly ended: Promise<StreamEnd>;
  readonly openedAt: number;
  /** The Sec-WebSocket-Key; undefined on the bare socket. */
  readonly key: string | undefined;
  bytesIn = 0;
  bytesOut = 0;
  /** Whole updates. */
  frames = 0;
  pixels = 0;
  longestSilenceMs = 0;
  readonly #wire: Wire;
  readonly #session: ClientSession;
  readonly #pings = new Pings();
  readonly #waiting = new Set<() => void>();
  readonly #began = performance.now();
  #lastByte = performance.now();
  #owesRequest = false;
  #rests = false;
  #asked = 0;
  #askedAt = 0;
  #malformed: string | undefined;
  #brokeFrames = false;

  constructor(
    wire: Wire,
    init: ServerInit,
    options: { readonly key: string | undefined; readonly keepPicture: boolean },
  ) {
    this.#wire = wire;
    this.key = options.key;
    this.openedAt = Date.now();
    this.#session = new ClientSession(init, options);
    this.ended = wire.ended.then((end) => this.#finish(end));
  }

  get picture(): Framebuffer | undefined {
    return this.#session.picture;
  }

  /** Undefined, or what a server sent that is no RFB or no WebSocket: the stream has ended then. */
  get malformed(): string | undefined {
    return this.#malformed;
  }

  /** What was malformed was a frame of WebSocket. */
  get brokeFrames(): boolean {
    return this.#brokeFrames;
  }

  get isOpen(): boolean {
    return this.#wire.isOpen;
  }

  /** What a timer of any hop could have counted of it. */
  get readings(): Readings {
    return this.#wire.readings;
  }

  get pingsSent(): number {
    return this.#pings.sent;
  }

  get pingsAnswered(): number {
    return this.#pings.answered;
  }

  /**
   * Takes the wire over, with bytes of RFB that came already, and asks for the picture; or for a corner of it, and then for
   * nothing by itself: what does not speak unasked falls silent.
   */
  start(rest: Buffer, firstSide?: number): void {
    this.#rests = firstSide !== undefined;
    this.#wire.handTo({
      rfb: (bytes) => this.#receive(bytes),
      pong: (payload) => this.#pings.pong(payload, performance.now()),
      drained: () => this.#requestOwed(),
    });
    if (rest.length > 0) this.#receive(rest);
    this.#send(this.#session.start(firstSide));
  }

  /** Resolves when the next whole update has been read; false when the stream ended or the signal aborted first. */
  nextFrame(signal: AbortSignal): Promise<boolean> {
    const before = this.frames;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const tell = (): void => resolve(this.frames > before);
    this.#waiting.add(tell);
    const release = whenAborted(signal, tell);
    if (!this.isOpen) tell();
    return promise.finally(() => {
      release();
      this.#waiting.delete(tell);
    });
  }

  /** Asks for the whole picture anew, or for a corner of it. */
  requestAll(side?: number): void {
    this.#asked = this.frames + 1;
    this.#askedAt = performance.now();
    this.#send(this.#session.request(false, side));
  }

  /** Asks for what has changed: on a still screen this is a message without an answer. */
  ask(): void {
    if (!this.#wire.isClogged) this.#send(this.#session.request(true));
  }

  /** Asks for a corner of the picture, changed or not; not while an earlier one has not come. */
  askCorner(side: number): void {
    if (this.#wire.isClogged || this.#asked > this.frames) return;
    this.#asked = this.frames + 1;
    this.#askedAt = performance.now();
    this.#send(this.#session.request(false, side));
  }

  /** Sends a ping; a peer that answered before and has fallen silent is given up. */
  ping(): void {
    const wire = this.#wire;
    if (!wire.framed || !wire.isOpen || wire.isClogged) return;
    const now = performance.now();
    const silentMs = Math.round(now - wire.heardAtMs);
    if (this.#pings.answered > 0 && this.#pings.waiting >= LOST_PINGS && silentMs >= SILENCE_MS) {
      wire.giveUp(`${this.#pings.waiting} pings without an answer, not a byte for ${silentMs} ms`);
      return;
    }
    const payload = this.#pings.next(now);
    if (payload) wire.ping(payload);
  }

  /** Round-trip times of pings in milliseconds; null before the first answer. */
  rtt(percentile: number): number | null {
    return this.#pings.rttMs(percentile);
  }

  /** How long no byte of RFB has come until now. */
  quietMs(): number {
    return performance.now() - this.#lastByte;
  }

  /** How long the oldest question waits that only a dead way, or a dead server, leaves without an answer: 0 where none does. */
  owedMs(): number {
    const now = performance.now();
    const picture = this.#asked > this.frames ? now - this.#askedAt : 0;
    return Math.max(picture, this.#pings.waitedMs(now));
  }

  /** How long no byte of RFB has come, with the time that is running; pings and pongs are no bytes of RFB. */
  silenceMs(): number {
    return Math.round(Math.max(this.longestSilenceMs, this.isOpen ? performance.now() - this.#lastByte : 0));
  }

  /** Ends the stream in order and waits for the end. */
  async close(): Promise<StreamEnd> {
    await this.#wire.close();
    return this.ended;
  }

  /** Leaves without a close frame; how long the other side kept the socket, or Infinity when longer than is waited for. */
  async leave(withinMs: number): Promise<number> {
    const began = performance.now();
    await this.#wire.leave(withinMs);
    const { how } = await this.ended;
    return how === 'timeout' ? Number.POSITIVE_INFINITY : performance.now() - began;
  }

  #receive(bytes: Buffer): void {
    const now = performance.now();
    this.longestSilenceMs = Math.max(this.longestSilenceMs, now - this.#lastByte);
    this.#lastByte = now;
    this.bytesIn += bytes.length;
    for (const event of this.#session.feed(bytes)) {
      if (event.type === 'malformed') this.#wire.reject(`wanted ${event.want}, got ${event.got}`);
      if (event.type === 'update') this.#frame(event.pixels);
    }
  }

  #frame(pixels: number): void {
    this.frames += 1;
    this.pixels += pixels;
    for (const tell of this.#waiting) tell();
    this.#owesRequest = !this.#rests;
    this.#requestOwed();
  }

  /** One request an update, and none to a peer that does not take them. */
  #requestOwed(): void {
    if (!this.#owesRequest || this.#wire.isClogged) return;
    this.#owesRequest = false;
    this.#send(this.#session.request(true));
  }

  #send(rfb: Buffer): void {
    if (!this.isOpen) return;
    this.bytesOut += rfb.length;
    this.#wire.send(rfb);
  }

  #finish(end: WireEnd): StreamEnd {
    const now = performance.now();
    this.longestSilenceMs = Math.max(this.longestSilenceMs, now - this.#lastByte);
    if (end.broken) this.#malformed = end.reason;
    this.#brokeFrames = end.broken === 'frames';
    for (const tell of this.#waiting) tell();
    const { how, code, reason, bySelf } = end;
    return { how, code, reason, atMs: Math.round(now - this.#began), at: Date.now(), bySelf };
  }
}
