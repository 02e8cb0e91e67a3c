import { formatMs } from '../../report/index.js';
import type { Culprit, JudgedStream } from './judged.js';
import { type Measured, hasLived, isMeasured } from './theories.js';

/** A silence that any way bears. */
const LEAST_MS = 1_000;

export interface Forgotten {
  readonly streams: readonly JudgedStream[];
  readonly culprit: Culprit;
  readonly saw: string;
}

/**
 * Streams that nobody ended, and that were dead when they spoke again after a silence, while others of the same vantage
 * point that were never so long silent live: the way between has forgotten them. No proxy does that: it ends both sides.
 */
export function forgottenAmong(streams: readonly JudgedStream[]): Forgotten | undefined {
  const measured = streams.filter(isMeasured);
  const dead = measured.filter((stream) => diedAtWord(stream) && !isRefuted(stream, measured));
  const [first] = dead;
  if (!first) return undefined;
  const shortest = Math.min(...dead.map(silenceOf));
  const borne = Math.max(...measured.filter((one) => one.vantage === first.vantage && hasLived(one)).map(silenceOf));
  const how = first.end?.how === 'rst' ? 'answered by RST' : 'not answered';
  return {
    streams: dead,
    culprit: {
      code: 'CF-NETWORK-FORGOTTEN',
      confidence: dead.length > 1 ? 'likely' : 'possible',
      settle: '--find-idle with a longer --duration, and packets captured on both sides of a router, NAT or virtual IP',
    },
    saw: `the first word after ${formatMs(shortest)} of silence was ${how}, though nobody had ended the stream; silences of ${formatMs(borne)} were borne`,
  };
}

/** The longest time without a byte, either way. */
function silenceOf({ readings }: Measured): number {
  const { runningMs, longestMs } = readings.clocks.anyByte;
  return Math.max(runningMs, longestMs);
}

/** It had been silent; this side spoke; nothing ever came back. */
function diedAtWord(stream: Measured): boolean {
  const { end, answeredAtEnd, readings } = stream;
  const isDead = answeredAtEnd === false || (end?.bySelf === false && (end.how === 'rst' || end.how === 'timeout'));
  const { anyByte, viewerBytes, serverBytes } = readings.clocks;
  const hasSpoken = serverBytes.runningMs >= viewerBytes.runningMs + anyByte.longestMs - LEAST_MS / 2;
  return isDead && anyByte.longestMs >= LEAST_MS && hasSpoken;
}

/** Nobody lives beside it, or one lives that was silent for as long. */
function isRefuted(dead: Measured, all: readonly Measured[]): boolean {
  const beside = all.filter((one) => one.vantage === dead.vantage && one.session === dead.session && hasLived(one));
  return beside.length === 0 || beside.some((one) => silenceOf(one) >= dead.readings.clocks.anyByte.longestMs);
}
