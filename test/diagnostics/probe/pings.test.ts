import { describe, expect, test } from 'vitest';
import { Pings } from '../../../src/diagnostics/probe/pings.ts';
import { heldBytes } from '../../support/memory.ts';

describe('pings', () => {
  test('are measured each by itself, also when several are on their way', () => {
    const pings = new Pings();
    const first = pings.next(1_000)!;
    const second = pings.next(1_500)!;
    expect(pings.waiting).toBe(2);
    pings.pong(first, 1_600);
    expect(pings.waiting).toBe(1);
    pings.pong(second, 1_620);
    expect([pings.sent, pings.answered, pings.waiting]).toEqual([2, 2, 0]);
    expect(pings.rttMs(1)).toBeCloseTo(120, -1);
    expect(pings.rttMs(100)).toBeCloseTo(600, -1);
  });

  test('are answered together by a peer that answers only the latest', () => {
    const pings = new Pings();
    pings.next(0);
    pings.next(100);
    const third = pings.next(200)!;
    pings.next(300);
    pings.pong(third, 250);
    expect([pings.answered, pings.waiting]).toEqual([3, 1]);
  });

  test('are not answered by a pong that was not asked for, nor twice by one', () => {
    const pings = new Pings();
    const ping = pings.next(0)!;
    pings.pong(Buffer.from('hello'), 1);
    pings.pong(Buffer.alloc(0), 1);
    expect([pings.answered, pings.rttMs(50)]).toEqual([0, null]);
    pings.pong(ping, 2);
    pings.pong(ping, 3);
    expect(pings.answered).toBe(1);
  });

  test('stop while 64 wait for an answer', () => {
    const pings = new Pings();
    const sent = Array.from({ length: 100 }, (_, at) => pings.next(at)).filter((ping) => ping !== undefined);
    expect([sent.length, pings.sent, pings.waiting]).toEqual([64, 64, 64]);
    pings.pong(sent.at(-1)!, 100);
    expect(pings.next(101)).toBeDefined();
  });

  test('tell round trips from microseconds to minutes', () => {
    for (const [ms, close] of [
      [0, 0.01],
      [0.25, 0.01],
      [40, 1],
      [90_000, 1_000],
      [10_000_000, 600_000],
    ] as const) {
      const pings = new Pings();
      pings.pong(pings.next(0)!, ms);
      expect(Math.abs(pings.rttMs(50)! - Math.min(ms, 600_000))).toBeLessThanOrEqual(close);
    }
  });

  test('take no more memory after a hundred thousand of them', () => {
    const pings = new Pings();
    const before = heldBytes();
    for (let at = 0; at < 100_000; at += 1) pings.pong(pings.next(at)!, at + (at % 977) / 7);
    expect(heldBytes() - before).toBeLessThan(500_000);
    expect(pings.answered).toBe(100_000);
  });
});
