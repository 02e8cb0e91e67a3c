import { expect, test } from 'vitest';
import { renderProgress } from '../../src/report/index.ts';

const FACTS = {
  elapsedMs: 65_000,
  durationMs: 3_600_000,
  open: 7,
  streams: 8,
  frames: 1_234,
  bytesIn: 2_340_000,
  longestSilenceMs: 25_000,
  reconnects: 1,
};

test('a hold that runs says how far it is, how it goes, and what comes next', () => {
  expect(renderProgress(FACTS, 200)).toBe(
    'holding 1 min 05 s of 1 h 00 m, 7/8 streams, 1234 frames, 2.3 MB, longest silence 25.0 s, 1 reconnect; next: evidence',
  );
  expect(renderProgress({ ...FACTS, reconnects: 0 }, 200)).toMatch(/longest silence 25.0 s; next: evidence$/);
});

test('it is never wider than the terminal', () => {
  expect(renderProgress(FACTS, 40)).toHaveLength(40);
});
