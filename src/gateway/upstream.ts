import { type Socket, connect } from 'node:net';
import { type Clock, type Result, err, errorText, ok } from '../core/index.js';
import { ClientHandshake, type ClientHandshakeEvent, SECURITY_NONE } from '../rfb/index.js';
import { Inlet, Reading, type Sink, callbackOf } from './inlet.js';
import type { RefusalCode } from './refusals.js';
import type { Target } from './target.js';

/** A runner that has said yes: through SecurityResult, waiting for ClientInit, paused. */
export interface Upstream {
  readonly socket: Socket;
  /** From now on what comes goes to this sink. */
  read(sink: Sink): void;
  /** From now on less is read at once, for a while. */
  narrow(): void;
  /** Bytes that came behind SecurityResult. */
  readonly rest: Buffer;
  readonly dialMs: number;
  readonly greetingMs: number;
  /** RFB version of the runner, `003.008`. */
  readonly protocol: string;
}

interface Refused {
  readonly code: RefusalCode;
  readonly saw: string;
}

interface Limits {
  readonly connectTimeoutMs: number;
  readonly greetingTimeoutMs: number;
  readonly readTimeoutMs: number;
}

/** A runner whose host has vanished is asked after so long without a byte; Node then asks ten times, a second apart. */
const KEEPALIVE_MS = 15_000;
const LEAST_KEEPALIVE_MS = 1_000;

/** One read for a viewer that does not keep up: what waits for it must leave before x11vnc, not read, gives up (20 s). */
const NARROW_BYTES = 32_768;
/** Narrow reads until a viewer is believed to keep up again. */
const NARROW_READS = 256;

/** Where a runner is read into: the whole buffer, or less of it for a while. */
class Width {
  #narrowReads = 0;
  #last: Buffer | undefined;

  constructor(
    private readonly whole: Buffer,
    private readonly narrowed = whole.subarray(0, NARROW_BYTES),
  ) {}

  /** Where the next read goes; asked after each. Node stays with the last answer when it gets none. */
  readonly buffer = (): Buffer => {
    const next = this.#narrowReads === 0 ? this.whole : this.narrowed;
    if (this.#narrowReads > 0) this.#narrowReads -= 1;
    if (next === this.#last) return undefined as never;
    this.#last = next;
    return next;
  };

  narrow(): void {
    this.#narrowReads = NARROW_READS;
  }
}

/** Dials a target and opens RFB up to SecurityResult. */
export class Dial {
  readonly result: Promise<Result<Upstream, Refused>>;
  readonly #inlet: Inlet;
  readonly #width: Width;
  readonly #socket: Socket;
  readonly #handshake: ClientHandshake;
  readonly #began: number;
  #resolve: ((result: Result<Upstream, Refused>) => void) | undefined;
  #timer: NodeJS.Timeout;
  #dialMs: number | undefined;
  #protocol = '';

  /** What the runner sends is read into `buffer`, which other sockets share. */
  constructor(
    private readonly target: Target,
    private readonly limits: Limits,
    private readonly clock: Clock,
    buffer: Buffer,
  ) {
    const { promise, resolve } = Promise.withResolvers<Result<Upstream, Refused>>();
    this.result = promise;
    this.#resolve = resolve;
    this.#began = clock.monotonic();
    this.#handshake = new ClientHandshake({
      until: 'authenticated',
      ...(target.password !== undefined && { password: target.password }),
    });
    this.#inlet = new Inlet(new Reading((length) => this.#receive(copyOf(buffer, length))));
    this.#width = new Width(buffer);
    this.#socket = connect({
      host: target.host,
      port: target.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: Math.max(LEAST_KEEPALIVE_MS, Math.min(KEEPALIVE_MS, limits.readTimeoutMs / 4)),
      onread: { buffer: this.#width.buffer, callback: callbackOf(this.#inlet) },
    });
    this.#socket.on('connect', this.#onConnect).on('end', this.#onEnd).on('error', this.#onError);
    this.#timer = setTimeout(
      () => this.#refuse('runner_timeout', `no TCP answer within ${limits.connectTimeoutMs} ms`),
      limits.connectTimeoutMs,
    );
  }

  /** The viewer has left: there is nobody to dial for. */
  readonly cancel = (): void =>
    this.#refuse('viewer_left', `the viewer left while we waited for ${this.#handshake.waitingFor}`);

  readonly #onConnect = (): void => {
    this.#dialMs = this.clock.monotonic() - this.#began;
    clearTimeout(this.#timer);
    const { greetingTimeoutMs } = this.limits;
    this.#timer = setTimeout(
      () => this.#refuse('greeting_timeout', `waited ${greetingTimeoutMs} ms for ${this.#handshake.waitingFor}`),
      greetingTimeoutMs,
    );
  };

  readonly #onEnd = (): void => this.#refuse('runner_reset', `the runner closed before ${this.#handshake.waitingFor}`);

  readonly #onError = (error: Error): void =>
    this.#refuse(this.#dialMs === undefined ? dialCode(error) : 'runner_reset', errorText(error));

  #receive(bytes: Buffer): boolean {
    for (const event of this.#handshake.feed(bytes)) {
      if (event.type === 'send') this.#socket.write(event.bytes);
      if (event.type === 'version') this.#protocol = event.version;
      const refusal = refusalOf(event, this.target);
      if (refusal) {
        this.#refuse(refusal.code, refusal.saw);
        return false;
      }
      if (event.type === 'authenticated') {
        this.#settle(ok(this.#upstream()));
        return false; // until somebody reads
      }
    }
    return true;
  }

  #upstream(): Upstream {
    const dialMs = this.#dialMs ?? 0;
    return {
      socket: this.#socket,
      ...tapOf(this.#inlet, this.#width),
      rest: this.#handshake.takeRest(),
      dialMs,
      greetingMs: this.clock.monotonic() - this.#began - dialMs,
      protocol: this.#protocol,
    };
  }

  #refuse(code: RefusalCode, saw: string): void {
    this.#settle(err({ code, saw }));
  }

  #settle(result: Result<Upstream, Refused>): void {
    if (!this.#resolve) return;
    clearTimeout(this.#timer);
    this.#socket.off('connect', this.#onConnect).off('end', this.#onEnd).off('error', this.#onError);
    this.#socket.on('error', ignore); // whoever takes the socket listens anew; a refused one is gone
    this.#inlet.sink = STOP;
    if (!result.ok) this.#socket.destroy();
    this.#resolve(result);
    this.#resolve = undefined;
  }
}

