import { count, formatBytes, formatMs } from '../../report/index.js';
import { CLOCKS, type Clock } from '../probe/ledger.js';
import type { Cut, JudgedStream } from './judged.js';

/** What may cut streams by itself: a clock that runs out, an age, a number of bytes, an event that hits all at once. */
export const THEORIES = [...CLOCKS, 'lifetime', 'bytes', 'event'] as const;
export type TheoryName = (typeof THEORIES)[number];

/** A theory held against streams: each line for or against it names the stream that says so. */
export interface Hypothesis {
  readonly theory: TheoryName;
  /** In words, with its limit. */
  readonly what: string;
  /** Milliseconds, or bytes. */
  readonly limit: number;
  readonly speaksFor: readonly string[];
  readonly speaksAgainst: readonly string[];
}

export type Measured = JudgedStream & { readonly readings: NonNullable<JudgedStream['readings']> };
export type MeasuredCut = Measured & Pick<Cut, 'end'>;

interface Theory {
  /** In words, with its limit. */
  readonly says: (limit: number) => string;
  /** What the limit is compared with, at the end of a stream. */
  readonly atEnd: (stream: Measured & Pick<Cut, 'end'>) => number;
  /** The most that a stream has outlived. */
  readonly outlived: (stream: Measured) => number;
  /** Readings of one limit differ by so much. */
  readonly tolerance: (limit: number) => number;
  readonly format: (value: number) => string;
  /** Below it the theory would call anything a limit. */
  readonly least: number;
}

/** Timers are late, and so is who watches them: half a second, and 2 %, at most 2 s. */
const ofTime = (ms: number): number => Math.min(2_000, 500 + ms / 50);
/** What lies in buffers of the way has been counted by one and not by the other. */
const ofBytes = (bytes: number): number => Math.max(65_536, bytes / 20);
/** Nobody gives up a quiet viewer so soon; a busy stream that is cut has been quiet for less. */
const LEAST_MS = 1_000;
const LEAST_BYTES = 100_000;

const COUNTS: Readonly<Record<Clock, string>> = {
  anyByte: 'a byte of any kind, either way',
  viewerBytes: 'a byte of the viewer',
  serverBytes: 'a byte of the server',
  anyMessage: 'a message either way, and pings are none',
  viewerMessages: 'a message of the viewer, and pings are none',
  serverMessages: 'a message of the server, and pongs are none',
};

function clock(name: Clock): Theory {
  return {
    says: (limit) => `a timer of ${formatMs(limit)} that only ${COUNTS[name]}, starts anew`,
    atEnd: ({ readings }) => readings.clocks[name].runningMs,
    outlived: (stream) => {
      const { runningMs, longestMs } = stream.readings.clocks[name];
      return hasLived(stream) ? Math.max(runningMs, longestMs) : longestMs;
    },
    tolerance: ofTime,
    format: formatMs,
    least: LEAST_MS,
  };
}

const CATALOGUE: Readonly<Record<Exclude<TheoryName, 'event'>, Theory>> = {
  anyByte: clock('anyByte'),
  viewerBytes: clock('viewerBytes'),
  serverBytes: clock('serverBytes'),
  anyMessage: clock('anyMessage'),
  viewerMessages: clock('viewerMessages'),
  serverMessages: clock('serverMessages'),
  lifetime: {
    says: (limit) => `a lifetime of ${formatMs(limit)}, whatever goes by`,
    atEnd: ({ readings }) => readings.ageMs,
    outlived: (stream) => (hasLived(stream) ? stream.readings.ageMs : 0),
    tolerance: ofTime,
    format: formatMs,
    least: LEAST_MS,
  },
  bytes: {
    says: (limit) => `a limit of ${formatBytes(Math.round(limit))}`,
    atEnd: ({ readings }) => readings.bytes,
    outlived: (stream) => (hasLived(stream) ? stream.readings.bytes : 0),
    tolerance: ofBytes,
    format: (value) => formatBytes(Math.round(value)),
    least: LEAST_BYTES,
  },
};

/** Every theory against the streams of one vantage point, of which some were cut. */
export function weighed(streams: readonly Measured[]): readonly Hypothesis[] {
  const cuts = streams.filter(isCut);
  if (cuts.length === 0) return [];
  return THEORIES.map((name) => (name === 'event' ? eventOf(cuts, streams) : weigh(name, cuts, streams)));
}

