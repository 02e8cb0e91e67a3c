import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { destroyAfter } from '../../src/gateway/destroy-after.ts';

describe('a socket that is given so long to close', () => {
  beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterEach(() => vi.useRealTimers());

  test('is destroyed when it has not', () => {
    const socket = new PassThrough();
    destroyAfter(socket, 1_000);
    vi.advanceTimersByTime(999);
    expect(socket.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    expect(socket.destroyed).toBe(true);
  });

  test('is let go of as soon as it has: thousands that close a second must not wait in memory', async () => {
    const socket = new PassThrough();
    destroyAfter(socket, 1_000);
    expect(vi.getTimerCount()).toBe(1);
    socket.destroy();
    await once(socket, 'close');
    expect(vi.getTimerCount()).toBe(0);
    destroyAfter(socket, 1_000);
    expect(vi.getTimerCount()).toBe(0);
  });
});
