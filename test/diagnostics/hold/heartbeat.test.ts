import { describe, expect, test } from 'vitest';
import { missingHeartbeat } from '../../../src/diagnostics/hold/heartbeat.ts';
import type { JudgedStream } from '../../../src/diagnostics/hold/judged.ts';
import { judge } from '../../../src/diagnostics/hold/judge.ts';
import { held, inputOf } from './support/scene.ts';

function watched(
  vantage: 'public' | 'gateway' | 'rfb',
  ageMs: number,
  serverPingsEveryMs: number | null,
): JudgedStream {
  const clock = { runningMs: 1, longestMs: 1 };
  const clocks = {
    anyByte: clock,
    viewerBytes: clock,
    serverBytes: clock,
    anyMessage: clock,
    viewerMessages: clock,
    serverMessages: clock,
  };
  return held(vantage, { readings: { clocks, ageMs, bytes: 9, serverPingsEveryMs } });
}

describe('pings that are set', () => {
  test.each<readonly [what: string, found: string | undefined, everyMs: number | undefined, streams: JudgedStream[]]>([
    ['and do not come at the gateway', 'proven', 2_000, [watched('gateway', 10_000, null)]],
    ['and do not come in public', 'likely', 2_000, [watched('public', 10_000, null)]],
    ['and come', undefined, 2_000, [watched('gateway', 10_000, 2_000)]],
    [
      'and come on one of the streams',
      undefined,
      2_000,
      [watched('public', 9_000, null), watched('public', 9_000, 2_000)],
    ],
    ['were not waited for long enough', undefined, 20_000, [watched('gateway', 40_000, null)]],
    ['to none', undefined, 0, [watched('gateway', 10_000, null)]],
    ['by nobody that we know', undefined, undefined, [watched('gateway', 10_000, null)]],
    ['are none of a bare socket', undefined, 2_000, [watched('rfb', 10_000, null)]],
  ])('%s', (_what, found, heartbeatMs, streams) => {
    expect(missingHeartbeat({ ...inputOf(streams), heartbeatMs })?.confidence).toBe(found);
  });

  test('and do not come are a warning where nothing was cut', () => {
    const { findings } = judge({ ...inputOf([watched('gateway', 10_000, null)]), heartbeatMs: 2_000 });
    expect(findings).toMatchObject([{ code: 'CF-GATEWAY-HEARTBEAT', hop: 'gateway', severity: 'warn' }]);
  });
});
