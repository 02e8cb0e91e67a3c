import type { HoldProgress } from '../../report/index.js';
import { type DialFacts, type DialOptions, type Stream, type StreamEnd, dial } from '../probe/index.js';
import type { HoldPlan, PlannedStream } from './plan.js';
import { CORNER, say } from './traffic.js';

/** A stream of a hold, and how it ended. */
export interface HeldStream {
  readonly planned: PlannedStream;
  readonly opening: DialFacts;
  /** When it was dialled, wall clock. */
  readonly dialledAt: number;
  /** Undefined when it did not open. */
  readonly stream: Stream | undefined;
  /** It did not open because verify was interrupted. */
  readonly isAbandoned: boolean;
  readonly end: StreamEnd | undefined;
  /** Whether a whole picture came when it was asked for at the end; undefined when it was not, or verify did not wait. */
  readonly answeredAtEnd: boolean | undefined;
  /** A dial of the same target, right after an end that was not ours or when no picture came any more. */
  readonly after: DialFacts | undefined;
}

export interface HoldResult {
  readonly streams: readonly HeldStream[];
  readonly heldMs: number;
  /** When verify began to end its streams, wall clock: what logs say behind it is its own doing. */
  readonly endedAt: number;
}

interface HoldDeps extends Omit<DialOptions, 'keepPicture' | 'timeoutMs'> {
  readonly openTimeoutMs: number;
  readonly onProgress: (progress: HoldProgress) => void;
  /** Keeps the sessions alive. */
  readonly touch: () => Promise<void>;
  readonly touchEveryMs: number;
}

type Holding = { -readonly [Key in Exclude<keyof HeldStream, 'end'>]: HeldStream[Key] };

const TICK_MS = 250;
/** A target is dialled again once, with this limit. */
const REDIAL_MS = 3_000;

/** Opens the planned streams, holds them for the duration, and notes what ends early. Memory is constant. */
export async function runHold(plan: HoldPlan, deps: HoldDeps): Promise<HoldResult> {
  const cuts: Cuts = { firstAt: undefined, lastAt: 0, redials: [] };
  const viewers = plan.streams.filter(({ traffic }) => traffic === 'viewing');
  const held = await Promise.all(viewers.map((planned) => open(planned, cuts, deps)));
  const began = performance.now();
  const over = new AbortController();
  const others = openOthers(plan, held, cuts, deps, AbortSignal.any([deps.signal, over.signal]));
  await keepUntilOver(plan, held, cuts, deps, began);
  over.abort();
  await others;
  const heldMs = Math.round(performance.now() - began);
  if (!deps.signal.aborted) await askForPictures(plan, held, cuts, deps);
  await Promise.all(cuts.redials);
  const endedAt = Date.now();
  const streams = await Promise.all(
    held.map(async (one): Promise<HeldStream> => ({ ...one, end: await one.stream?.close() })),
  );
  return { streams, heldMs, endedAt };
}

interface Cuts {
  firstAt: number | undefined;
  lastAt: number;
  readonly redials: Promise<void>[];
}

async function open(planned: PlannedStream, cuts: Cuts, deps: HoldDeps, signal = deps.signal): Promise<Holding> {
  const dialledAt = Date.now();
  const isViewing = planned.traffic === 'viewing';
  const options = { ...deps, signal, keepPicture: false, timeoutMs: deps.openTimeoutMs };
  const { facts, stream } = await dial(planned.target, isViewing ? options : { ...options, firstSide: CORNER });
  if (!isViewing) stream?.rest();
  const isAbandoned = stream === undefined && signal.aborted;
  const held = { planned, opening: facts, dialledAt, stream, isAbandoned, answeredAtEnd: undefined, after: undefined };
  watch(held, cuts, deps);
  return held;
}

function watch(held: Holding, cuts: Cuts, deps: HoldDeps): void {
  void held.stream?.ended.then((end) => {
    if (end.bySelf) return;
    cuts.lastAt = performance.now();
    cuts.firstAt ??= cuts.lastAt;
    cuts.redials.push(redial(held, deps));
  });
}

