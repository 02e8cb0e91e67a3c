import { describe, expect, test } from 'vitest';
import { contradicted, outrun } from '../../../src/diagnostics/hold/contradicted.ts';
import type { Culprit, Cut } from '../../../src/diagnostics/hold/judged.ts';
import { closed, cut, held } from './support/scene.ts';

const TIMED: Culprit = { code: 'CF-GATEWAY-IDLE', confidence: 'proven', remedy: 'ping every 1 s' };

function said(reason: string, code = 1011): Cut {
  return cut('gateway', { how: 'close_frame', code, reason }) as Cut;
}

describe('a close frame that lays the end to the runner', () => {
  test.each([
    ['upstream_closed', 1011],
    ['Target closed', 1000],
    ['server disconnected', 1011],
    ['', 4502],
  ])('is not true when a timer of the gateway explains it and the runner lives on: %s %i', (reason, code) => {
    const found = contradicted([said(reason, code)], TIMED, true);
    expect(found).toMatchObject({ code: 'CF-GATEWAY-REASON', confidence: 'proven' });
    expect(found?.remedy).toMatch(/first cause.*ping every 1 s/);
  });

  test.each<readonly [what: string, cuts: readonly Cut[], timed: Culprit | undefined, lives: boolean]>([
    ['the runner ended as well', [said('upstream_closed')], TIMED, false],
    ['no timer explains it', [said('upstream_closed')], undefined, true],
    ['the timer is one of the edge', [said('upstream_closed')], { ...TIMED, code: 'CF-EDGE-IDLE' }, true],
    ['it says what it did', [said('idle timeout')], TIMED, true],
    ['there was no close frame', [cut('gateway', { reason: 'upstream_closed' }) as Cut], TIMED, true],
  ])('is not doubted when %s', (_what, cuts, timed, lives) => {
    expect(contradicted(cuts, timed, lives)).toBeUndefined();
  });
});

describe('a pong behind pictures', () => {
  const clock = (runningMs: number) => ({ runningMs, longestMs: 9 });
  const readings = (runningMs: number) => ({
    clocks: {
      anyByte: clock(runningMs),
      viewerBytes: clock(runningMs),
      serverBytes: clock(runningMs),
      anyMessage: clock(runningMs),
      viewerMessages: clock(runningMs),
      serverMessages: clock(runningMs),
    },
    ageMs: 9_000,
    bytes: 9,
    serverPingsEveryMs: 1_000,
  });
  const slow = closed('public', 1011, { pingRttMs: 1_700, readings: readings(100) }) as Cut;

  test('is what a stream was ended for to which pictures came to the end, with slow pings', () => {
    expect(outrun([slow], [slow, held('rfb')])?.code).toBe('CF-GATEWAY-PONG');
  });

  test.each<readonly [what: string, one: Cut]>([
    ['pings that were quick', { ...slow, pingRttMs: 30 }],
    ['a way that is long, and not full', { ...slow, opening: { stage: 'open', tcp: { address: '', tookMs: 400 } } }],
    ['a stream that was silent', { ...slow, readings: readings(8_000) }],
    ['an end in order', closed('public', 1000, { pingRttMs: 1_700, readings: readings(100) }) as Cut],
  ])('is not seen with %s', (_what, one) => {
    expect(outrun([one], [one, held('rfb')])).toBeUndefined();
  });

  test('is not seen when the raw stream ended, too', () => {
    expect(outrun([slow], [slow, cut('rfb')])).toBeUndefined();
  });

  describe('that ended a stream before one of its own pings came back', () => {
    const young = { ...readings(100), ageMs: 1_800 };
    const ended = closed('public', 1011, { readings: young }) as Cut;
    const early: Cut = { ...ended, end: { ...ended.end, reason: 'keepalive ping timeout' } };
    const quiet = { ...held('public'), traffic: 'silent', readings: readings(4_000) } as const;

    test('is known from a quiet stream beside it that grew older', () => {
      expect(outrun([early], [early, quiet, held('rfb')])?.code).toBe('CF-GATEWAY-PONG');
    });

    test.each<readonly [what: string, one: Cut, beside: typeof quiet]>([
      ['no such stream is older', early, { ...quiet, readings: young }],
      ['it lived at another vantage point', early, { ...quiet, vantage: 'gateway' } as never],
      ['the close frame says something else', { ...early, end: { ...early.end, reason: 'internal error' } }, quiet],
    ])('is not guessed when %s', (_what, one, beside) => {
      expect(outrun([one], [one, beside, held('rfb')])).toBeUndefined();
    });
  });
});
