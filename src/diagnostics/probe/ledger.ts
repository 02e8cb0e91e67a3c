/** What a clock of a hop may count, and what starts it anew. Who counts bytes cannot tell a ping from a message. */
export const CLOCKS = [
  'anyByte',
  'viewerBytes',
  'serverBytes',
  /** Messages that carry RFB, in either direction: pings and pongs are none. */
  'anyMessage',
  'viewerMessages',
  'serverMessages',
] as const;
export type Clock = (typeof CLOCKS)[number];

/** A clock of one stream: what it shows, and the most it had shown when something started it anew. */
export interface Reading {
  readonly runningMs: number;
  readonly longestMs: number;
}

/** All that a timer could have counted of one stream. */
export interface Readings {
  readonly clocks: Readonly<Record<Clock, Reading>>;
  readonly ageMs: number;
  /** Bytes of RFB, both directions. */
  readonly bytes: number;
  /** How often the server pings; null before its second ping. */
  readonly serverPingsEveryMs: number | null;
}

type Side = 'viewer' | 'server';

const STARTS_ANEW: Readonly<Record<Clock, (side: Side, isMessage: boolean) => boolean>> = {
  anyByte: () => true,
  viewerBytes: (side) => side === 'viewer',
  serverBytes: (side) => side === 'server',
  anyMessage: (_side, isMessage) => isMessage,
  viewerMessages: (side, isMessage) => isMessage && side === 'viewer',
  serverMessages: (side, isMessage) => isMessage && side === 'server',
};

/** Keeps the clocks of one stream, in constant memory. Pure: the time is passed in, milliseconds that never jump. */
export class Ledger {
  readonly #beganMs: number;
  readonly #clocks: Record<Clock, { sinceMs: number; longestMs: number }>;
  #bytes = 0;
  #serverPings = { count: 0, firstMs: 0, lastMs: 0 };

  constructor(nowMs: number) {
    const clock = () => ({ sinceMs: nowMs, longestMs: 0 });
    this.#beganMs = nowMs;
    this.#clocks = {
      anyByte: clock(),
      viewerBytes: clock(),
      serverBytes: clock(),
      anyMessage: clock(),
      viewerMessages: clock(),
      serverMessages: clock(),
    };
  }

  /** RFB went by. */
  message(side: Side, bytes: number, nowMs: number): void {
    this.#bytes += bytes;
    this.#startAnew(side, true, nowMs);
  }

  /** A ping or a pong went by. */
  control(side: Side, nowMs: number): void {
    this.#startAnew(side, false, nowMs);
  }

  /** The server asked whether the viewer is there. */
  serverPing(nowMs: number): void {
    const { count, firstMs } = this.#serverPings;
    this.#serverPings = { count: count + 1, firstMs: count === 0 ? nowMs : firstMs, lastMs: nowMs };
    this.control('server', nowMs);
  }

  readings(nowMs: number): Readings {
    const { count, firstMs, lastMs } = this.#serverPings;
    const read = (clock: Clock): Reading => {
      const { sinceMs, longestMs } = this.#clocks[clock];
      return { runningMs: nowMs - sinceMs, longestMs };
    };
    return {
      clocks: {
        anyByte: read('anyByte'),
        viewerBytes: read('viewerBytes'),
        serverBytes: read('serverBytes'),
        anyMessage: read('anyMessage'),
        viewerMessages: read('viewerMessages'),
        serverMessages: read('serverMessages'),
      },
      ageMs: nowMs - this.#beganMs,
      bytes: this.#bytes,
      serverPingsEveryMs: count < 2 ? null : (lastMs - firstMs) / (count - 1),
    };
  }

  #startAnew(side: Side, isMessage: boolean, nowMs: number): void {
    for (const name of CLOCKS) {
      const clock = this.#clocks[name];
      if (!STARTS_ANEW[name](side, isMessage)) continue;
      clock.longestMs = Math.max(clock.longestMs, nowMs - clock.sinceMs);
      clock.sinceMs = nowMs;
    }
  }
}
