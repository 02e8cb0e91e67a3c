import { describe, expect, test } from 'vitest';
import { type Report, type SmokeRecord, renderSmoke, renderSmokeMarkdown } from '../../src/report/index.ts';

const GOOD: SmokeRecord = {
  schema: 'camofleet.smoke/1',
  version: '0.1.0',
  engine: 'local',
  ingress: 'embedded',
  url: 'https://localhost:8443',
  startedAt: '2026-11-23T12:00:00.000Z',
  endedAt: '2026-11-23T12:00:20.000Z',
  verdict: 'pass',
  exitCode: 0,
  summary: 'held 10.0 s, 0 cuts',
  isVerified: true,
  steps: [
    { name: 'fleet', title: 'a fleet is there', verdict: 'pass', exitCode: 0, tookMs: 220, saw: 'made' },
    {
      name: 'up',
      title: 'the fleet comes up',
      verdict: 'pass',
      exitCode: 0,
      tookMs: 3_100,
      saw: 'https://localhost:8443/',
    },
  ],
};
const BAD: SmokeRecord = {
  ...GOOD,
  verdict: 'fail',
  exitCode: 3,
  summary: 'up: gateway exited with code 2',
  isVerified: false,
  steps: [
    GOOD.steps[0]!,
    {
      ...GOOD.steps[1]!,
      verdict: 'fail',
      exitCode: 3,
      saw: 'gateway exited with code 2\nlast words',
      code: 'CF_SERVICE_EXITED',
      remedy: 'Look at its log',
    },
    { name: 'frame', title: 'a frame is seen', verdict: 'skip', exitCode: 0, tookMs: 0, saw: 'not reached' },
  ],
};
const plain = { columns: 100, colour: false, dir: 'camofleet-smoke/' };

describe('a smoke test in words', () => {
  test('that went well is a line a step and the proof', () => {
    expect(renderSmoke(GOOD, plain)).toBe(`smoke  engine local

  fleet    ok      220 ms   made
  up       ok       3.1 s   https://localhost:8443/

PASSED  held 10.0 s, 0 cuts  exit 0
`);
  });

  test('that failed says what was seen, the remedy, where to read on, and where the evidence lies', () => {
    expect(renderSmoke(BAD, plain)).toBe(`smoke  engine local

  fleet    ok      220 ms   made
  up       FAIL     3.1 s   gateway exited with code 2 last words
  frame    -                not reached

  saw      gateway exited with code 2
           last words
  remedy   Look at its log
  more     camofleet explain CF_SERVICE_EXITED

  evidence camofleet-smoke/

FAILED  up: gateway exited with code 2  exit 3
`);
  });

  test('that failed on a host that lacks something says what, with its remedy', () => {
    const host = [
      { code: 'CF-HOST-DOCKER', severity: 'fail' as const, saw: 'no docker', remedy: 'Install it' },
      { code: 'CF-HOST-CLOCK', severity: 'warn' as const, saw: 'off', remedy: 'Set it' },
    ];
    const text = renderSmoke({ ...BAD, host }, plain);
    expect(text).toContain('\n  host     CF-HOST-DOCKER: no docker\n           → Install it\n');
    expect(text).not.toContain('CF-HOST-CLOCK');
  });

  test.each([
    [{ ...GOOD, interrupted: true as const, verdict: 'unknown' as const, exitCode: 130 }, 'INTERRUPTED'],
    [{ ...GOOD, verdict: 'warn' as const }, 'PASSED WITH WARNINGS'],
    [{ ...GOOD, verdict: 'unknown' as const, exitCode: 3 }, 'UNKNOWN'],
    [{ ...GOOD, exitCode: 99 }, 'OVER BUDGET'],
  ])('ends with its word: case %#', (record, word) => {
    expect(renderSmoke(record, plain).split('\n').at(-2)).toMatch(new RegExp(`^${word}  `));
  });

  test('fits a narrow terminal', () => {
    for (const line of renderSmoke(BAD, { ...plain, columns: 40 }).split('\n'))
      expect(line.length).toBeLessThanOrEqual(46);
  });
});

describe('the summary of a job', () => {
  const report = {
    hops: [
      { hop: 'dns', verdict: 'pass', tookMs: 1, note: '127.0.0.1' },
      { hop: 'gateway', verdict: 'fail', tookMs: 2, note: 'cut' },
    ],
    findings: [
      {
        code: 'CF-GATEWAY-CUT',
        hop: 'gateway',
        severity: 'fail',
        confidence: 'proven',
        saw: 'a | pipe, a <script>, a `tick`',
        want: 'w',
        remedy: 'r',
        not: ['n'],
        evidence: [],
      },
      {
        code: 'CF-RUNNER-EMPTY',
        hop: 'runner',
        severity: 'info',
        confidence: 'likely',
        saw: 's',
        want: 'w',
        remedy: 'r',
        not: [],
        evidence: [],
      },
    ],
  } as unknown as Report;

  test('has the steps, the path with the first bad hop, and the findings that count', () => {
    const text = renderSmokeMarkdown({ ...GOOD, verdict: 'fail', exitCode: 1 }, report);
    expect(text).toContain('## ❌ camofleet smoke test: failed');
    expect(text).toContain('| up | ✅ | 3.1 s | https://localhost:8443/ |');
    expect(text).toContain('| gateway | ❌ | 2.0 ms | **first bad hop** |');
    expect(text).toContain('### ❌ CF-GATEWAY-CUT (gateway, proven)');
    expect(text).not.toContain('CF-RUNNER-EMPTY');
  });

  test('shows text of strangers as text', () => {
    const text = renderSmokeMarkdown(GOOD, report);
    expect(text).toContain(String.raw`a \| pipe, a \<script\>, a \`tick\``);
  });

  test('is there for a fleet that never came up', () => {
    const text = renderSmokeMarkdown(BAD, undefined);
    expect(text).toContain('| up | ❌ | 3.1 s | gateway exited with code 2 |');
    expect(text).toContain('| frame | ➖ |  | not reached |');
  });
});
