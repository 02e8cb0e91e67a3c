import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock, withTimeout } from '../../src/core/index.ts';

describe('the system clock', () => {
  test('tells wall-clock milliseconds, and milliseconds that never go back', () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000);
    const first = systemClock.monotonic();
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(first);
  });
});

describe('work with a time limit', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('gives what it gives when it is in time, and leaves no timer', async () => {
    expect(await withTimeout(Promise.resolve('done'), 1_000, () => 'late')).toBe('done');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('gives what `late` says when it is not', async () => {
    const slow = withTimeout(new Promise<string>(() => {}), 1_000, () => 'late');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await slow).toBe('late');
  });

  test('throws what `late` throws', async () => {
    const slow = withTimeout(new Promise(() => {}), 1_000, () => {
      throw new Error('too slow');
    });
    const outcome = slow.catch((error: unknown) => String(error));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await outcome).toBe('Error: too slow');
  });

  test('throws what it throws, and leaves no timer', async () => {
    await expect(withTimeout(Promise.reject(new Error('broken')), 1_000, () => 'late')).rejects.toThrow('broken');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that fails after the limit is nobody’s unhandled rejection', async () => {
    const work = Promise.withResolvers<string>();
    const limited = withTimeout(work.promise, 1_000, () => 'late');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await limited).toBe('late');
    work.reject(new Error('after the end'));
    await vi.advanceTimersByTimeAsync(0);
  });
});
