import { describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../../src/diagnostics/conclusion/exit-code.ts';
import { worstExit } from '../../../src/core/index.ts';

const QUIET = {
  verdict: 'pass',
  checks: [],
  findings: [],
  interrupted: false,
  isOverBudget: false,
  strict: false,
} as const;
const fail = (code: string) => ({ code, severity: 'fail' }) as const;
const warn = (code: string) => ({ code, severity: 'warn' }) as const;
const unknown = { verdict: 'unknown' } as const;

type Ended = Parameters<typeof exitCodeOf>[0];
type Row = readonly [what: string, ended: Partial<Ended>, code: number];

const ROWS: readonly Row[] = [
  ['a pass', {}, 0],
  ['a pass, with --strict', { strict: true }, 0],
  ['a warning', { verdict: 'warn', findings: [warn('CF-TLS-TRUST')] }, 0],
  ['a warning, with --strict', { verdict: 'warn', findings: [warn('CF-TLS-TRUST')], strict: true }, 5],
  ['a budget that was crossed', { verdict: 'warn', isOverBudget: true }, 99],
  [
    'a budget before strict warnings',
    { verdict: 'warn', findings: [warn('CF-TLS-TRUST')], isOverBudget: true, strict: true },
    99,
  ],
  ['what could not be found out', { verdict: 'unknown', checks: [unknown] }, 3],
  ['what could not be found out, before a budget', { verdict: 'unknown', checks: [unknown], isOverBudget: true }, 3],
  ['everything skipped', { verdict: 'unknown', checks: [{ verdict: 'skip' }] }, 3],
  ['a wrong token', { verdict: 'fail', findings: [fail('CF-GATEWAY-TOKEN')] }, 4],
  ['a wrong operator key', { verdict: 'fail', findings: [fail('CF-CONTROL-KEY')] }, 4],
  ['a login in front', { verdict: 'fail', findings: [fail('CF-TRAEFIK-AUTH')] }, 4],
  [
    'a refusal, before what could not be found out',
    { verdict: 'fail', findings: [fail('CF-GATEWAY-TOKEN')], checks: [unknown] },
    4,
  ],
  ['a failure', { verdict: 'fail', findings: [fail('CF-GATEWAY-DOWN')] }, 1],
  ['a failure beside a refusal', { verdict: 'fail', findings: [fail('CF-GATEWAY-TOKEN'), fail('CF-VIEWER-PAGE')] }, 1],
  [
    'a failure beside what could not be found out',
    { verdict: 'fail', findings: [fail('CF-DNS-NAME')], checks: [unknown] },
    1,
  ],
  ['an interruption', { verdict: 'unknown', interrupted: true }, 130],
  ['an interruption after a failure', { verdict: 'fail', findings: [fail('CF-DNS-NAME')], interrupted: true }, 130],
];

describe('the exit code', () => {
  test.each(ROWS)('of %s', (_what, ended, code) => {
    expect(exitCodeOf({ ...QUIET, ...ended })).toBe(code);
  });

  test('of several that apply is the worst: 130 > 2 > 1 > 4 > 3 > 99 > 5 > 0', () => {
    const order = [130, 2, 1, 4, 3, 99, 5, 0] as const;
    for (const [index, code] of order.entries()) expect(worstExit(order.slice(index).toReversed())).toBe(code);
  });
});
