import { expect, test } from 'vitest';
import { healthOf, setUps } from '../../src/lab/index.ts';

const COUNTS = { front: 6, relay: 2, screen: 3, weather: 4, sight: 2 } as const;

test.each([12, 100])('a walk of %d meets every part about as often', (count) => {
  const walk = setUps(count);
  for (const [hop, parts] of Object.entries(COUNTS)) {
    const times = Map.groupBy(walk, (setUp) => setUp[hop as keyof typeof COUNTS]);
    expect([...times.keys()], hop).toHaveLength(parts);
    for (const met of times.values()) expect(met.length).toBeGreaterThanOrEqual(Math.floor(count / parts / 2));
  }
});

test('a walk of 100 seldom meets the same path twice, and is the same each time', () => {
  const walk = setUps(100);
  expect(new Set(walk.map((setUp) => JSON.stringify(setUp))).size).toBeGreaterThan(40);
  expect(setUps(100)).toEqual(walk);
});

test('every front is met with either relay, calm and otherwise, from outside and from inside', () => {
  const pairs = new Set(
    setUps(100).flatMap(({ front, relay, sight, weather }) => [
      `${front} ${relay}`,
      `${front} ${sight}`,
      `${front} ${weather === 'calm'}`,
    ]),
  );
  expect(pairs.size).toBe(6 * 2 * 3);
});

test('what was accused, left unknown or not run is counted', () => {
  const row = { id: 'H001', setUp: 'gateway', accused: [], unknown: [] };
  expect(
    healthOf([
      { ...row, verdict: 'pass' },
      { ...row, verdict: 'fail', accused: ['CF-EDGE-IDLE'] },
      { ...row, verdict: 'pass', unknown: ['upgrade.status'] },
      { ...row, because: 'this machine lacks nginx' },
    ]),
  ).toMatchObject({ total: 4, passed: 2, accused: 1, unknown: 1, notRun: 1 });
});
