import type { RelayEnd, RelayLimits } from './data-path.js';
import { ENDS, type EndCause } from './ends.js';

/** A viewer that has its 101 opens RFB within this; a page does it in one round trip. */
const OPENING_MS = 10_000;
/** A runner's reset that is noticed this soon after a long pause of its reading belongs to that pause. */
const RESET_MEMORY_MS = 2_000;
/** Round trips that are remembered: at a ping every 20 s the last three hours. A native histogram would take 350 KB. */
const MAX_ROUND_TRIPS = 512;

/**
 * The life of one socket without the socket: what happened goes in, with its time; when to ping and why to end come
 * out. The first cause wins. Times are monotonic milliseconds.
 */
export class Session {
  // Times are numbers from the start: V8 then writes one where the last one was, instead of allocating it.
  #openedAt = 0;
  readonly #roundTripsMs: number[] = [];
  #end: RelayEnd | undefined;
  #viewerOpened = false;
  #bytesUp = 0;
  #bytesDown = 0;
  #lastByteAt = 0;
  #longestSilenceMs = 0;
  #lastSignAt = 0;
  #lastPingAt = 0;
  #pingSentAt: number | undefined;
  #viewerBlockedAt: number | undefined;
  #runnerBlockedAt: number | undefined;
  /** When the first byte went to the runner since it was heard of. */
  #unheardSince: number | undefined;
  /** The longest of the pauses that ended lately. */
  #lastPause = { ms: 0, endedAt: -Infinity };

  constructor(
    private readonly limits: RelayLimits,
    now: number,
  ) {
    this.#openedAt = now;
    this.#lastByteAt = now;
    this.#lastSignAt = now;
    this.#lastPingAt = now;
  }

  /** How it ended; undefined while it lives. */
  get end(): RelayEnd | undefined {
    return this.#end;
  }

  /** When a byte of RFB went either way last. */
  get lastByteAt(): number {
    return this.#lastByteAt;
  }

  /** ClientInit has come. */
  viewerOpened(): void {
    this.#viewerOpened = true;
  }

  /** A frame of the viewer, of any kind. */
  viewerSign(now: number): void {
    this.#lastSignAt = now;
  }

  /** A frame of the viewer with RFB, of which `passed` bytes went on to the runner. */
  viewerBytes(passed: number, now: number): void {
    this.#lastSignAt = now;
    this.#bytesUp += passed;
    if (passed > 0) this.#unheardSince ??= now;
    this.#byte(now);
  }

  runnerBytes(count: number, now: number): void {
    this.#bytesDown += count;
    this.#unheardSince = undefined;
    this.#byte(now);
  }

