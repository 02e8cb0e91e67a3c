import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import { type Clock, errorText } from '../core/index.js';
import { ServerHandshake } from '../rfb/index.js';
import type { Relay, RelayEnd, RelayOptions } from './data-path.js';
import { ENDS, type EndCause } from './ends.js';
import { Session } from './session.js';
import type { Upstream } from './upstream.js';
import { ViewOnlyFilter } from './view-only.js';

/** How often limits are looked at; each is exact to this. */
const TICK_MS = 250;
/** After an end the runner has this long to take what the viewer sent last. */
const RUNNER_FLUSH_MS = 2_000;

/**
 * One viewer and one runner on `ws`. Bounds: towards the viewer one read of the runner's socket (64 KiB) may wait
 * outside the kernel, then the runner is not read until it has left; towards the runner one message of the viewer.
 */
export class WsRelay implements Relay {
  readonly ended: Promise<RelayEnd>;
  readonly gone: Promise<void>;
  lastActivityAt: number;
  readonly #session: Session;
  readonly #upstream: Socket;
  readonly #handshake = new ServerHandshake({ type: 'none' });
  readonly #filter: ViewOnlyFilter | undefined;
  readonly #ticker: NodeJS.Timeout;
  readonly #resolveEnded: (end: RelayEnd) => void;

  constructor(
    private readonly viewer: WebSocket,
    private readonly viewerSocket: Socket,
    private readonly opened: Upstream,
    private readonly options: RelayOptions,
    private readonly clock: Clock,
  ) {
    this.#upstream = opened.socket;
    this.#filter = options.rights === 'view' ? new ViewOnlyFilter() : undefined;
    this.#session = new Session(options.limits, clock.monotonic());
    this.lastActivityAt = clock.now();
    const ending = Promise.withResolvers<RelayEnd>();
    this.ended = ending.promise;
    this.#resolveEnded = ending.resolve;
    this.gone = Promise.all([closeOf(viewer), closeOf(this.#upstream)]).then(() => undefined);
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.#listen();
    this.#toViewer(this.#handshake.start());
  }

  end(cause: EndCause, detail?: string): void {
    // A viewer that has begun to close is the cause: its 'close' follows, and says how.
    if (this.viewer.readyState === WebSocket.OPEN) this.#finish(cause, detail === undefined ? {} : { detail });
  }

  #listen(): void {
    const { viewer } = this;
    this.viewerSocket.setNoDelay(true);
    viewer.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) this.#fromViewer(data);
      else this.end('protocol_error', 'a text frame');
    });
    viewer.on('pong', () => this.#session.pong(this.clock.monotonic()));
    viewer.on('ping', (data: Buffer) => this.#answerPing(data));
    viewer.on('error', (error) => this.#viewerError(error));
    viewer.on('close', (code) => this.#viewerClosed(code));
    this.#upstream.on('data', (bytes: Buffer) => this.#fromRunner(bytes));
    this.#upstream.on('drain', () => {
      this.#session.runnerFlow(false, this.clock.monotonic());
      viewer.resume();
    });
    this.#upstream.on('end', () => void this.options.whyClosed().then((cause) => this.end(cause)));
    this.#upstream.on('error', (error) => this.#runnerLost(errorText(error)));
    this.#upstream.on('close', () => this.#runnerLost('the connection closed'));
  }

  #finish(cause: EndCause, more: { detail?: string; code?: number | null } = {}): void {
    this.#session.finish(cause, this.clock.monotonic(), more);
    this.#settle();
  }

