import { describe, expect, test } from 'vitest';
import type { CheckResult, Verdict } from '../../src/diagnostics/check.ts';
import { CODES } from '../../src/diagnostics/codes.ts';
import { findingsOfChecks, findingsOfLock, ranked } from '../../src/diagnostics/findings.ts';
import { parseAccessLog, parseServiceLog } from '../../src/diagnostics/logs/index.ts';
import type { Finding } from '../../src/report/index.ts';
import { FAILED } from '../report/example.ts';

const NOTHING = { access: [], gateway: [], runner: [], supervisor: [] };

function result(id: string, verdict: Verdict): CheckResult {
  return { verdict, report: { id, hop: 'gateway', title: 'it is so', verdict: verdict.status, tookMs: 1 } };
}

function finding(code: string, more: Partial<Finding> = {}): Finding {
  return {
    ...FAILED.findings[0]!,
    code,
    hop: 'gateway',
    confidence: 'likely',
    evidence: [{ file: 'x', line: 1 }],
    ...more,
  };
}

describe('findings of checks', () => {
  test('are made of what failed or warned, with remedy and suspects of the code', () => {
    const findings = findingsOfChecks(
      [
        result('a', { status: 'pass', saw: '' }),
        result('b', { status: 'skip', because: '' }),
        result('c', { status: 'unknown', because: '' }),
        result('d', { status: 'fail', saw: '404', want: '101', code: 'CF-TRAEFIK-ROUTE' }),
        result('e', {
          status: 'warn',
          saw: 'x',
          want: 'y',
          code: 'CF-TOPOLOGY-RULE',
          remedy: 'set it',
          confidence: 'proven',
        }),
      ],
      NOTHING,
    );
    expect(findings).toEqual([
      {
        code: 'CF-TRAEFIK-ROUTE',
        hop: 'gateway',
        severity: 'fail',
        confidence: 'likely',
        saw: 'it is so: 404',
        want: '101',
        remedy: CODES['CF-TRAEFIK-ROUTE'].remedy,
        not: CODES['CF-TRAEFIK-ROUTE'].not,
        settle: expect.stringContaining('--gateway'),
        evidence: [{ file: 'report.json', text: 'checks: d' }],
      },
      expect.objectContaining({ code: 'CF-TOPOLOGY-RULE', severity: 'warn', remedy: 'set it', confidence: 'proven' }),
    ]);
  });

  test('are made of a pass that is worth telling, as information', () => {
    const report = { id: 'page.frame', hop: 'viewer', title: 'x', verdict: 'pass', tookMs: 1 } as const;
    const verdict = { status: 'pass', saw: 'X-Frame-Options: DENY', told: 'CF-VIEWER-FRAME' } as const;
    const [found, ...others] = findingsOfChecks([{ report, verdict }], NOTHING);
    expect(others).toEqual([]);
    expect(found).toMatchObject({ code: 'CF-VIEWER-FRAME', severity: 'info', saw: 'X-Frame-Options: DENY' });
  });

  test('tell what Traefik says of the routers that it dropped, where its own log is at hand', () => {
    const errors = [
      { file: 'traefik-access.log', line: 1, router: 'vnc@file', text: 'middleware "nobody@file" does not exist' },
      { file: 'traefik-access.log', line: 2, router: undefined, text: 'field not found, node: bogus' },
    ];
    const seen = { saw: '404', want: '101' };
    const [route, full] = findingsOfChecks(
      [
        result('a', { status: 'fail', ...seen, code: 'CF-TRAEFIK-ROUTE' }),
        result('b', { status: 'fail', ...seen, code: 'CF-GATEWAY-FULL' }),
      ],
      { ...NOTHING, ingressErrors: errors },
    );
    expect(route?.saw).toContain('router vnc@file is disabled: middleware "nobody@file" does not exist');
    expect(route?.saw).toContain('Traefik says: field not found, node: bogus');
    expect(route?.evidence).toContainEqual({ file: 'traefik-access.log', line: 1, text: errors[0]?.text });
    expect(full?.saw).toBe('it is so: 404');
  });

  test('cite the lines that gateway and ingress wrote of the same socket', () => {
    const logs = {
      ...NOTHING,
      gateway: parseServiceLog([
        '{"event":"session.refused","wsKey":"other"}',
        '{"event":"session.refused","wsKey":"mine","code":"token_invalid","saw":"altered"}',
      ]),
      access: parseAccessLog(['{"DownstreamStatus":401,"request_Sec-Websocket-Key":"mine"}']),
    };
    const [found] = findingsOfChecks(
      [result('d', { status: 'fail', saw: '401', want: '101', code: 'CF-GATEWAY-TOKEN', wsKey: 'mine' })],
      logs,
    );
    expect(found!.evidence).toEqual([
      { file: 'websockify.log', line: 2, text: 'session.refused: token_invalid: altered' },
      { file: 'traefik-access.log', line: 1, text: 'answered 401' },
      { file: 'report.json', text: 'checks: d' },
    ]);
  });
});

describe('findings', () => {
  test('come worst and surest first, then in path order', () => {
    const order = ranked([
      finding('W', { severity: 'warn', confidence: 'proven' }),
      finding('possible', { confidence: 'possible' }),
      finding('runner', { hop: 'runner' }),
      finding('edge', { hop: 'edge' }),
      finding('proven', { confidence: 'proven' }),
      finding('I', { severity: 'info' }),
    ]);
    expect(order.map(({ code }) => code)).toEqual(['proven', 'edge', 'runner', 'possible', 'W', 'I']);
  });

  test('of one code are one: the surest, with the evidence of all', () => {
    const same = ranked([
      finding('A', { saw: 'first' }),
      finding('A', { saw: 'surest', confidence: 'proven', evidence: [{ file: 'y', packet: 2 }] }),
      finding('A', { saw: 'again' }),
    ]);
    expect(same).toHaveLength(1);
    expect(same[0]).toMatchObject({
      saw: 'surest',
      evidence: [
        { file: 'y', packet: 2 },
        { file: 'x', line: 1 },
      ],
    });
  });
});

test('a password that is not known is a hint about the runner, and nobody’s fault', () => {
  const locked = { stage: 'security', rfb: { noCommonSecurity: 'password' } } as const;
  expect(findingsOfLock(locked)).toMatchObject([{ code: 'CF-RUNNER-AUTH', hop: 'runner', severity: 'info' }]);
  expect(findingsOfLock({ stage: 'security', rfb: { noCommonSecurity: 'types' } })).toEqual([]);
  expect(findingsOfLock({ stage: 'open' })).toEqual([]);
});