  /** A write towards the viewer could not finish at once, or has finished. */
  viewerFlow(blocked: boolean, now: number): void {
    if (blocked) {
      this.#viewerBlockedAt ??= now;
      return;
    }
    if (this.#viewerBlockedAt === undefined) return;
    const pause = { ms: now - this.#viewerBlockedAt, endedAt: now };
    const isForgotten = now - this.#lastPause.endedAt > RESET_MEMORY_MS;
    if (isForgotten || pause.ms > this.#lastPause.ms) this.#lastPause = pause;
    this.#viewerBlockedAt = undefined;
    this.#lastSignAt = now; // what was stuck has left: the other host takes bytes
  }

  /** Some of what waits has left, towards the viewer or the runner: it is slow, not stuck. */
  progress(side: 'viewer' | 'runner', now: number): void {
    if (side === 'viewer' && this.#viewerBlockedAt !== undefined) this.#viewerBlockedAt = now;
    if (side === 'runner' && this.#runnerBlockedAt !== undefined) this.#runnerBlockedAt = now;
  }

  /** A write towards the runner could not finish at once, or has finished. While it cannot, the viewer is not read. */
  runnerFlow(blocked: boolean, now: number): void {
    if (blocked) {
      this.#runnerBlockedAt ??= now;
      return;
    }
    if (this.#runnerBlockedAt !== undefined) this.#lastSignAt = now;
    this.#runnerBlockedAt = undefined;
  }

  pong(now: number): void {
    this.#lastSignAt = now;
    if (this.#pingSentAt === undefined) return;
    this.#roundTripsMs.push(now - this.#pingSentAt);
    if (this.#roundTripsMs.length > MAX_ROUND_TRIPS) this.#roundTripsMs.shift();
    this.#pingSentAt = undefined;
  }

  /** Looks at the limits; true when a ping is due. */
  tick(now: number): boolean {
    const late = this.#late(now);
    if (late) this.finish(late.cause, now, { detail: late.detail });
    const { pingIntervalMs } = this.limits;
    if (this.#end || pingIntervalMs === 0 || now - this.#lastPingAt < pingIntervalMs) return false;
    this.#lastPingAt = now;
    this.#pingSentAt ??= now;
    return true;
  }

  /** Whether nothing came from the runner for a while after what was sent to it: is that acknowledged at all? */
  isRunnerUnheard(now: number): boolean {
    return this.#unheardSince !== undefined && now - this.#unheardSince > this.limits.readTimeoutMs / 4;
  }

  /** What the system knows of the bytes that went to a runner which says nothing. */
  runnerAcknowledged(isSo: boolean, now: number): void {
    if (isSo) this.#unheardSince = undefined;
    const ms = this.limits.readTimeoutMs;
    if (this.#unheardSince !== undefined && now - this.#unheardSince > ms)
      this.finish('upstream_lost', now, { detail: `the runner acknowledged nothing for ${ms} ms` });
  }

  /** The runner's connection broke. One that was not read for long gave up on the viewer (x11vnc does after 20 s). */
  runnerReset(detail: string, now: number): void {
    const { ms, endedAt } = this.#lastPause;
    const afterPause = ms >= this.limits.writeTimeoutMs / 3 && now - endedAt <= RESET_MEMORY_MS;
    const slow = this.#viewerBlockedAt !== undefined || afterPause;
    this.finish(slow ? 'slow_viewer' : 'upstream_lost', now, { detail });
  }

  /** Ends the session for this cause unless it has one. `code`: where the close frame's is not the cause's own. */
  finish(cause: EndCause, now: number, more: { readonly detail?: string; readonly code?: number | null } = {}): void {
    if (this.#end) return;
    this.#silence(now);
    this.#end = {
      cause,
      code: more.code === undefined ? ENDS[cause].code : more.code,
      ...(more.detail !== undefined && { detail: more.detail }),
      durationMs: Math.round(now - this.#openedAt),
      bytesUp: this.#bytesUp,
      bytesDown: this.#bytesDown,
      longestSilenceMs: Math.round(this.#longestSilenceMs),
      pingP99Ms: percentile99(this.#roundTripsMs),
    };
  }

  /** The limit that is passed, if one is. A viewer that only watches, or a screen that stands still, passes none. */
  #late(now: number): { readonly cause: EndCause; readonly detail: string } | undefined {
    const { pingIntervalMs, readTimeoutMs, writeTimeoutMs, idleTimeoutMs } = this.limits;
    if (!this.#viewerOpened && isPast(this.#openedAt, OPENING_MS, now))
      return { cause: 'protocol_error', detail: `no ClientInit within ${OPENING_MS} ms` };
    if (isPast(this.#viewerBlockedAt, writeTimeoutMs, now))
      return { cause: 'slow_viewer', detail: `the viewer took nothing for ${writeTimeoutMs} ms` };
    if (isPast(this.#runnerBlockedAt, readTimeoutMs, now))
      return { cause: 'upstream_lost', detail: `the runner took nothing for ${readTimeoutMs} ms` };
    if (pingIntervalMs === 0)
      return isPast(this.#lastByteAt, idleTimeoutMs, now)
        ? { cause: 'idle', detail: `no byte for ${idleTimeoutMs} ms` }
        : undefined;
    return this.#runnerBlockedAt === undefined && isPast(this.#lastSignAt, readTimeoutMs, now)
      ? { cause: 'viewer_lost', detail: `no pong and no byte for ${readTimeoutMs} ms` }
      : undefined;
  }

  #byte(now: number): void {
    this.#silence(now);
    this.#lastByteAt = now;
  }

  #silence(now: number): void {
    this.#longestSilenceMs = Math.max(this.#longestSilenceMs, now - this.#lastByteAt);
  }
}

function isPast(since: number | undefined, ms: number, now: number): boolean {
  return since !== undefined && now - since > ms;
}

/** To hundredths; null of nothing. */
function percentile99(values: readonly number[]): number | null {
  const value = values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1];
  return value === undefined ? null : Math.round(value * 100) / 100;
}
