import { createHistogram } from 'node:perf_hooks';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { type Clock, errorText } from '../core/index.js';
import { ServerHandshake } from '../rfb/index.js';
import type { Relay, RelayEnd, RelayOptions } from './data-path.js';
import { ENDS, type EndCause } from './ends.js';
import type { Upstream } from './upstream.js';
import { ViewOnlyFilter } from './view-only.js';

/** Bytes that may wait for a viewer before the runner is not read any more: a full screen of noise, once. */
const PAUSE_ABOVE_BYTES = 1_048_576;
/** The runner is read again below this. */
const RESUME_BELOW_BYTES = 262_144;
/** How often timers are looked at; every limit is exact to this. */
const TICK_MS = 250;
/** After an end the runner has this long to take what the viewer sent last. */
const FLUSH_MS = 2_000;

/** One viewer and one runner. What ends it first is its cause, and nothing after changes it. */
export class WsRelay implements Relay {
  readonly ended: Promise<RelayEnd>;
  lastActivityAt: number;
  #resolveEnded!: (end: RelayEnd) => void;
  readonly #upstream: Socket;
  readonly #handshake = new ServerHandshake({ type: 'none' });
  readonly #filter: ViewOnlyFilter | undefined;
  readonly #pings = createHistogram();
  readonly #openedAt: number;
  #cause: EndCause | undefined;
  #viewerCode: number | null = null;
  #relaying = false;
  #bytesUp = 0;
  #bytesDown = 0;
  #longestSilence = 0;
  #lastByte: number;
  #lastViewerSign: number;
  #lastPing: number;
  #pingSentAt: number | undefined;
  #writtenAt: number;
  #written = 0;
  #ticker: NodeJS.Timeout | undefined;

