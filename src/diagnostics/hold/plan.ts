import type { DialTarget } from '../probe/dial.js';
import { type Mode, type Subject, VANTAGES, type Vantage } from '../subjects/index.js';

export interface PlannedStream {
  readonly mode: Mode;
  readonly vantage: Vantage;
  readonly session: string | undefined;
  readonly target: DialTarget;
}

export interface HoldPlan {
  readonly durationMs: number;
  readonly pingEveryMs: number;
  /** After a first cut the others are watched this long: what survives where is the strongest evidence. */
  readonly afterCutMs: number;
  /** A whole picture is asked for at the end and waited for so long. */
  readonly lastPictureMs: number;
  readonly streams: readonly PlannedStream[];
}

const SHORTEST_PING_MS = 500;
const LONGEST_PING_MS = 20_000;
/** x11vnc ends 4.0 s after its X server did: watch a little longer. */
const AFTER_CUT_MS = 5_500;
/** A large picture over a slow line takes seconds: better late than a false alarm. */
const LAST_PICTURE_MS = 10_000;

/** The streams to hold at once: each subject from each vantage point that is known and, where it was probed, opened. */
export function planHold(
  subjects: readonly Subject[],
  durationMs: number,
  opened: (subject: Subject, vantage: Vantage) => boolean | undefined,
): HoldPlan {
  const streams = subjects.flatMap((subject) =>
    VANTAGES.flatMap((vantage) => {
      const target = subject.targets[vantage];
      if (!target || opened(subject, vantage) === false) return [];
      return [{ mode: subject.mode, vantage, session: subject.session, target }];
    }),
  );
  const pingEveryMs = Math.min(LONGEST_PING_MS, Math.max(SHORTEST_PING_MS, Math.round(durationMs / 10)));
  return { durationMs, pingEveryMs, afterCutMs: AFTER_CUT_MS, lastPictureMs: LAST_PICTURE_MS, streams };
}