/** The first bytes, in memory of their own. */
function copyOf(buffer: Buffer, length: number): Buffer {
  const copy = Buffer.allocUnsafe(length);
  buffer.copy(copy, 0, 0, length);
  return copy;
}

const ignore = (): void => {};
const STOP = new Reading(() => false);

/** What a relay needs of the reading; the rest of the dial is let go of. */
function tapOf(inlet: Inlet, width: Width): Pick<Upstream, 'read' | 'narrow'> {
  return {
    read: (sink) => {
      inlet.sink = sink;
    },
    narrow: () => width.narrow(),
  };
}

function refusalOf(event: ClientHandshakeEvent, target: Target): Refused | undefined {
  switch (event.type) {
    case 'malformed':
      return { code: 'runner_not_rfb', saw: `wanted ${event.want}, got ${event.got}` };
    case 'refused':
      return event.at === 'result'
        ? { code: wrongPassword(target), saw: `the runner refused the password: ${event.reason}` }
        : { code: 'runner_reset', saw: `the runner refused: ${event.reason}` };
    case 'noCommonSecurity':
      return { code: 'runner_auth', saw: `the runner offers security types ${event.types.join(', ')}` };
    case 'authenticated':
      // Every session has a password: whoever lets us in without asking for it is somebody else on a slot used again.
      return event.security === SECURITY_NONE && target.claims && target.password !== undefined
        ? { code: 'session_ended', saw: 'the runner did not ask for the password of this session' }
        : undefined;
    default:
      return undefined;
  }
}

/** A token's password that is refused is the password of a session that has ended; an open identity's is set wrong. */
function wrongPassword(target: Target): RefusalCode {
  return target.claims ? 'session_ended' : 'runner_auth';
}

function dialCode(error: Error): RefusalCode {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ECONNREFUSED') return 'runner_refused';
  if (code === 'ECONNRESET') return 'runner_reset';
  return code === 'ETIMEDOUT' ? 'runner_timeout' : 'runner_unreachable';
}
