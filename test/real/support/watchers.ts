/** Viewers as the page is one: they come back by themselves, with a pause that grows, and note how long they saw nothing. */
import { setTimeout as pause } from 'node:timers/promises';
import { type DialTarget, dial } from '../../../src/diagnostics/probe/index.ts';

/** As the viewer page's: src/ui/viewer/viewer.ts. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const LOOK_MS = 25;
const DIAL_MS = 20_000;
/** Until all of them have seen a frame. */
const START_MS = 90_000;

export interface Watchers extends AsyncDisposable {
  /** The longest time without a new frame of each viewer since the last call, in milliseconds. */
  takeGaps(): number[];
  /** Dials beyond the first ones. */
  readonly reconnects: () => number;
  /** What was seen instead of a picture, each kind once. */
  readonly refusals: () => readonly string[];
}

interface Watcher {
  lastFrameAt: number;
  gapMs: number;
  dials: number;
  readonly ended: Promise<void>;
}

/** Resolves when all of them see frames. */
export async function startWatchers(
  count: number,
  target: DialTarget,
  trust: { readonly ca: string; readonly resolve: ReadonlyMap<string, string> },
): Promise<Watchers> {
  const stop = new AbortController();
  const refusals = new Set<string>();
  const { promise: allSee, resolve } = Promise.withResolvers<void>();
  let seeing = 0;
  const watchers = Array.from({ length: count }, (): Watcher => {
    const watcher: Watcher = { lastFrameAt: performance.now(), gapMs: 0, dials: 0, ended: Promise.resolve() };
    return Object.assign(watcher, { ended: watch(watcher) });
  });

  async function watch(watcher: Watcher): Promise<void> {
    for (let tries = 0; !stop.signal.aborted; tries += 1) {
      if (tries > 0) await rest(tries);
      const { facts, stream } = await dial(target, {
        ...trust,
        insecure: false,
        timeoutMs: DIAL_MS,
        keepPicture: false,
        signal: stop.signal,
      });
      watcher.dials += 1;
      if (!stream) {
        if (!stop.signal.aborted) refusals.add(facts.failure ?? facts.stage);
        continue;
      }
      tries = 0;
      if (watcher.dials === 1) {
        watcher.lastFrameAt = performance.now();
        seeing += 1;
        if (seeing === count) resolve();
      }
      for (let frames = 0; stream.isOpen && !stop.signal.aborted; await pause(LOOK_MS)) {
        if (stream.frames === frames) continue;
        frames = stream.frames;
        note(watcher);
      }
      if (stop.signal.aborted) await stream.close();
    }
  }

  async function rest(tries: number): Promise<void> {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1));
    await pause(longest * (0.5 + Math.random() / 2), undefined, { signal: stop.signal }).catch(() => {}); // stopped
  }

  await Promise.race([allSee, pause(START_MS, undefined, { signal: stop.signal })]);
  if (seeing < count) throw new Error(`${seeing} of ${count} viewers saw a frame: ${[...refusals].join(', ')}`);
  return {
    takeGaps: () =>
      watchers.map((watcher) => {
        note(watcher, watcher.lastFrameAt);
        const { gapMs } = watcher;
        watcher.gapMs = 0;
        return Math.round(gapMs);
      }),
    reconnects: () => watchers.reduce((sum, { dials }) => sum + dials - 1, 0),
    refusals: () => [...refusals],
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all(watchers.map(({ ended }) => ended));
    },
  };
}

/** A frame has come; or, with the time of the last one, the silence goes on. */
function note(watcher: Watcher, lastFrameAt: number = performance.now()): void {
  watcher.gapMs = Math.max(watcher.gapMs, performance.now() - watcher.lastFrameAt);
  watcher.lastFrameAt = lastFrameAt;
}
