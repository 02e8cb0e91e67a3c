import type { HoldProgress } from '../../report/index.js';
import { type DialFacts, type DialOptions, type Stream, type StreamEnd, dial, dialAnyLine } from '../probe/index.js';
import type { HoldPlan, PlannedStream } from './plan.js';
import { CORNER, say, wake } from './traffic.js';
import { Watch } from './watch.js';

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
  /** Streams beside those of viewers that did not open: a server may take one viewer alone, and that is no fault. */
  readonly unopened: readonly HeldStream[];
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
  /** Told when a stream is cut or gives no picture any more: evidence that passes is taken then. */
  readonly onFailure?: (why: string) => void;
}

type Holding = { -readonly [Key in Exclude<keyof HeldStream, 'end'>]: HeldStream[Key] };

const TICK_MS = 250;
/** Streams beside the viewers are opened so many at a time: an RFB server with one thread needs 0.3 s for each. */
const AT_ONCE = 3;
/** All of them within so long: a hop that is slow is not kept from its verdict by them. */
const BESIDE_MS = 6_000;
/** A picture is on its way while bytes of it came no longer ago. */
const FLOW_MS = 1_500;
/** A target is dialled again once, with this limit. */
const REDIAL_MS = 3_000;
/** The same, where its streams have fallen silent: a SYN is sent three times within it. */
const ALARM_MS = 5_000;
/** A stream that has said nothing for so long since its picture was asked for, where one beside it has answered, or a new one does not open. */
const UNANSWERED_MS = 4_000;

/** Opens the planned streams, holds them for the duration, and notes what ends early. Memory is constant. */
export async function runHold(plan: HoldPlan, deps: HoldDeps): Promise<HoldResult> {
  const held: Holding[] = [];
  const cuts: Cuts = { firstAt: undefined, lastAt: 0, isDeadAtWord: false, redials: [] };
  const watch = watchOf(deps);
  using _beats = startBeats(plan, held);
  await openAll(plan, held, cuts, deps);
  const began = performance.now();
  const over = new AbortController();
  const late = openLate(plan, held, cuts, deps, AbortSignal.any([deps.signal, over.signal]));
  await keepUntilOver(plan, held, { cuts, watch }, deps, began);
  over.abort();
  await late;
  const heldMs = Math.round(performance.now() - began);
  if (!deps.signal.aborted) await askForPictures(plan, held, { cuts, watch }, deps);
  await Promise.all(cuts.redials);
  const endedAt = Date.now();
  const inOrder = held.toSorted((a, b) => plan.streams.indexOf(a.planned) - plan.streams.indexOf(b.planned));
  const all = await Promise.all(
    inOrder.map(async (one): Promise<HeldStream> => ({ ...one, end: await one.stream?.close() })),
  );
  const isUnopened = ({ planned, end }: HeldStream): boolean => planned.traffic !== 'viewing' && end === undefined;
  const streams = all.filter((one) => !isUnopened(one));
  return { streams, unopened: all.filter(isUnopened), heldMs, endedAt };
}

interface Cuts {
  firstAt: number | undefined;
  lastAt: number;
  /** A stream that had napped was dead when it spoke: all others are to be asked now. */
  isDeadAtWord: boolean;
  readonly redials: Promise<void>[];
}

function watchOf(deps: HoldDeps): Watch {
  return new Watch({
    dial: async ({ target }) => {
      const { facts, stream } = await dial(target, {
        ...deps,
        keepPicture: false,
        firstSide: CORNER,
        timeoutMs: ALARM_MS,
      });
      await stream?.close();
      return facts;
    },
    onAlarm: (why) => deps.onFailure?.(why),
  });
}

