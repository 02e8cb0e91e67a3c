import type { JudgedStream } from './judged.js';
import { type Measured, hasLived, isCut, isMeasured } from './theories.js';

/** Streams of one vantage point that an event ended together, whatever they carried and however old they were. */
export interface Generation {
  readonly ended: number;
  /** Streams that were opened later, were open at that moment, and lived on: whoever let go was being replaced. */
  readonly youngerLived: number;
}

/** Sockets of one process end within so long of each other. */
const TOGETHER_MS = 1_000;
/** Two may be chance. */
const LEAST = 3;

/**
 * What ends when a process in front is replaced while its successor already serves: every stream that is older than the
 * change, at one moment, and none that is younger. Undefined where age, traffic or survivors speak against it.
 */
export function generationOf(streams: readonly JudgedStream[]): Generation | undefined {
  const measured = streams.filter(isMeasured);
  const cuts = measured.filter(isCut);
  if (cuts.length < LEAST || new Set(cuts.map(({ traffic }) => traffic)).size < 2) return undefined;
  const ends = cuts.map(({ end }) => end.at);
  const last = Math.max(...ends);
  if (last - Math.min(...ends) > TOGETHER_MS) return undefined;
  if (cuts.some(({ after }) => after?.stage !== 'open')) return undefined;
  const youngest = Math.max(...cuts.map(bornAt));
  const through = measured.filter((stream) => hasLived(stream) && bornAt(stream) < last);
  if (through.some((stream) => bornAt(stream) <= youngest)) return undefined;
  const ages = cuts.map(({ readings }) => readings.ageMs);
  const areApart = Math.max(...ages) - Math.min(...ages) > TOGETHER_MS;
  // A limit of age would have struck a younger one that grew older than the first to be cut.
  const youngerLived = through.filter(({ readings }) => readings.ageMs > Math.min(...ages) + TOGETHER_MS).length;
  return areApart || youngerLived > 0 ? { ended: cuts.length, youngerLived } : undefined;
}

function bornAt({ end, readings }: Measured): number {
  return (end?.at ?? 0) - readings.ageMs;
}
