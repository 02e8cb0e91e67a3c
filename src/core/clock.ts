import { performance } from 'node:perf_hooks'; // the global of this name is a getter, which would run at each frame

/** Time, passed in. `now` is wall-clock epoch milliseconds, `monotonic` milliseconds that never jump. */
export interface Clock {
  now(): number;
  monotonic(): number;
}

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

/** Waits for `work` at most `ms` milliseconds; on time-out calls `late` for the value or throws what it throws. */
export async function withTimeout<T>(work: Promise<T>, ms: number, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms);
  });
  try {
    const first = await Promise.race([work.then((value) => ({ value })), expiry]);
    return first === 'late' ? late() : first.value;
  } finally {
    clearTimeout(timer);
  }
}
