import type { DialTarget } from '../probe/dial.js';
import { type Mode, type Subject, VANTAGES, type Vantage } from '../subjects/index.js';
import { NAP_MS, type Traffic } from './traffic.js';

export interface PlannedStream {
  readonly mode: Mode;
  readonly vantage: Vantage;
  readonly session: string | undefined;
  readonly target: DialTarget;
  readonly traffic: Traffic;
  /** It is opened so long after the hold began: its own age, and the time of day, are then two things. */
  readonly afterMs: number;
}

export interface HoldPlan {
  readonly durationMs: number;
  /** Each stream says its own so often. */
  readonly beatMs: number;
  /** After a first cut the others are watched this long: what survives where is the strongest evidence. */
  readonly afterCutMs: number;
  /** The cut of every hop is wanted: the whole duration is held, unless nothing is left to be cut. */
  readonly isSearch: boolean;
  /** A whole picture is asked for at the end and waited for so long. */
  readonly lastPictureMs: number;
  readonly streams: readonly PlannedStream[];
}

export interface HoldWish {
  readonly durationMs: number;
  /** Measure when each hop cuts, with every kind of traffic. */
  readonly findIdle: boolean;
  /** Each connection takes the server seconds, or the line carries little: viewers alone are held. */
  readonly isSlow?: boolean;
}

const SHORTEST_BEAT_MS = 500;
/** A third of the shortest timer that is met in the field, or less. */
const LONGEST_BEAT_MS = 2_000;
/** In a shorter hold no timer can be told from another. */
const SHORTEST_STUDY_MS = 5_000;
/** Late streams open at a quarter of the hold; never so late that the watch after a first cut misses their own. */
const LATEST_MS = 4_000;
/** x11vnc ends 4.0 s after its X server did: watch a little longer. */
const AFTER_CUT_MS = 5_500;
/** A large picture over a slow line takes seconds: better late than a false alarm. */
const LAST_PICTURE_MS = 10_000;

/**
 * The streams to hold at once: each subject as a viewer watches it, from each vantage point that is known and, where it
 * was probed, opened; beside them, of one session, what tells the kinds of timer apart.
 */
export function planHold(
  subjects: readonly Subject[],
  { durationMs, findIdle, isSlow = false }: HoldWish,
  opened: (subject: Subject, vantage: Vantage) => boolean | undefined,
): HoldPlan {
  const views = subjects.flatMap((subject) => viewsOf(subject, opened));
  const beatMs = Math.min(LONGEST_BEAT_MS, Math.max(SHORTEST_BEAT_MS, Math.round(durationMs / 10)));
  const isStudy = findIdle || (durationMs >= SHORTEST_STUDY_MS && !isSlow);
  const lateMs = Math.min(LATEST_MS, Math.round(durationMs / 4));
  return {
    durationMs,
    beatMs,
    afterCutMs: AFTER_CUT_MS,
    isSearch: findIdle,
    lastPictureMs: LAST_PICTURE_MS,
    streams: isStudy ? [...views, ...studied(views, lateMs, { findIdle, durationMs })] : views,
  };
}

function viewsOf(
  subject: Subject,
  opened: (subject: Subject, vantage: Vantage) => boolean | undefined,
): PlannedStream[] {
  return VANTAGES.flatMap((vantage): PlannedStream[] => {
    const target = subject.targets[vantage];
    if (!target || opened(subject, vantage) === false) return [];
    return [{ mode: subject.mode, vantage, session: subject.session, target, traffic: 'viewing', afterMs: 0 }];
  });
}

/**
 * At the outermost vantage point of the first session every kind of traffic, and two of them once more, later; further
 * in a silent one, which acquits who carries it, or in a search all of them.
 */
function studied(views: readonly PlannedStream[], lateMs: number, { findIdle, durationMs }: HoldWish): PlannedStream[] {
  const [front] = views;
  if (!front) return [];
  const own = views.filter(({ mode, session }) => mode === front.mode && session === front.session);
  return own.flatMap((view) => {
    const like = (traffic: Traffic, afterMs = 0): PlannedStream => ({ ...view, traffic, afterMs });
    // Nobody can ping on the bare socket.
    const pings = view.target.kind === 'socket' ? [like('pings')] : [];
    const all = [like('silent'), ...pings, like('asks'), like('pokes'), like('pulls')];
    // A search waits for every cut anyway; a short hold ends, and asks, before a nap would.
    const naps = !findIdle && durationMs >= 2 * NAP_MS ? [like('naps')] : [];
    if (view === front) return [...all, ...naps, like('silent', lateMs), like('pulls', lateMs)];
    return findIdle ? all : [like('silent')];
  });
}
