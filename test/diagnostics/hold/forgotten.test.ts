import { describe, expect, test } from 'vitest';
import { judge } from '../../../src/diagnostics/hold/index.ts';
import type { JudgedStream } from '../../../src/diagnostics/hold/judged.ts';
import { Ledger } from '../../../src/diagnostics/probe/ledger.ts';
import { cut, held, inputOf } from './support/scene.ts';

/** Silent from the first picture on, for so long; then it asks for a picture, and waits. */
function spoke(afterMs: number, waitedMs: number): Pick<JudgedStream, 'traffic' | 'readings'> {
  const ledger = new Ledger(0);
  ledger.message('server', 16_384, 100);
  ledger.message('viewer', 10, 100 + afterMs);
  return { traffic: 'silent', readings: ledger.readings(100 + afterMs + waitedMs) };
}

function pinged(everyMs: number, forMs: number): Pick<JudgedStream, 'traffic' | 'readings'> {
  const ledger = new Ledger(0);
  for (let at = 0; at < forMs; at += everyMs) {
    ledger.control('viewer', at);
    ledger.control('server', at + 5);
  }
  return { traffic: 'pings', readings: ledger.readings(forMs) };
}

const LIVES = held('public', pinged(1_000, 12_000));
const reset = (afterMs: number): JudgedStream => cut('public', { how: 'rst' }, { ...spoke(afterMs, 20) });
const unanswered = (afterMs: number): JudgedStream =>
  held('public', { ...spoke(afterMs, 10_000), answeredAtEnd: false, after: { stage: 'open' } });
const codes = (streams: readonly JudgedStream[]): string[] =>
  judge(inputOf(streams)).findings.map(({ code, confidence }) => `${code} ${confidence}`);

describe('a way that forgets quiet streams', () => {
  test.each<readonly [string, string, readonly JudgedStream[]]>([
    ['answers the first word of two by RST', 'CF-NETWORK-FORGOTTEN likely', [LIVES, reset(11_000), reset(8_500)]],
    ['swallows the first word of two', 'CF-NETWORK-FORGOTTEN likely', [LIVES, unanswered(11_000), unanswered(8_500)]],
    ['is seen by one stream alone', 'CF-NETWORK-FORGOTTEN possible', [LIVES, reset(11_000)]],
  ])('%s: %s', (_what, expected, streams) => {
    expect(codes(streams)).toEqual([expected]);
  });

  test('is told with the silence that was too long, and the longest that was borne', () => {
    const [found] = judge(inputOf([LIVES, reset(11_000), reset(8_500)])).findings;
    expect(found!.saw).toMatch(
      /^the first word after 8\.5 s of silence was answered by RST.*silences of 995 ms were borne$/,
    );
    expect(found!.remedy).toMatch(/Pings below that silence.*keepalive/);
  });
});

describe('no way is accused of forgetting', () => {
  test.each<readonly [string, readonly JudgedStream[]]>([
    ['when a stream that was silent for as long lives', [LIVES, reset(8_500), held('public', { ...spoke(9_000, 5) })]],
    ['when nothing lives beside it', [reset(8_500), unanswered(8_500)]],
    ['when it ended before it spoke', [LIVES, cut('public', { how: 'rst' }, pinged(1_000, 9_000))]],
    ['when it was ended by a FIN', [LIVES, cut('public', { how: 'fin' }, spoke(8_500, 20))]],
  ])('%s', (_what, streams) => {
    expect(codes(streams).join()).not.toContain('FORGOTTEN');
  });
});
