import { describe, expect, test } from 'vitest';
import type { Answer } from '../../src/lab/answers.ts';
import { type Look, namedIn } from '../../src/lab/look.ts';
import { judged, scoreOf, unjudged } from '../../src/lab/score.ts';
import type { Finding, Report } from '../../src/report/index.ts';
import { FAILED, PASSED } from '../report/example.ts';

const FAULT = { id: 'F99', title: 'the picture is cut' };
const ANSWER: Answer = { hop: 'edge', remedy: /pingInterval/i, cure: 'pings' };
const RIGHT: Finding = FAILED.findings[0]!;

function looked(report: Partial<Report>, flags: readonly string[] = ['--url', 'ws://127.0.0.1:1/x']): Look {
  return {
    flags,
    files: [],
    namespace: undefined,
    report: { ...FAILED, ...report },
    output: '',
    seconds: 2.5,
    named: { seconds: 1.5, since: 'start' },
  };
}

const found = (change: Partial<Finding>): Look => looked({ findings: [{ ...RIGHT, ...change }] });
const HEALTHY = looked({ ...PASSED, findings: [] });

describe('a row of the score', () => {
  test.each([
    ['proven', 'right'],
    ['likely', 'right'],
    ['possible', 'wrong'],
  ] as const)('%s is %s', (confidence, result) => {
    expect(judged(FAULT, ANSWER, found({ confidence }), HEALTHY).result).toBe(result);
  });

  test.each<[string, Look, string]>([
    ['another hop', found({ hop: 'traefik' }), 'hop traefik, not edge'],
    ['another remedy', found({ remedy: 'restart it' }), 'the remedy does not say pingInterval'],
    ['a finding that nothing is broken', found({ severity: 'info' }), 'severity info'],
    ['no finding', looked({ findings: [] }), 'nothing was found'],
    ['the right finding behind another', looked({ findings: [{ ...RIGHT, hop: 'dns' }, RIGHT] }), 'hop dns, not edge'],
  ])('is wrong with %s, and says so', (_what, broken, because) => {
    expect(judged(FAULT, ANSWER, broken, HEALTHY)).toMatchObject({ result: 'wrong', because });
  });

  test('is wrong when the healthy twin does not pass, or was looked at in another way', () => {
    const sick = looked({ verdict: 'fail' });
    expect(judged(FAULT, ANSWER, found({}), sick)).toMatchObject({
      result: 'wrong',
      because: 'the healthy twin is fail, CF-EDGE-IDLE',
    });
    const unknown = looked({ verdict: 'unknown', findings: [] });
    expect(judged(FAULT, ANSWER, found({}), unknown).because).toBe('the healthy twin is unknown');
    const others = looked({ ...PASSED, findings: [] }, ['--rfb', '127.0.0.1:1']);
    expect(judged(FAULT, ANSWER, found({}), others).because).toBe('the twin was given other flags: --rfb');
  });

  test('of a fault that is none wants a finding that says so', () => {
    const answer: Answer = { ...ANSWER, severity: 'info' };
    expect(judged(FAULT, answer, found({ severity: 'info' }), HEALTHY).result).toBe('right');
    expect(judged(FAULT, answer, found({ severity: 'fail' }), HEALTHY).result).toBe('wrong');
  });

  test('holds what verify was given and what it said', () => {
    expect(judged(FAULT, ANSWER, found({}), HEALTHY)).toEqual({
      ...FAULT,
      expected: { hop: 'edge', remedy: 'pings' },
      found: { hop: 'edge', code: 'CF-EDGE-IDLE', confidence: 'proven' },
      remedy: RIGHT.remedy,
      seconds: 2.5,
      named: { seconds: 1.5, since: 'start' },
      result: 'right',
      given: { flags: ['--url', 'ws://127.0.0.1:1/x'], files: [] },
      twin: { verdict: 'pass', seconds: 2.5, flags: ['--url', 'ws://127.0.0.1:1/x'] },
    });
    expect(judged(FAULT, ANSWER, found({}), undefined)).not.toHaveProperty('twin');
  });
});

test('the score counts each row once', () => {
  const rows = [
    judged(FAULT, ANSWER, found({}), HEALTHY),
    judged(FAULT, ANSWER, found({ hop: 'dns' }), HEALTHY),
    unjudged(FAULT, ANSWER, 'notHostable', 'it needs two machines'),
    unjudged(FAULT, ANSWER, 'skipped', 'this machine lacks root'),
  ];
  expect(scoreOf(rows)).toEqual({ total: 4, right: 1, wrong: 1, notHostable: 1, skipped: 1, rows });
});

describe('how long it took to name a hop', () => {
  const BEGAN = Date.parse('2026-11-01T10:00:01Z');
  const startedAt = BEGAN - 1_000;
  const openedAt = new Date(BEGAN + 2_000).toISOString();
  const [stream] = FAILED.streams;
  const cut = { ...stream!, openedAt, heldMs: 4_000, end: { ...stream!.end, by: 'edge', atMs: 4_000 } } as const;
  const report = (knownAfterMs: number | undefined, streams: Report['streams'] = []) => ({
    startedAt: new Date(BEGAN).toISOString(),
    findings: [{ ...RIGHT, ...(knownAfterMs !== undefined && { knownAfterMs }) }],
    streams,
  });

  test.each([
    ['the start of verify', report(3_000), undefined, { seconds: 4, since: 'start' }],
    ['the moment when it was set off', report(12_000, [cut]), BEGAN + 5_000, { seconds: 7, since: 'set off' }],
    ['the first cut of a timer', report(12_000, [cut]), undefined, { seconds: 6, since: 'first cut' }],
    ['the start where streams were cut later', report(3_000, [cut]), undefined, { seconds: 4, since: 'start' }],
    ['nothing where nothing says when', report(undefined), undefined, undefined],
  ] as const)('counts from %s', (_from, seen, setOffAt, want) => {
    expect(namedIn(seen, { startedAt, setOffAt })).toEqual(want);
  });
});
