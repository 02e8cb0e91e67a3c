import { describe, expect, test } from 'vitest';
import { draftReport } from '../../../src/diagnostics/conclusion/index.ts';
import { hopReports } from '../../../src/diagnostics/conclusion/hops.ts';
import { summaryOf } from '../../../src/diagnostics/conclusion/summary.ts';
import type { CheckReport, Finding, StreamReport } from '../../../src/report/index.ts';
import { FAILED, PASSED } from '../../report/example.ts';

const STREAM = PASSED.streams[0]!;
const FINDING = FAILED.findings[0]!;

function check(id: string, more: Partial<CheckReport> = {}): CheckReport {
  return { id, hop: 'gateway', title: `${id} is so`, verdict: 'pass', saw: 'fine', tookMs: 1, ...more };
}

function finding(more: Partial<Finding> = {}): Finding {
  return { ...FINDING, hop: 'gateway', code: 'CF-GATEWAY-GONE', saw: 'it went', ...more };
}

const ACCEPT = check('upgrade.accept');
const HELD = {
  verdict: 'pass',
  checks: [ACCEPT],
  findings: [],
  streams: [STREAM],
  budget: [],
  interrupted: false,
  heldMs: 60_000,
  durationMs: 60_000,
} as const;
const cut = (by: StreamReport['end']['by']): StreamReport => ({ ...STREAM, end: { ...STREAM.end, by } });

type Ended = Parameters<typeof summaryOf>[0];
const SUMMARIES: readonly (readonly [what: string, ended: Partial<Ended>, summary: string])[] = [
  ['a hold', {}, 'held 1 min 00 s, 0 cuts, longest silence 25.0 s, 1 stream, Accept correct'],
  [
    'a hold of hours',
    { heldMs: 7_200_000, streams: [STREAM, STREAM] },
    'held 2 h 00 m, 0 cuts, longest silence 25.0 s, 2 streams, Accept correct',
  ],
  ['a raw stream, which has no Accept', { checks: [] }, 'held 1 min 00 s, 0 cuts, longest silence 25.0 s, 1 stream'],
  [
    'an Accept that was wrong',
    { checks: [check('upgrade.accept', { verdict: 'fail' })] },
    'held 1 min 00 s, 0 cuts, longest silence 25.0 s, 1 stream',
  ],
  ['probes alone', { heldMs: undefined, streams: [], durationMs: 0 }, 'every probe passed, nothing was held'],
  [
    'a warning',
    { verdict: 'warn', findings: [finding({ severity: 'warn', code: 'CF-TLS-TRUST' })], heldMs: undefined },
    'every probe passed, nothing was held; warnings: CF-TLS-TRUST',
  ],
  [
    'a budget',
    { verdict: 'warn', budget: [{ name: 'pingP99Ms', limit: 1, saw: 2, crossed: true }], heldMs: undefined },
    'every probe passed, nothing was held; over budget: pingP99Ms',
  ],
  [
    'a failure',
    { verdict: 'fail', findings: [finding()], streams: [cut('gateway')] },
    'gateway: CF-GATEWAY-GONE, it went',
  ],
  [
    'what could not be found out',
    {
      verdict: 'unknown',
      checks: [
        check('a', { verdict: 'skip', because: 'x' }),
        check('b', { verdict: 'unknown', because: 'no free slot' }),
      ],
      heldMs: undefined,
    },
    'could not find out: b, no free slot',
  ],
  [
    'nothing but skips',
    { verdict: 'unknown', checks: [check('a', { verdict: 'skip', because: 'not given' })], heldMs: undefined },
    'could not find out: a, not given',
  ],
  [
    'an interruption',
    { verdict: 'unknown', interrupted: true, heldMs: 2_460_000, durationMs: 7_200_000 },
    'held 41 min 00 s of 2 h 00 m; no cut seen; not a pass',
  ],
  [
    'an interruption of the probes',
    { verdict: 'unknown', interrupted: true, heldMs: undefined },
    'nothing was held; no fault seen; not a pass',
  ],
  [
    'an interruption after a cut',
    { verdict: 'fail', findings: [finding()], interrupted: true, heldMs: 5_000 },
    'held 5.0 s of 1 min 00 s; gateway: CF-GATEWAY-GONE, it went; not a pass',
  ],
];

describe('the summary', () => {
  test.each(SUMMARIES)('of %s', (_what, ended, summary) => {
    expect(summaryOf({ ...HELD, ...ended })).toBe(summary);
  });
});

