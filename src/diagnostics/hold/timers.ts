import { formatMs } from '../../report/index.js';
import type { JudgedStream } from './judged.js';
import {
  type Hypothesis,
  type Measured,
  type MeasuredCut,
  type TheoryName,
  hasLived,
  isCut,
  isMeasured,
  weighed,
} from './theories.js';

/** What counts: bytes as they pass, which any hop can; messages, which only who speaks WebSocket can; age; an amount. */
export type Counted = 'wire' | 'messages' | 'lifetime' | 'bytes' | 'event';

const COUNTED: Readonly<Record<TheoryName, Counted>> = {
  anyByte: 'wire',
  viewerBytes: 'wire',
  serverBytes: 'wire',
  anyMessage: 'messages',
  viewerMessages: 'messages',
  serverMessages: 'messages',
  lifetime: 'lifetime',
  bytes: 'bytes',
  event: 'event',
};

/** What cut the streams of one vantage point: the theory that nothing speaks against, and the others. */
export interface Timer {
  readonly best: Hypothesis;
  readonly counted: Counted;
  /** All that nothing speaks against, the best first. */
  readonly standing: readonly Hypothesis[];
  /** Two cuts or more agree, of streams that were opened at different times or differ in traffic, and no theory of another kind stands. */
  readonly isSure: boolean;
  /** The server's own pings come about as often as the timer runs out. */
  readonly isRace: boolean;
  /** How often the server pings, where it does. */
  readonly serverPingsEveryMs: number | null;
  /** What the next run should add; undefined when nothing is left to tell apart. */
  readonly settle: string | undefined;
}

/** A ping that comes about when the timer runs out is sometimes in time. */
const RACE = { least: 0.6, most: 1.4 } as const;
/** Cuts of streams that were opened together may be one accident. */
const OPENED_APART_MS = 1_000;

/** Undefined when no theory stands: chance, or a cause that no clock explains. */
export function timerOf(streams: readonly JudgedStream[]): Timer | undefined {
  const measured = streams.filter(isMeasured);
  const standing = weighed(measured).filter(({ speaksAgainst }) => speaksAgainst.length === 0);
  const [best] = standing;
  if (!best) return undefined;
  const cuts = measured.filter(isCut);
  const counted = COUNTED[best.theory];
  const isAlone = standing.every(({ theory }) => COUNTED[theory] === counted);
  // A server pings all its viewers alike; the cut ones may not have lived to see two.
  const every = Math.max(0, ...measured.map(({ readings }) => readings.serverPingsEveryMs ?? 0));
  return {
    best,
    counted,
    standing,
    isSure: isAlone && areSeveral(cuts),
    isRace: counted === 'wire' && every >= best.limit * RACE.least && every <= best.limit * RACE.most,
    serverPingsEveryMs: every || null,
    settle: settleOf(standing, isAlone, cuts, measured),
  };
}

function areSeveral(cuts: readonly MeasuredCut[]): boolean {
  if (cuts.length < 2) return false;
  const opened = cuts.map(({ end, readings }) => end.at - readings.ageMs);
  const isApart = Math.max(...opened) - Math.min(...opened) > OPENED_APART_MS;
  return isApart || new Set(cuts.map(({ traffic }) => traffic)).size > 1;
}

function settleOf(
  standing: readonly Hypothesis[],
  isAlone: boolean,
  cuts: readonly MeasuredCut[],
  streams: readonly Measured[],
): string | undefined {
  const parts: string[] = [];
  if (!isAlone) {
    const others = standing.slice(1).map(({ what }) => what);
    parts.push(`it may as well be ${others.join('; or ')}`);
    const lived = new Set(streams.filter(hasLived).map(({ traffic }) => traffic));
    const missing = (['pings', 'asks', 'pulls'] as const).filter((traffic) => !lived.has(traffic));
    if (missing.length > 0)
      parts.push(`missing: a stream that ${missing.map((one) => MISSING[one]).join(', and one that ')}`);
  }
  if (!areSeveral(cuts))
    parts.push(`only one cut was seen: --duration of ${formatMs(longerThan(cuts))} would see a second`);
  return parts.length > 0 ? parts.join('; ') : undefined;
}

const MISSING = {
  pings: 'pings and lives on',
  asks: 'sends messages and lives on',
  pulls: 'carries much and lives on',
} as const;

/** Twice the longest life of a stream that was cut. */
function longerThan(cuts: readonly Measured[]): number {
  return Math.ceil(Math.max(0, ...cuts.map(({ readings }) => readings.ageMs)) / 1_000) * 2_000;
}
