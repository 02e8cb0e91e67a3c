import type { ClockReport } from '../report/index.js';

/** One event that a source and we both saw. */
export interface Sighting {
  readonly theirsMs: number;
  readonly oursMs: number;
}

/** A time without fractions may be off by so much. */
const MIN_UNCERTAINTY_MS = 1;
/** Time zones differ by quarters of an hour. */
const ZONE_STEP_MS = 900_000;
/** An end is seen on both sides of a proxy within this, and its log may have whole seconds. */
const ZONE_SLACK_MS = 2_000;
/** What the scheduling of a busy host explains is no other clock. */
const SAME_CLOCK_MS = 250;

/** By how much the clock of a source is ahead of ours; undefined when nothing was seen by both. */
export function estimateClock(source: string, sightings: readonly Sighting[]): ClockReport | undefined {
  const ahead = sightings.map(({ theirsMs, oursMs }) => theirsMs - oursMs).filter((ms) => !Number.isNaN(ms));
  const sorted = ahead.toSorted((a, b) => a - b);
  const middle = sorted[sorted.length >> 1];
  if (middle === undefined) return undefined;
  const spread = (sorted.at(-1)! - sorted[0]!) / 2;
  return {
    source,
    aheadMs: Math.round(middle),
    uncertaintyMs: Math.max(MIN_UNCERTAINTY_MS, Math.ceil(spread)),
    events: sorted.length,
  };
}

/**
 * The same for a log whose times have no zone, and whose lines may or may not be of our own events: whole quarters of an
 * hour that most of the pairs agree on.
 */
export function estimateZone(source: string, pairs: readonly Sighting[]): ClockReport | undefined {
  const votes = pairs.flatMap(({ theirsMs, oursMs }) => {
    const ahead = theirsMs - oursMs;
    const zone = Math.round(ahead / ZONE_STEP_MS) * ZONE_STEP_MS;
    return Math.abs(ahead - zone) <= ZONE_SLACK_MS ? [zone] : [];
  });
  const counted = [...Map.groupBy(votes, (zone) => zone)].toSorted(
    ([zoneA, a], [zoneB, b]) => b.length - a.length || Math.abs(zoneA) - Math.abs(zoneB),
  );
  const [winner] = counted;
  return winner && { source, aheadMs: winner[0] + 0, uncertaintyMs: ZONE_SLACK_MS, events: winner[1].length };
}

/** A time of a source on our clock; as it is where the clocks are the same, or not compared. */
export function onOurClock(theirsMs: number, clock: ClockReport | undefined): number {
  return clock && isOther(clock) ? theirsMs - clock.aheadMs : theirsMs;
}

/** It differs by more than the estimate, and by more than a busy host explains. */
export function isOther({ aheadMs, uncertaintyMs }: ClockReport): boolean {
  return Math.abs(aheadMs) > Math.max(SAME_CLOCK_MS, uncertaintyMs);
}