describe('the hops', () => {
  test('come once each, in path order, with the worst that was seen; nobody looked at the others', () => {
    const checks = [
      check('c', { hop: 'control', tookMs: 2 }),
      check('g1', { tookMs: 3 }),
      check('g2', { verdict: 'warn', saw: 'slow', tookMs: 4.44 }),
      check('d', { hop: 'dns' }),
      check('r', { hop: 'runner', verdict: 'skip', because: 'g2 did not pass', tookMs: 0 }),
    ];
    expect(hopReports(checks, [finding({ hop: 'edge', saw: 'idle' })])).toEqual([
      { hop: 'dns', verdict: 'pass', tookMs: 1, note: 'fine' },
      { hop: 'edge', verdict: 'fail', tookMs: null, note: 'idle' },
      { hop: 'gateway', verdict: 'warn', tookMs: 7.4, note: 'slow' },
      { hop: 'runner', verdict: 'skip', tookMs: null, note: 'g2 did not pass' },
      { hop: 'control', verdict: 'pass', tookMs: 2, note: 'fine' },
    ]);
  });

  test('are not called well for a file that is right', () => {
    const rules = check('topology.rules', { hop: 'control' });
    const blocked = check('control.sessions', { hop: 'control', verdict: 'skip', because: 'x did not pass' });
    expect(hopReports([rules, blocked], [])).toMatchObject([{ hop: 'control', verdict: 'skip', tookMs: null }]);
    const broken = check('topology.rules', { hop: 'control', verdict: 'fail' });
    expect(hopReports([broken, blocked], [])).toMatchObject([{ hop: 'control', verdict: 'fail' }]);
  });

  test('show why something could not be found out, and no note of findings that are information', () => {
    const checks = [check('a', { verdict: 'unknown', because: 'no idea' }), check('b')];
    expect(hopReports(checks, [finding({ severity: 'info' })])).toEqual([
      { hop: 'gateway', verdict: 'unknown', tookMs: 2, note: 'no idea' },
    ]);
  });
});

const CONCLUSION: Parameters<typeof draftReport>[0] = {
  run: 'r',
  version: '1',
  startedAt: Date.parse('2026-11-23T12:00:00.000Z'),
  endedAt: Date.parse('2026-11-23T12:00:09.000Z'),
  subjects: [],
  entrance: undefined,
  checks: [ACCEPT],
  streams: [STREAM],
  findings: [],
  budget: [],
  cutTimes: undefined,
  heldMs: 1_000,
  durationMs: 1_000,
  interrupted: false,
  strict: false,
};
const socket = (url: string) => ({ kind: 'socket', url: new URL(url), origin: undefined, headers: {} }) as const;

describe('the report', () => {
  test.each([
    ['a pass', {}, 'pass', 0],
    ['everything skipped', { checks: [check('a', { verdict: 'skip', because: 'x' })], streams: [] }, 'unknown', 3],
    ['no check at all', { checks: [], streams: [] }, 'unknown', 3],
    ['a finding of the hold alone', { findings: [finding()] }, 'fail', 1],
    ['information', { findings: [finding({ severity: 'info' })] }, 'pass', 0],
    ['an interruption: never a pass', { interrupted: true }, 'unknown', 130],
    ['an interruption after a failure', { interrupted: true, findings: [finding()] }, 'fail', 130],
    ['a budget that was crossed', { budget: [{ name: 'x', limit: 1, saw: 2, crossed: true }] }, 'warn', 99],
    [
      'a budget that could not be measured',
      { budget: [{ name: 'x', limit: 1, saw: null, crossed: false }] },
      'pass',
      0,
    ],
  ] as const)('of %s', (_what, more, verdict, exitCode) => {
    expect(draftReport({ ...CONCLUSION, ...more })).toMatchObject({ verdict, exitCode });
  });

  test('names the public URL without its query, and the vantage points that were known', () => {
    const targets = {
      public: socket('wss://h:1/websockify?token=SECRET'),
      rfb: { kind: 'rfb', host: 'h', port: 2, password: 'p' },
    } as const;
    const subject = { mode: 'still', session: 's', isTestCard: false, page: undefined, targets } as const;
    const { target } = draftReport({ ...CONCLUSION, subjects: [subject] });
    expect(target).toEqual({ url: 'wss://h:1/websockify', vantages: ['public', 'rfb'] });
  });

  test('names the way in where no session could be had', () => {
    const entrance = { vantage: 'public', target: socket('wss://h:1/websockify') } as const;
    expect(draftReport({ ...CONCLUSION, entrance }).target).toEqual({ url: 'wss://h:1/websockify', vantages: [] });
  });
});
