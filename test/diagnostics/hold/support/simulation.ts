import { NAP_MS } from '../../../../src/diagnostics/hold/traffic.ts';
import { type HoldWish, type PlannedStream, planHold } from '../../../../src/diagnostics/hold/plan.ts';
import type { JudgedStream } from '../../../../src/diagnostics/hold/judged.ts';
import type { Traffic } from '../../../../src/diagnostics/hold/traffic.ts';
import { type Clock, Ledger } from '../../../../src/diagnostics/probe/ledger.ts';
import type { StreamEnd } from '../../../../src/diagnostics/probe/facts.ts';
import type { Mode, Subject, Vantage } from '../../../../src/diagnostics/subjects/index.ts';
import { held } from './scene.ts';

/** What a hop sees of a stream, and decides by. */
export interface Sight {
  readonly since: (clock: Clock) => number;
  readonly ageMs: number;
  readonly bytes: number;
  readonly nowMs: number;
  readonly planned: PlannedStream;
}

export interface World {
  /** The hop that cuts: true when it does. */
  readonly cuts: (sight: Sight) => boolean;
  /** Where its cuts are seen. */
  readonly seenAt?: readonly Vantage[];
  readonly how?: StreamEnd['how'];
  readonly code?: number;
  readonly vantages?: readonly Vantage[];
  readonly wish?: HoldWish;
  /** A server that shows what changes without being asked. */
  readonly pushes?: boolean;
  readonly serverPings?: (count: number) => number;
  readonly without?: readonly Traffic[];
  readonly modes?: readonly Mode[];
}

const STEP_MS = 25;
const STARTED_AT = Date.parse('2026-11-23T12:00:00.000Z');
const PICTURE = 300_000;
const CORNER = 16_384;
const PULLED = 65_536;
const RTT_MS = 25;

/** The streams of the plan in a world where one hop cuts: the same clocks as in a real hold, in a time of their own. */
export function simulated(world: World): JudgedStream[] {
  const { vantages = ['public'], wish = { durationMs: 10_000, findIdle: false }, modes = ['still'] } = world;
  const plan = planHold(
    modes.map((mode) => subjectOf(mode, vantages)),
    wish,
    () => undefined,
  );
  const streams = plan.streams
    .filter(({ traffic }) => !world.without?.includes(traffic))
    .map((planned) => ({ planned, life: new Life(planned, world, plan.beatMs) }));
  let firstCut: number | undefined;
  const until = (): number => (firstCut === undefined || plan.isSearch ? plan.durationMs : firstCut + plan.afterCutMs);
  for (let now = 0; now <= until(); now += STEP_MS)
    for (const { life } of streams) if (life.step(now)) firstCut ??= now;
  return streams.map(({ life, planned }) => life.judged(planned, until()));
}

function subjectOf(mode: Mode, vantages: readonly Vantage[]): Subject {
  const socket = { kind: 'socket', url: new URL('ws://h/'), origin: undefined, headers: {} } as const;
  const raw = { kind: 'rfb', host: 'h', port: 1, password: undefined } as const;
  const targets = Object.fromEntries(vantages.map((vantage) => [vantage, vantage === 'rfb' ? raw : socket]));
  return { mode, session: undefined, isTestCard: false, page: undefined, targets };
}

class Life {
  readonly #ledger: Ledger;
  #cutAt: number | undefined;
  #nextServerPing = 1;
  #lastServerPing: number;
  #naps = 0;
  #awakeAt: number;
  readonly #beat: number;

  constructor(
    readonly planned: PlannedStream,
    readonly world: World,
    beatMs: number,
  ) {
    this.#beat = beatMs;
    this.#ledger = new Ledger(planned.afterMs);
    this.#lastServerPing = planned.afterMs;
    this.#awakeAt = planned.afterMs;
  }

  /** True when it is cut now. */
  step(now: number): boolean {
    const { planned, world } = this;
    if (now < planned.afterMs || this.#cutAt !== undefined) return false;
    if (now === planned.afterMs) this.#both(planned.traffic === 'viewing' ? PICTURE : CORNER, now);
    else this.#speak(now);
    const seenAt = world.seenAt ?? ['public'];
    const { clocks, ageMs, bytes } = this.#ledger.readings(now);
    const sight = { since: (clock: Clock) => clocks[clock].runningMs, ageMs, bytes, nowMs: now, planned };
    if (!seenAt.includes(planned.vantage) || !world.cuts(sight)) return false;
    this.#cutAt = now;
    return true;
  }

  #speak(now: number): void {
    const { traffic, mode } = this.planned;
    const ledger = this.#ledger;
    const serverPingAt = this.world.serverPings && this.#lastServerPing + this.world.serverPings(this.#nextServerPing);
    if (serverPingAt !== undefined && now >= serverPingAt) {
      this.#nextServerPing += 1;
      this.#lastServerPing = now;
      ledger.serverPing(now);
      ledger.control('viewer', now);
    }
    if (this.world.pushes && now % 200 === 0) ledger.message('server', 1_000, now);
    if (traffic === 'viewing' && mode !== 'still' && now % 100 === 0) this.#both(2_000, now);
    if (now % this.#beat === RTT_MS && (traffic === 'viewing' || traffic === 'pings')) ledger.control('server', now);
    if (traffic === 'naps' && now - this.#awakeAt >= NAP_MS * 2 ** this.#naps) {
      this.#naps += 1;
      this.#awakeAt = now;
      this.#both(CORNER, now);
    }
    if (now % this.#beat !== 0) return;
    if (traffic === 'viewing' || traffic === 'pings') ledger.control('viewer', now);
    if (traffic === 'asks') ledger.message('viewer', 10, now);
    if (traffic === 'pokes') this.#both(CORNER, now);
    if (traffic === 'pulls') this.#both(PULLED, now);
  }

  #both(bytes: number, now: number): void {
    this.#ledger.message('viewer', 10, now);
    this.#ledger.message('server', bytes, now);
  }

  judged({ vantage, mode, traffic }: PlannedStream, until: number): JudgedStream {
    const endedAt = this.#cutAt ?? until;
    const readings = this.#ledger.readings(endedAt);
    const { how = 'fin', code = null } = this.world;
    const own = { how: 'close_frame', code: 1000, bySelf: true } as const;
    const end: StreamEnd = {
      reason: '',
      atMs: readings.ageMs,
      at: STARTED_AT + endedAt,
      ...(this.#cutAt === undefined ? own : { how, code, bySelf: false }),
    };
    const isCut = this.#cutAt !== undefined;
    return held(vantage, {
      mode,
      traffic,
      session: undefined,
      end,
      readings,
      answeredAtEnd: isCut ? undefined : true,
      after: isCut ? { stage: 'open' } : undefined,
    });
  }
}