  /** Carries out the end that the session has come to, once. */
  #settle(): void {
    const { end } = this.#session;
    if (!end) return;
    clearInterval(this.#ticker);
    const { code, reason } = ENDS[end.cause];
    if (end.cause === 'viewer_lost') this.viewer.terminate();
    else if (code !== null) this.viewer.close(code, reason);
    this.viewer.resume(); // its close frame must be seen
    this.#upstream.end();
    this.#upstream.resume(); // what still comes is thrown away, so that its FIN is seen
    setTimeout(() => this.#upstream.destroy(), RUNNER_FLUSH_MS).unref();
    this.#resolveEnded(end);
  }

  #fromViewer(data: Buffer): void {
    if (this.#session.end) return;
    this.lastActivityAt = this.clock.now();
    if (this.#handshake.done) this.#toRunner(data);
    else this.#openViewer(data);
  }

  #openViewer(data: Buffer): void {
    this.#session.viewerBytes(0, this.clock.monotonic());
    for (const event of this.#handshake.feed(data)) {
      if (event.type === 'send') this.#toViewer(event.bytes);
      if (event.type === 'malformed') this.end('protocol_error', `wanted ${event.want}, got ${event.got}`);
      if (event.type === 'clientInit') {
        this.#session.viewerOpened();
        this.#upstream.write(SHARED); // always shared: a second viewer never throws the first one out
        if (this.opened.rest.length > 0) this.#fromRunner(this.opened.rest);
        if (this.viewerSocket.writableLength === 0) this.#upstream.resume();
        const rest = this.#handshake.takeRest();
        if (rest.length > 0) this.#toRunner(rest);
      }
    }
  }

  #toRunner(data: Buffer): void {
    const now = this.clock.monotonic();
    const passed = this.#filter ? this.#filter.filter(data) : { pass: data };
    this.#session.viewerBytes(passed.pass.length, now);
    if (passed.pass.length > 0 && !this.#upstream.write(passed.pass)) {
      this.#session.runnerFlow(true, now);
      this.viewer.pause();
    }
    if ('unknown' in passed && passed.unknown !== undefined)
      this.end('protocol_error', `unknown RFB message ${passed.unknown} of a viewer who may only view`);
  }

  #fromRunner(bytes: Buffer): void {
    if (this.#session.end) return;
    this.lastActivityAt = this.clock.now();
    this.#session.runnerBytes(bytes.length, this.clock.monotonic());
    this.#toViewer(bytes);
  }

  #toViewer(bytes: Buffer): void {
    this.viewer.send(bytes, { binary: true }, this.#onWritten);
    this.#watchWrite();
  }

  /** While a write waits, the runner is not read. */
  #watchWrite(): void {
    if (this.viewerSocket.writableLength === 0) return;
    this.#session.viewerFlow(true, this.clock.monotonic());
    this.#upstream.pause();
  }

  readonly #onWritten = (): void => {
    if (this.#session.end || this.viewerSocket.writableLength > 0) return;
    this.#session.viewerFlow(false, this.clock.monotonic());
    if (this.#handshake.done) this.#upstream.resume();
  };

  /** Answers when nothing waits: a viewer that pings and does not read must not fill our memory with pongs. */
  #answerPing(data: Buffer): void {
    this.#session.viewerSign(this.clock.monotonic());
    if (this.viewerSocket.writableLength === 0) this.viewer.pong(data, false, this.#onWritten);
  }

  #runnerLost(detail: string): void {
    if (this.#session.end || this.#upstream.readableEnded || this.viewer.readyState !== WebSocket.OPEN) return;
    this.#session.runnerReset(detail, this.clock.monotonic());
    this.#settle();
  }

  #viewerClosed(code: number): void {
    if (this.#session.end) return;
    if (code === ABNORMAL) this.#finish('viewer_lost', { detail: 'the connection ended without a close frame' });
    else this.#finish('viewer_closed', { code: code === NO_STATUS ? null : code });
  }

  /** `ws` has sent the close frame already for a frame that it cannot take. */
  #viewerError(error: Error): void {
    if (this.#session.end) return;
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    if (!code.startsWith('WS_ERR')) this.#finish('viewer_lost', { detail: errorText(error) });
    else this.#finish('protocol_error', { detail: error.message, code: CLOSE_CODES[code] ?? ENDS.protocol_error.code });
  }

  #tick(): void {
    if (this.viewer.readyState !== WebSocket.OPEN) return;
    const isPingDue = this.#session.tick(this.clock.monotonic());
    if (this.#session.end) this.#settle();
    else if (isPingDue) {
      this.viewer.ping(undefined, false, this.#onWritten);
      this.#watchWrite();
    }
  }
}

function closeOf(connection: WebSocket | Socket): Promise<void> {
  return new Promise((resolve) => {
    if ('closed' in connection && connection.closed) resolve();
    else connection.once('close', () => resolve());
  });
}

const SHARED = Buffer.from([1]);
/** Codes that are never on the wire (RFC 6455 section 7.4.1): no close frame came; it came without a code. */
const ABNORMAL = 1006;
const NO_STATUS = 1005;
/** Close codes that `ws` sends by itself, where they are not 1002. */
const CLOSE_CODES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
};
