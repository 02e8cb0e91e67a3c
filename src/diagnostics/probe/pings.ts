import { createHistogram } from 'node:perf_hooks';

/** A peer that does not answer so many is asked no more. */
const MAX_WAITING = 64;
/** Round trips are told apart to about 1 % up to so long: memory is constant, 30 KB. */
const RTT_RANGE = { lowest: 1, highest: 600_000_000, figures: 2 } as const;
const MICROSECONDS = 1_000;

/** WebSocket pings of one stream and their round-trip times. Pure: the clock is passed in, milliseconds that never jump. */
export class Pings {
  #sent = 0;
  #answered = 0;
  readonly #waiting: { readonly payload: string; readonly atMs: number }[] = [];
  readonly #rtt = createHistogram(RTT_RANGE);

  get sent(): number {
    return this.#sent;
  }

  get answered(): number {
    return this.#answered;
  }

  /** How many have not been answered. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** How long the oldest of them has waited, where there are several: one may be on its way. */
  waitedMs(nowMs: number): number {
    const [oldest, next] = this.#waiting;
    return oldest && next ? nowMs - oldest.atMs : 0;
  }

  /** The payload of the next ping; undefined when too many wait for an answer. */
  next(nowMs: number): Buffer | undefined {
    if (this.#waiting.length >= MAX_WAITING) return undefined;
    this.#sent += 1;
    const payload = String(this.#sent);
    this.#waiting.push({ payload, atMs: nowMs });
    return Buffer.from(payload);
  }

  /** A pong answers its ping and all before it: a peer may leave those out (RFC 6455 section 5.5.3). Strange ones are nothing. */
  pong(payload: Buffer, nowMs: number): void {
    const text = payload.toString('latin1');
    const index = this.#waiting.findIndex((ping) => ping.payload === text);
    for (const { atMs } of this.#waiting.splice(0, index + 1)) {
      this.#answered += 1;
      this.#rtt.record(Math.min(RTT_RANGE.highest, Math.max(1, Math.round((nowMs - atMs) * MICROSECONDS))));
    }
  }

  /** A percentile of the round trips in milliseconds, to a hundredth; null before the first answer. */
  rttMs(percentile: number): number | null {
    return this.#rtt.count === 0 ? null : Math.round(this.#rtt.percentile(percentile) / 10) / 100;
  }
}
