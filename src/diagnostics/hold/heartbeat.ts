import type { Culprit, JudgeInput, JudgedStream } from './judged.js';
import { type Measured, isMeasured } from './theories.js';

/** A gateway that pings has done so twice in so many of its intervals, and a moment. */
const INTERVALS = 2.5;
const SLACK_MS = 1_000;

/** No ping came on any stream that was held for several of the intervals that are set: who says so, and how surely. */
export function missingHeartbeat({ streams, heartbeatMs }: JudgeInput): Culprit | undefined {
  if (heartbeatMs === undefined || heartbeatMs === 0) return undefined;
  const watched = streams
    .filter(isMeasured)
    .filter((one) => one.vantage !== 'rfb' && one.readings.ageMs >= heartbeatMs * INTERVALS + SLACK_MS);
  if (watched.length === 0 || watched.some(({ readings }) => readings.serverPingsEveryMs !== null)) return undefined;
  const longest = Math.max(...watched.map(({ readings }: Measured) => readings.ageMs));
  const text = `streams: no ping of the server in ${Math.round(longest / 1_000)} s, and one is set every ${heartbeatMs / 1_000} s`;
  return {
    code: 'CF-GATEWAY-HEARTBEAT',
    confidence: watched.some(isAtGateway) ? 'proven' : 'likely',
    evidence: [{ file: 'report.json', text }],
  };
}

function isAtGateway({ vantage }: JudgedStream): boolean {
  return vantage === 'gateway';
}

/** A quiet stream was cut by a timer that the pings were meant to keep from it: the timer did what it is set to. */
export function isFor({ timer }: Culprit, { heartbeatMs = Number.POSITIVE_INFINITY }: JudgeInput): boolean {
  return timer !== undefined && timer.counted === 'wire' && timer.best.limit > heartbeatMs;
}