function weigh(name: Exclude<TheoryName, 'event'>, cuts: readonly MeasuredCut[], streams: readonly Measured[]) {
  const theory = CATALOGUE[name];
  const { format, least } = theory;
  const limit = median(cuts.map(theory.atEnd));
  const tolerance = theory.tolerance(limit);
  const [agree, differ] = parted(cuts, (cut) => Math.abs(theory.atEnd(cut) - limit) <= tolerance);
  // A limit of bytes is met at the latest by the last of them: whoever has carried more has not met it.
  const most = name === 'bytes' ? limit : limit + tolerance;
  const beyond = streams.filter((stream) => theory.outlived(stream) > most);
  const within = streams.filter((stream) => hasLived(stream) && theory.outlived(stream) < limit - tolerance);
  return {
    theory: name,
    what: theory.says(limit),
    limit,
    speaksFor: [
      ...agree.map((cut) => `${nameOf(cut)} was cut at ${format(theory.atEnd(cut))}`),
      ...within.map((stream) => `${nameOf(stream)} lived, and came to ${format(theory.outlived(stream))} at most`),
    ],
    speaksAgainst: [
      ...(limit < least ? [`${format(limit)} is too little for such a limit`] : []),
      ...differ.map((cut) => `${nameOf(cut)} was cut at ${format(theory.atEnd(cut))}`),
      ...beyond.map((stream) => `${nameOf(stream)} outlived ${format(theory.outlived(stream))}`),
    ],
  };
}

/** Two cuts at one moment, of streams of different age: what happened is no clock of theirs. */
function eventOf(cuts: readonly MeasuredCut[], streams: readonly Measured[]): Hypothesis {
  const times = cuts.map(({ end }) => end.at);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const ages = cuts.map(({ readings }) => readings.ageMs);
  const isOne = last - first <= ofTime(0);
  const areApart = Math.max(...ages) - Math.min(...ages) > ofTime(0);
  const through = streams.filter((stream) => wasOpenThrough(stream, first, last));
  return {
    theory: 'event',
    what: 'an event that ended every stream at once',
    limit: 0,
    speaksFor:
      isOne && areApart ? [`${count(cuts.length, 'stream')} of different age ended within ${last - first} ms`] : [],
    speaksAgainst: [
      ...(isOne ? [] : [`the cuts lie ${formatMs(last - first)} apart`]),
      ...(areApart ? [] : ['no two streams of different age ended together']),
      ...through.map((stream) => `${nameOf(stream)} was open then, and lived`),
    ],
  };
}

function wasOpenThrough(stream: Measured, first: number, last: number): boolean {
  if (!stream.end || !hasLived(stream)) return false;
  return stream.end.at - stream.readings.ageMs < first && stream.end.at > last;
}

/** It was open, so its clocks are known. */
export function isMeasured(stream: JudgedStream): stream is Measured {
  return stream.readings !== undefined && stream.end !== undefined;
}

/** Somebody else ended it. */
export function isCut(stream: Measured): stream is MeasuredCut {
  return stream.end !== undefined && !stream.end.bySelf;
}

/** Verify ended it, and it answered until then. */
export function hasLived({ end, answeredAtEnd }: JudgedStream): boolean {
  return end?.bySelf === true && answeredAtEnd !== false;
}

/** What a stream outlived of what a theory counts. */
export function outlivedOf(theory: TheoryName, stream: Measured): number {
  return theory === 'event' ? 0 : CATALOGUE[theory].outlived(stream);
}

/** Beyond it a limit would have struck. */
export function beyondLimit({ theory, limit }: Hypothesis): number {
  return theory === 'event' ? Number.POSITIVE_INFINITY : limit + CATALOGUE[theory].tolerance(limit);
}

function nameOf({ traffic, mode }: JudgedStream): string {
  return traffic === 'viewing' ? `the ${mode} stream` : `the stream ${WORDS[traffic]}`;
}

const WORDS: Readonly<Record<Exclude<JudgedStream['traffic'], 'viewing'>, string>> = {
  silent: 'that says nothing',
  pings: 'that only pings',
  asks: 'that asks without an answer',
  pokes: 'that asks for little',
  pulls: 'that asks for much',
  naps: 'that is silent for ever longer',
};

function parted<T>(all: readonly T[], is: (one: T) => boolean): readonly [T[], T[]] {
  return [all.filter((one) => is(one)), all.filter((one) => !is(one))];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
