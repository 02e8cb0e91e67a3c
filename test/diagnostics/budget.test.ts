import { describe, expect, test } from 'vitest';
import { LIMITS, againstBudget, parseBudget } from '../../src/diagnostics/budget.ts';
import type { DialFacts } from '../../src/diagnostics/probe/facts.ts';
import type { StreamReport } from '../../src/report/index.ts';
import { PASSED } from '../report/example.ts';

const STREAM = PASSED.streams[0]!;

function stream(
  mode: StreamReport['mode'],
  longestSilenceMs: number,
  p50Ms: number | null,
  p99Ms: number | null,
): StreamReport {
  return { ...STREAM, mode, longestSilenceMs, pings: { sent: 1, answered: 1, p50Ms, p99Ms } };
}

const OPENING: DialFacts = {
  stage: 'open',
  dns: { addresses: ['127.0.0.1'], tookMs: 1 },
  tcp: { address: '127.0.0.1', tookMs: 2 },
  tls: { authorized: true, problem: undefined, protocol: 'x', subject: 'x', validTo: '', tookMs: 10 },
  http: { status: 101, headers: {}, body: '', key: '', wantedAccept: '', tookMs: 100 },
  rfb: { initMs: 20 },
  frame: { pixels: 1, tookMs: 67 },
};

describe('a budget file', () => {
  test('is YAML or JSON', () => {
    expect(parseBudget('firstFrameMs: 1500 # a comment\npingP99Ms: 20.5\n', 'b.yaml')).toEqual({
      firstFrameMs: 1500,
      pingP99Ms: 20.5,
    });
    expect(parseBudget('{"longestSilenceMs": 0}', 'b.json')).toEqual({ longestSilenceMs: 0 });
    expect(parseBudget('{}', 'b.json')).toEqual({});
  });

  test.each([
    ['firstFrameMS: 1', /^b: firstFrameMS is no limit; did you mean firstFrameMs\?$/],
    ['bandwidth: 1', /^b: bandwidth is no limit; there are firstFrameMs, .*longestSilenceMs$/],
    ['pingP50Ms: fast', /^b: pingP50Ms: wanted a number of milliseconds, got "fast"$/],
    ['pingP50Ms: -1', /^b: pingP50Ms: wanted a number of milliseconds, got -1$/],
    ['pingP50Ms: .inf', /^b: pingP50Ms: wanted a number of milliseconds/],
    ['pingP50Ms: 1\npingP50Ms: 2', /^b: .*unique/],
    ['[1]', /^b: wanted limits by name/],
    ['', /^b: wanted limits by name/],
    ['{', /^b: /],
  ])('%j is told what is wrong with it', (text, message) => {
    const wanted = { code: 'CF_USAGE', message: expect.stringMatching(message) };
    expect(() => parseBudget(text, 'b')).toThrow(expect.objectContaining(wanted));
  });

  test('hears of all that is wrong at once', () => {
    expect(() => parseBudget('a: 1\npingP99Ms: x', 'b')).toThrow(/^b: a is no limit.*\nb: pingP99Ms: wanted/s);
  });
});

describe('what was measured against a budget', () => {
  const streams = [stream('still', 30_000, 1, 9), stream('moving', 250, 3, 4), stream('watch-only', 260, null, null)];

  test('is the slowest stream, and silences of those alone whose picture moves', () => {
    const budget = { firstFrameMs: 200, pingP50Ms: 2.9, pingP99Ms: 9, longestSilenceMs: 260 };
    expect(againstBudget(budget, { opening: OPENING, streams })).toEqual([
      { name: 'firstFrameMs', limit: 200, saw: 200, crossed: false },
      { name: 'pingP50Ms', limit: 2.9, saw: 3, crossed: true },
      { name: 'pingP99Ms', limit: 9, saw: 9, crossed: false },
      { name: 'longestSilenceMs', limit: 260, saw: 260, crossed: false },
    ]);
  });

  test('is not crossed where it could not be measured, and says why', () => {
    const all = Object.fromEntries(Object.keys(LIMITS).map((name) => [name, 0]));
    const results = againstBudget(all, { opening: { stage: 'tls' }, streams: [stream('still', 1, null, null)] });
    expect(results.map(({ saw, crossed, because }) => [saw, crossed, because])).toEqual([
      [null, false, 'no frame came'],
      [null, false, 'no ping was answered'],
      [null, false, 'no ping was answered'],
      [null, false, 'no stream with a moving picture was held'],
    ]);
  });

  test('is nothing without a budget', () => {
    expect(againstBudget({}, { opening: OPENING, streams })).toEqual([]);
  });
});