/** From its opening on each stream says its own: what is silent while others open could be cut before the hold begins. */
function startBeats({ beatMs }: HoldPlan, held: readonly Holding[]): Disposable {
  const timer = setInterval(() => {
    for (const { stream, planned } of held) if (stream?.isOpen) say(planned.traffic, stream);
  }, beatMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** The viewers at once; then what is held beside them, few at a time and within a limit: what did not come to it is none. */
async function openAll(plan: HoldPlan, held: Holding[], cuts: Cuts, deps: HoldDeps): Promise<void> {
  const first = plan.streams.filter(({ afterMs }) => afterMs === 0);
  const viewers = first.filter(({ traffic }) => traffic === 'viewing');
  await Promise.all(viewers.map(async (planned) => void held.push(await open(planned, cuts, deps))));
  const signal = AbortSignal.any([deps.signal, AbortSignal.timeout(BESIDE_MS)]);
  const waiting = first.filter(({ traffic }) => traffic !== 'viewing');
  const openSome = async (): Promise<void> => {
    for (let next = waiting.shift(); next && !signal.aborted; next = waiting.shift())
      await openBeside(next, held, cuts, deps, signal);
  };
  if (held.some(({ stream }) => stream?.isOpen)) await Promise.all(Array.from({ length: AT_ONCE }, openSome));
}

async function openLate(
  { streams }: HoldPlan,
  held: Holding[],
  cuts: Cuts,
  deps: HoldDeps,
  signal: AbortSignal,
): Promise<void> {
  const late = streams.filter(({ afterMs }) => afterMs > 0);
  await Promise.all(
    late.map(async (planned) => {
      await sleep(planned.afterMs, signal);
      if (!signal.aborted) await openBeside(planned, held, cuts, deps, signal);
    }),
  );
}

async function openBeside(
  planned: PlannedStream,
  held: Holding[],
  cuts: Cuts,
  deps: HoldDeps,
  signal: AbortSignal,
): Promise<void> {
  const one = await open(planned, cuts, deps, signal);
  if (!one.isAbandoned) held.push(one);
}

async function open(planned: PlannedStream, cuts: Cuts, deps: HoldDeps, signal = deps.signal): Promise<Holding> {
  const dialledAt = Date.now();
  const { facts, stream } = await dialAnyLine(planned.target, {
    ...deps,
    signal,
    keepPicture: false,
    timeoutMs: deps.openTimeoutMs,
    ...(planned.traffic !== 'viewing' && { firstSide: CORNER }),
  });
  const isAbandoned = stream === undefined && signal.aborted;
  const held = { planned, opening: facts, dialledAt, stream, isAbandoned, answeredAtEnd: undefined, after: undefined };
  void stream?.ended.then((end) => {
    if (end.bySelf) return;
    deps.onFailure?.(`the ${held.planned.mode} stream was cut`);
    cuts.lastAt = performance.now();
    cuts.firstAt ??= cuts.lastAt;
    cuts.isDeadAtWord ||= planned.traffic === 'naps' && (end.how === 'rst' || end.how === 'timeout');
    cuts.redials.push(redial(held, deps));
  });
  return held;
}

/** Until the duration is over; after a first cut, until the others have been watched long enough. */
async function keepUntilOver(
  plan: HoldPlan,
  held: readonly Holding[],
  { cuts, watch }: { readonly cuts: Cuts; readonly watch: Watch },
  { signal, onProgress, touch, touchEveryMs }: HoldDeps,
  began: number,
): Promise<void> {
  let lastTouch = began;
  for (;;) {
    const now = performance.now();
    onProgress(progressOf(plan, held, now - began));
    const until = endOf(plan, held, cuts, began);
    if (now >= until || signal.aborted || held.every(({ stream }) => !stream?.isOpen)) return;
    for (const { planned, stream } of held) if (planned.traffic === 'naps' && stream?.isOpen) wake(stream);
    if (!plan.isSearch && (cuts.isDeadAtWord || watch.isOver(held))) return;
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
  { cuts, watch }: { readonly cuts: Cuts; readonly watch: Watch },
  deps: HoldDeps,
): Promise<void> {
  const within = AbortSignal.any([deps.signal, AbortSignal.timeout(lastPictureMs)]);
  const asked = held.filter(({ stream, answeredAtEnd }) => stream?.isOpen && answeredAtEnd !== false);
  const isVain = ({ planned: { vantage }, stream }: Holding): boolean => {
    const facts = watch.seen(vantage);
    const isShut = facts !== undefined && facts.stage !== 'open';
    const isBeside = asked.some((other) => other.planned.vantage === vantage && other.answeredAtEnd === true);
    return (isShut || isBeside) && Math.min(stream?.quietMs() ?? 0, stream?.owedMs() ?? 0) >= UNANSWERED_MS;
  };
  await Promise.all(
    asked.map(async (one) => {
      const { stream } = one;
      if (!stream?.isOpen) return;
      const isWhole = one.planned.traffic === 'viewing' && !one.opening.thin;
      stream.requestAll(isWhole ? undefined : CORNER);
      const before = stream.bytesIn;
      const hasFrame = await answered(stream, within, () => isVain(one));
      const hasCome = hasFrame || (stream.bytesIn > before && stream.quietMs() < FLOW_MS); // a thin line
      if (!stream.isOpen || (deps.signal.aborted && !hasCome)) return;
      one.answeredAtEnd = hasCome;
      if (!hasCome) deps.onFailure?.(`the ${one.planned.mode} stream gave no picture any more`);
      if (!hasCome) cuts.redials.push(redial(one, deps));
    }),
  );
}

/** Whether the next picture comes before the signal aborts, and before it is vain to wait. */
async function answered(stream: Stream, within: AbortSignal, isVain: () => boolean): Promise<boolean> {
  const enough = new AbortController();
  const timer = setInterval(() => isVain() && enough.abort(), TICK_MS);
  try {
    return await stream.nextFrame(AbortSignal.any([within, enough.signal]));
  } finally {
    clearInterval(timer);
  }
}

async function redial(one: Holding, deps: HoldDeps): Promise<void> {
  const { facts, stream } = await dial(one.planned.target, {
    ...deps,
    keepPicture: false,
    firstSide: CORNER,
    timeoutMs: REDIAL_MS,
  });
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
