import type { HoldProgress } from '../../report/index.js';
import { type DialFacts, type DialOptions, type Stream, type StreamEnd, dial } from '../probe/index.js';
import type { HoldPlan, PlannedStream } from './plan.js';

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
  const held = await Promise.all(plan.streams.map((planned) => open(planned, deps)));
  const began = performance.now();
  const cuts = watchCuts(held, deps);
  await keepUntilOver(plan, held, cuts, deps, began);
  const heldMs = Math.round(performance.now() - began);
  if (!deps.signal.aborted) await askForPictures(plan, held, cuts, deps);
  await Promise.all(cuts.redials);
  const endedAt = Date.now();
  const streams = await Promise.all(
    held.map(async (one): Promise<HeldStream> => ({ ...one, end: await one.stream?.close() })),
  );
  return { streams, heldMs, endedAt };
}

async function open(planned: PlannedStream, { openTimeoutMs, ...options }: HoldDeps): Promise<Holding> {
  const dialledAt = Date.now();
  const { facts, stream } = await dial(planned.target, { ...options, keepPicture: false, timeoutMs: openTimeoutMs });
  const isAbandoned = stream === undefined && options.signal.aborted;
  return { planned, opening: facts, dialledAt, stream, isAbandoned, answeredAtEnd: undefined, after: undefined };
}

interface Cuts {
  firstAt: number | undefined;
  readonly redials: Promise<void>[];
}

function watchCuts(held: readonly Holding[], deps: HoldDeps): Cuts {
  const cuts: Cuts = { firstAt: undefined, redials: [] };
  for (const one of held) {
    void one.stream?.ended.then((end) => {
      if (end.bySelf) return;
      cuts.firstAt ??= performance.now();
      cuts.redials.push(redial(one, deps));
    });
  }
  return cuts;
}

/** Until the duration is over; after a first cut, until the others have been watched long enough. */
async function keepUntilOver(
  plan: HoldPlan,
  held: readonly Holding[],
  cuts: Cuts,
  { signal, onProgress, touch, touchEveryMs }: HoldDeps,
  began: number,
): Promise<void> {
  let lastPing = began;
  let lastTouch = began;
  for (;;) {
    const now = performance.now();
    onProgress(progressOf(plan, held, now - began));
    const until = cuts.firstAt === undefined ? began + plan.durationMs : cuts.firstAt + plan.afterCutMs;
    if (now >= until || signal.aborted || held.every(({ stream }) => !stream?.isOpen)) return;
    if (now - lastPing >= plan.pingEveryMs) {
      lastPing = now;
      for (const { stream } of held) stream?.ping();
    }
    if (now - lastTouch >= touchEveryMs) {
      lastTouch = now;
      void touch();
    }
    await sleep(Math.min(TICK_MS, Math.max(1, until - now)), signal);
  }
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
      stream.requestAll();
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