/** What is held beside the viewers, each at its time. A stream whose time has not come when the hold is over is none. */
async function openOthers(
  { streams }: HoldPlan,
  held: Holding[],
  cuts: Cuts,
  deps: HoldDeps,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    streams.map(async (planned) => {
      if (planned.traffic === 'viewing') return;
      await sleep(planned.afterMs, signal);
      const one = signal.aborted ? undefined : await open(planned, cuts, deps, signal);
      if (one && !one.isAbandoned) held.push(one);
    }),
  );
}

/** Until the duration is over; after a first cut, until the others have been watched long enough. */
async function keepUntilOver(
  plan: HoldPlan,
  held: readonly Holding[],
  cuts: Cuts,
  { signal, onProgress, touch, touchEveryMs }: HoldDeps,
  began: number,
): Promise<void> {
  let lastBeat = began;
  let lastTouch = began;
  for (;;) {
    const now = performance.now();
    onProgress(progressOf(plan, held, now - began));
    const until = endOf(plan, held, cuts, began);
    if (now >= until || signal.aborted || held.every(({ stream }) => !stream?.isOpen)) return;
    if (now - lastBeat >= plan.beatMs) {
      lastBeat = now;
      for (const { stream, planned } of held) if (stream?.isOpen) say(planned.traffic, stream);
    }
    if (now - lastTouch >= touchEveryMs) {
      lastTouch = now;
      void touch();
    }
    await sleep(Math.min(TICK_MS, Math.max(1, until - now)), signal);
  }
}

/** A search goes on while a silent stream is open: each of its cuts is wanted. */
function endOf(plan: HoldPlan, held: readonly Holding[], cuts: Cuts, began: number): number {
  const planned = began + plan.durationMs;
  if (cuts.firstAt === undefined) return planned;
  if (!plan.isSearch) return cuts.firstAt + plan.afterCutMs;
  const isLeft = held.some(({ planned: { traffic }, stream }) => traffic === 'silent' && stream?.isOpen);
  return isLeft ? planned : Math.min(planned, cuts.lastAt + Math.max(plan.afterCutMs, cuts.lastAt - began));
}

/** A socket that is open and a picture that stands still look alike: a whole picture is asked for before the end. */
async function askForPictures(
  { lastPictureMs }: HoldPlan,
  held: readonly Holding[],
  cuts: Cuts,
  deps: HoldDeps,
): Promise<void> {
  const within = AbortSignal.any([deps.signal, AbortSignal.timeout(lastPictureMs)]);
  await Promise.all(
    held.map(async (one) => {
      const { stream } = one;
      if (!stream?.isOpen) return;
      stream.requestAll(one.planned.traffic === 'viewing' ? undefined : CORNER);
      const hasCome = await stream.nextFrame(within);
      if (!stream.isOpen || (deps.signal.aborted && !hasCome)) return;
      one.answeredAtEnd = hasCome;
      if (!hasCome) cuts.redials.push(redial(one, deps));
    }),
  );
}

async function redial(one: Holding, deps: HoldDeps): Promise<void> {
  const { facts, stream } = await dial(one.planned.target, { ...deps, keepPicture: false, timeoutMs: REDIAL_MS });
  await stream?.close();
  if (stream || !deps.signal.aborted) one.after = facts;
}

function progressOf({ durationMs }: HoldPlan, held: readonly Holding[], elapsedMs: number): HoldProgress {
  const streams = held.flatMap(({ stream }) => stream ?? []);
  const sum = (of: (stream: Stream) => number): number => streams.reduce((total, stream) => total + of(stream), 0);
  return {
    elapsedMs,
    durationMs,
    open: streams.filter(({ isOpen }) => isOpen).length,
    streams: held.length,
    frames: sum(({ frames }) => frames),
    bytesIn: sum(({ bytesIn }) => bytesIn),
    longestSilenceMs: streams.reduce((most, stream) => Math.max(most, stream.silenceMs()), 0),
    reconnects: held.filter(({ after, stream }) => after?.stage === 'open' && !stream?.isOpen).length,
  };
}

function sleep(forMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, forMs);
    signal.addEventListener('abort', finish, { once: true });
  });
}
