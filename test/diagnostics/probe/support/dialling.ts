import { getEventListeners } from 'node:events';
import { expect } from 'vitest';
import { type DialOptions, type DialTarget, type Dialled, dial } from '../../../../src/diagnostics/probe/index.ts';
import type { PeerServer } from './peer.ts';

export function socketAt(url: string, more: Partial<Extract<DialTarget, { kind: 'socket' }>> = {}): DialTarget {
  return { kind: 'socket', url: new URL(url), origin: undefined, headers: {}, ...more };
}

export function rfbAt(port: number, password?: string): DialTarget {
  return { kind: 'rfb', host: '127.0.0.1', port, password };
}

/** Dials, and makes sure of what is true of every dial: it keeps to its time and leaves nobody listening. */
export async function dialled(target: DialTarget, options: Partial<DialOptions> = {}): Promise<Dialled> {
  const timeoutMs = options.timeoutMs ?? 5_000;
  const signal = options.signal ?? new AbortController().signal;
  const began = performance.now();
  const result = await dial(target, {
    ca: undefined,
    insecure: false,
    resolve: new Map(),
    keepPicture: false,
    ...options,
    timeoutMs,
    signal,
  });
  expect(performance.now() - began).toBeLessThan(timeoutMs + 4_000);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  return result;
}

/** A stream that must have opened. */
export async function opened(
  target: DialTarget,
  options: Partial<DialOptions> = {},
): Promise<NonNullable<Dialled['stream']>> {
  const { stream, facts } = await dialled(target, options);
  if (!stream) throw new Error(`no stream: ${JSON.stringify(facts)}`);
  return stream;
}

/** Every connection that a server has seen is gone. */
export async function expectNoneOpen(server: PeerServer): Promise<void> {
  await expect.poll(() => server.open, { timeout: 5_000, interval: 5 }).toBe(0);
}
