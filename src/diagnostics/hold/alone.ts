import { STAGES } from '../probe/facts.js';
import type { Culprit, Cut, JudgeInput, JudgedStream } from './judged.js';

/** A viewer that comes, and one that goes for it, lie so close together: the newcomer still asks for its first picture. */
const SAME_CHANGE_MS = 1_000;
const OWN_CODES = 1011;
/** The runner closed the stream, or was lost. */
const OF_RUNNER: ReadonlySet<number> = new Set([4502, 4504]);
/** Streams of a hold are opened within so long of each other. */
const OPENING_MS = 4_000;

/** Streams ended as others came, of which one lived or some were turned away, and a new one opens again: one viewer is kept alone. */
export function outgrown(cuts: readonly Cut[], { streams, turnedAway = 0 }: JudgeInput): Culprit | undefined {
  const { session } = cuts[0]!;
  const own = streams.filter((one) => one.session === session);
  const lived = own.filter(({ end }) => end?.bySelf === true);
  const [first] = cuts.toSorted((a, b) => a.end.at - b.end.at);
  const began = Math.min(...own.map(openedAt).filter((at) => !Number.isNaN(at)));
  const areEarly = cuts.every(({ end }) => end.at - began <= OPENING_MS); // later ones have another reason
  if (!first || lived.length > 1 || !areEarly || cuts.some(tellsAnother)) return undefined;
  if (!cuts.some(({ after }) => after?.stage === 'open')) return undefined;
  const isReplaced = lived.some((one) => isNear(openedAt(one), first.end.at));
  if (!isReplaced && turnedAway === 0 && !own.some(isTurnedAway)) return undefined;
  const text = `streams: of ${own.length} at once ${lived.length === 0 ? 'none' : 'one'} lived, the first ended as another came, and a dial afterwards opens`;
  return { code: 'CF-RUNNER-SHARED', confidence: 'likely', evidence: [{ file: 'report.json', text }] };
}

/** It did not open beside another stream of its session that did; alone it opens, for the probes saw a picture there. */
export function besideAnother(stream: JudgedStream, streams: readonly JudgedStream[]): Culprit | undefined {
  const { stop, stage } = stream.opening;
  const isRelayed = STAGES.indexOf(stage) >= STAGES.indexOf('greeting');
  if (!isRelayed || (stop !== 'ended' && stop !== 'silence')) return undefined;
  const other = streams.find((one) => one !== stream && one.session === stream.session && one.end !== undefined);
  if (!other) return undefined;
  const text = `streams: it did not open beside the stream at ${other.vantage}, which was open; alone it had opened`;
  return { code: 'CF-RUNNER-SHARED', confidence: 'likely', evidence: [{ file: 'report.json', text }] };
}

/** Close codes of our gateway that say nothing of the runner: it decided by itself. */
function tellsAnother({ end: { code } }: Cut): boolean {
  return (code ?? 0) > OWN_CODES && !OF_RUNNER.has(code ?? 0);
}

function isTurnedAway({ end, opening }: JudgedStream): boolean {
  return end === undefined && opening.stop === 'ended';
}

function openedAt({ end }: JudgedStream): number {
  return end ? end.at - end.atMs : Number.NaN;
}

function isNear(one: number, other: number): boolean {
  return Math.abs(one - other) <= SAME_CHANGE_MS;
}