  constructor(
    private readonly viewer: WebSocket,
    private readonly viewerSocket: Socket,
    private readonly opened: Upstream,
    private readonly options: RelayOptions,
    private readonly clock: Clock,
  ) {
    this.#upstream = opened.socket;
    this.#filter = options.rights === 'view' ? new ViewOnlyFilter() : undefined;
    const now = clock.monotonic();
    this.#openedAt = now;
    this.#lastByte = now;
    this.#lastViewerSign = now;
    this.#lastPing = now;
    this.#writtenAt = now;
    this.lastActivityAt = clock.now();
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  start(): void {
    const { viewer } = this;
    this.viewerSocket.setNoDelay(true);
    viewer.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#fromViewer(data);
      else this.end('protocol_error', 'a text frame');
    });
    viewer.on('pong', () => this.#pong());
    viewer.on('ping', () => this.#viewerSign());
    viewer.on('error', (error) => this.#viewerError(error));
    viewer.on('close', (code) => this.#viewerClosed(code));
    this.#upstream.removeAllListeners('error');
    this.#upstream.on('data', (bytes: Buffer) => this.#fromRunner(bytes));
    this.#upstream.on('drain', () => this.viewer.resume());
    this.#upstream.on('end', () => void this.#runnerEnded());
    this.#upstream.on('error', (error) => this.#runnerLost(errorText(error)));
    this.#upstream.on('close', () => this.#runnerLost('the connection closed'));
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.viewer.send(this.#handshake.start(), { binary: true });
  }

  end(cause: EndCause, detail?: string): void {
    if (this.#cause) return;
    this.#cause = cause;
    this.#countSilence(this.clock.monotonic());
    clearInterval(this.#ticker);
    const { code, reason } = ENDS[cause];
    if (cause === 'viewer_lost') this.viewer.terminate();
    else if (code !== null) this.viewer.close(code, reason);
    if (cause === 'slow_viewer') setTimeout(() => this.viewer.terminate(), FLUSH_MS).unref();
    this.#upstream.end();
    this.#upstream.resume(); // what still comes is thrown away, so that its FIN is seen
    setTimeout(() => this.#upstream.destroy(), FLUSH_MS).unref();
    this.#resolveEnded({
      cause,
      code: cause === 'viewer_closed' ? this.#viewerCode : code,
      ...(detail !== undefined && { detail }),
      durationMs: Math.round(this.clock.monotonic() - this.#openedAt),
      bytesUp: this.#bytesUp,
      bytesDown: this.#bytesDown,
      longestSilenceMs: Math.round(this.#longestSilence),
      pingP99Ms: this.#pings.count === 0 ? null : this.#pings.percentile(99) / 1_000,
    });
  }

  #fromViewer(data: Buffer): void {
    this.#viewerSign();
    if (this.#cause) return;
    this.#countByte();
    if (!this.#handshake.done) {
      this.#openViewer(data);
      return;
    }
    this.#toRunner(data);
  }

  #openViewer(data: Buffer): void {
    for (const event of this.#handshake.feed(data)) {
      if (event.type === 'send') this.viewer.send(event.bytes, { binary: true });
      if (event.type === 'malformed') this.end('protocol_error', `wanted ${event.want}, got ${event.got}`);
      if (event.type === 'clientInit') {
        this.#upstream.write(SHARED); // always shared: a second viewer never throws the first one out
        this.#relaying = true;
        if (this.opened.rest.length > 0) this.#fromRunner(this.opened.rest);
        this.#upstream.resume();
        this.#toRunner(this.#handshake.takeRest());
      }
    }
  }

  #toRunner(data: Buffer): void {
    if (data.length === 0) return;
    const passed = this.#filter ? this.#filter.filter(data) : { pass: data };
    this.#bytesUp += passed.pass.length;
    if (passed.pass.length > 0 && !this.#upstream.write(passed.pass)) this.viewer.pause();
    if ('unknown' in passed && passed.unknown !== undefined)
      this.end('protocol_error', `unknown RFB message ${passed.unknown} of a viewer who may only view`);
  }

  #fromRunner(bytes: Buffer): void {
    if (this.#cause || !this.#relaying) return;
    this.#countByte();
    this.#bytesDown += bytes.length;
    this.viewer.send(bytes, { binary: true }, () => {
      if (this.viewer.bufferedAmount < RESUME_BELOW_BYTES && !this.#cause) this.#upstream.resume();
    });
    if (this.viewer.bufferedAmount > PAUSE_ABOVE_BYTES) this.#upstream.pause();
  }

  async #runnerEnded(): Promise<void> {
    const cause = await this.options.whyClosed();
    this.end(cause);
  }

  #runnerLost(detail: string): void {
    if (this.#cause || this.#upstream.readableEnded) return;
    this.end(this.viewer.bufferedAmount > RESUME_BELOW_BYTES ? 'slow_viewer' : 'upstream_lost', detail);
  }

  #viewerClosed(code: number): void {
    this.#viewerCode = code === NO_STATUS ? null : code;
    if (code === ABNORMAL) this.end('viewer_lost', 'the connection ended without a close frame');
    else this.end('viewer_closed');
  }

  #viewerError(error: Error): void {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    if (code.startsWith('WS_ERR')) this.end('protocol_error', error.message);
    else this.end('viewer_lost', errorText(error));
  }

  #pong(): void {
    this.#viewerSign();
    if (this.#pingSentAt === undefined) return;
    const micros = Math.round((this.clock.monotonic() - this.#pingSentAt) * 1_000);
    this.#pings.record(Math.max(1, micros));
    this.#pingSentAt = undefined;
  }

  #viewerSign(): void {
    this.#lastViewerSign = this.clock.monotonic();
  }

  #countByte(): void {
    const now = this.clock.monotonic();
    this.#countSilence(now);
    this.#lastByte = now;
    this.lastActivityAt = this.clock.now();
  }

  #countSilence(now: number): void {
    this.#longestSilence = Math.max(this.#longestSilence, now - this.#lastByte);
  }

  #tick(): void {
    const now = this.clock.monotonic();
    const { pingIntervalMs, readTimeoutMs, writeTimeoutMs, idleTimeoutMs } = this.options;
    this.#watchWriting(now);
    if (now - this.#writtenAt > writeTimeoutMs) this.end('slow_viewer', `not one byte left for ${writeTimeoutMs} ms`);
    else if (pingIntervalMs === 0 && now - this.#lastByte > idleTimeoutMs)
      this.end('idle', `no byte for ${idleTimeoutMs} ms`);
    else if (pingIntervalMs > 0 && now - this.#lastViewerSign > readTimeoutMs)
      this.end('viewer_lost', `no pong and no byte for ${readTimeoutMs} ms`);
    else if (pingIntervalMs > 0 && now - this.#lastPing >= pingIntervalMs) {
      this.#lastPing = now;
      this.#pingSentAt ??= now;
      this.viewer.ping();
    }
  }

  /** Notes when a byte last left, or when nothing waits. */
  #watchWriting(now: number): void {
    const gone = this.viewerSocket.bytesWritten - this.viewerSocket.writableLength;
    if (this.viewerSocket.writableLength > 0 && gone === this.#written) return;
    this.#written = gone;
    this.#writtenAt = now;
  }
}

const SHARED = Buffer.from([1]);
/** Codes that are never on the wire (RFC 6455 section 7.4.1): no close frame came; it came without a code. */
const ABNORMAL = 1006;
const NO_STATUS = 1005;
