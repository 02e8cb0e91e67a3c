import { describe, expect, test } from 'vitest';
import { type Attempt, judgeAttempts } from '../../../src/diagnostics/looks/again.ts';
import type { DialFacts } from '../../../src/diagnostics/probe/facts.ts';

function answered(status: number, body = ''): DialFacts {
  const http = { status, headers: {}, body, key: 'k', wantedAccept: 'a', tookMs: 1 };
  return { stage: status === 101 ? 'open' : 'http', http };
}

const OPEN: Attempt = { facts: answered(101), server: '10.0.0.1:80' };
const GONE: Attempt = { facts: answered(502, 'Bad Gateway'), server: '10.0.0.2:80' };
const unlogged = ({ facts }: Attempt): Attempt => ({ facts });

describe('equal handshakes, of which some are lost', () => {
  test.each<[string, readonly Attempt[], unknown]>([
    ['follow the server', [OPEN, GONE, OPEN, GONE], 'proven'],
    ['follow the server, the last of them lost', [OPEN, GONE], 'proven'],
    ['in turn, without a log', [GONE, OPEN, GONE].map(unlogged), 'likely'],
    ['and later not any more, without a log', [GONE, GONE, OPEN].map(unlogged), 'likely'],
  ])('%s: a list of servers that holds one that is gone', (_what, attempts, confidence) => {
    expect(judgeAttempts(attempts)).toMatchObject({ code: 'CF-CONTROL-ROLLOUT', confidence });
  });

  test.each<[string, readonly Attempt[]]>([
    ['all of them', [GONE, GONE]],
    ['none of them', [OPEN, OPEN]],
    ['from one on, which may be a gateway that has just ended', [OPEN, GONE, GONE].map(unlogged)],
    ['by a gateway that says why', [OPEN, { facts: answered(502, '{"code": "runner_refused"}') }, OPEN].map(unlogged)],
  ])('%s: no such thing is said', (_what, attempts) => {
    expect(judgeAttempts(attempts)?.code).not.toBe('CF-CONTROL-ROLLOUT');
  });

  test('name the servers', () => {
    expect(judgeAttempts([OPEN, GONE])?.because).toBe(
      '1 of 2 equal handshakes within seconds were answered 502, the others opened: 10.0.0.2:80 is gone, 10.0.0.1:80 lives',
    );
  });
});
