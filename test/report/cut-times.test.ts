import { describe, expect, test } from 'vitest';
import { type CutTimes, renderHopTable, renderHtml } from '../../src/report/index.ts';
import { PASSED } from './example.ts';

const FOUND: CutTimes = {
  boundMs: 130_000,
  rows: [
    { vantage: 'public', traffic: 'silent', cutMs: 60_012, outlivedMs: 0 },
    { vantage: 'public', traffic: 'pings', cutMs: null, outlivedMs: 130_000 },
    { vantage: 'rfb', traffic: 'silent', cutMs: null, outlivedMs: 130_000 },
  ],
  pingEveryMs: 20_000,
  set: [{ where: 'nginx', what: 'proxy_read_timeout 3600s' }],
};
const text = (cutTimes: CutTimes): string =>
  renderHopTable({ ...PASSED, cutTimes }, { columns: 120, colour: false, verbose: false, dir: 'run/' });

describe('the table of a search', () => {
  test('has a row for each vantage point, a column for each kind of traffic, and a dash where nothing was held', () => {
    expect(text(FOUND)).toContain(`  cut after         silent          pings
  public: all hops  cut 1 min 00 s  > 2 min 10 s
  runner alone      > 2 min 10 s    -
  set        ping at most every 20.0 s
  set        nginx: proxy_read_timeout 3600s
  bound      searched up to 2 min 10 s (--duration); a longer timer is not excluded`);
  });

  test('says that nothing was found, and up to where it was looked', () => {
    const none = { ...FOUND, rows: FOUND.rows.slice(1), pingEveryMs: null, set: [] };
    expect(text(none)).toContain('bound      no timer found; searched up to 2 min 10 s (--duration)');
    expect(text(none)).not.toContain('  set ');
  });

  test('is in the page as well', () => {
    expect(renderHtml({ ...PASSED, cutTimes: FOUND })).toMatch(
      /<h2>Timers<\/h2>.*cut 1 min 00 s.*proxy_read_timeout 3600s/s,
    );
    expect(renderHtml(PASSED)).not.toContain('<h2>Timers</h2>');
  });
});

describe('explanations that were weighed', () => {
  const finding = {
    ...PASSED,
    findings: [
      {
        code: 'CF-EDGE-IDLE',
        hop: 'edge',
        severity: 'fail',
        confidence: 'likely',
        saw: 'a cut',
        want: 'none',
        remedy: 'ping',
        not: [],
        evidence: [],
        hypotheses: [
          { what: 'a timer <5 s>', stands: true, speaksFor: ['one was cut at 5 s'], speaksAgainst: [] },
          { what: 'a lifetime', stands: false, speaksFor: ['x'], speaksAgainst: ['one lived'] },
        ],
      },
    ],
  } as const;

  test('are told with what speaks for those that stand and against those that do not, where it is asked for', () => {
    const told = renderHopTable(finding, { columns: 120, colour: false, verbose: true, dir: 'run/' });
    expect(told).toMatch(
      /weighed +stands: a timer <5 s>\n +for: one was cut at 5 s\n +no: a lifetime\n +against: one lived\n/,
    );
    expect(renderHtml(finding)).toMatch(/stands: a timer &lt;5 s&gt;<\/summary>for: one was cut at 5 s/);
    expect(renderHopTable(finding, { columns: 120, colour: false, verbose: false, dir: 'run/' })).not.toContain(
      'weighed',
    );
  });
});
