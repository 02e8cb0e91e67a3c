import { type DialFacts, type DialOptions, type Stream, type StreamEnd, dial } from '../probe/index.js';
import type { HoldPlan, PlannedStream } from './plan.js';

/** A stream of a hold, and how it ended. */
export interface HeldStream {
  readonly planned: PlannedStream;
  readonly opening: DialFacts;
  /** Undefined when it did not open. */
  readonly stream: Stream | undefined;
  readonly end: StreamEnd | undefined;
  /** A dial of the same target right after an end that was not ours. */
  readonly after: DialFacts | undefined;
}

export interface HoldProgress {
  readonly elapsedMs: number;
  readonly durationMs: number;
  readonly open: number;
  readonly streams: number;
  readonly frames: number;
  readonly bytesIn: number;
  readonly longestSilenceMs: number;
}

export interface HoldResult {
  readonly streams: readonly HeldStream[];
  readonly heldMs: number;
  readonly interrupted: boolean;
}

const TICK_MS = 250;
/** After a cut the target is dialled again, once, with this limit. */
const REDIAL_MS = 3_000;

/** Opens the planned streams, holds them for the duration, and notes what ends early. Memory is constant. */
export async function runHold(
  plan: HoldPlan,
  options: Omit<DialOptions, 'keepPicture' | 'timeoutMs'> & { readonly openTimeoutMs: number },
  observe: {
    readonly onProgress: (progress: HoldProgress) => void;
    readonly touch: () => Promise<void>;
    readonly touchEveryMs: number;
  },
): Promise<HoldResult> {
  const dialOptions = { ...options, keepPicture: false };
  const held = await Promise.all(
    plan.streams.map(async (planned) => {
      const { facts, stream } = await dial(planned.target, { ...dialOptions, timeoutMs: options.openTimeoutMs });
      return { planned, opening: facts, stream, after: undefined as DialFacts | undefined };
    }),
  );
  const redials: Promise<void>[] = [];
  let firstCutAt: number | undefined;
  const began = performance.now();
  for (const one of held) {
    void one.stream?.ended.then((end) => {
      if (end.bySelf) return;
      firstCutAt ??= performance.now();
      redials.push(redial(one, dialOptions));
    });
  }

  let lastPing = began;
  let lastTouch = began;
  for (;;) {
    const now = performance.now();
    observe.onProgress(progressOf(plan, held, now - began));
    const over = now - began >= plan.durationMs || (firstCutAt !== undefined && now - firstCutAt >= plan.afterCutMs);
    if (over || options.signal.aborted || held.every(({ stream }) => !stream?.isOpen)) break;
    if (now - lastPing >= plan.pingEveryMs) {
      lastPing = now;
      for (const { stream } of held) stream?.ping();
    }
    if (now - lastTouch >= observe.touchEveryMs) {
      lastTouch = now;
      void observe.touch();
    }
    await sleep(Math.min(TICK_MS, Math.max(1, plan.durationMs - (now - began))), options.signal);
  }
  const heldMs = Math.round(performance.now() - began);
  await Promise.all(redials);
  const streams = await Promise.all(
    held.map(
      async ({ planned, opening, stream, after }): Promise<HeldStream> => ({
        planned,
        opening,
        stream,
        after,
        end: await stream?.close(),
      }),
    ),
  );
  return { streams, heldMs, interrupted: options.signal.aborted };
}

async function redial(
  one: { readonly planned: PlannedStream; after: DialFacts | undefined },
  options: Omit<DialOptions, 'timeoutMs'>,
): Promise<void> {
  const { facts, stream } = await dial(one.planned.target, { ...options, timeoutMs: REDIAL_MS });
  one.after = facts;
  await stream?.close();
}

function progressOf(
  plan: HoldPlan,
  held: readonly { readonly stream: Stream | undefined }[],
  elapsedMs: number,
): HoldProgress {
  const streams = held.flatMap(({ stream }) => stream ?? []);
  return {
    elapsedMs,
    durationMs: plan.durationMs,
    open: streams.filter(({ isOpen }) => isOpen).length,
    streams: held.length,
    frames: streams.reduce((sum, { frames }) => sum + frames, 0),
    bytesIn: streams.reduce((sum, { bytesIn }) => sum + bytesIn, 0),
    longestSilenceMs: streams.reduce((most, stream) => Math.max(most, stream.silenceMs()), 0),
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
