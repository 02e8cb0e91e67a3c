import { describe, expect, test } from 'vitest';
import { Session } from '../../src/gateway/session.ts';

const LIMITS = { pingIntervalMs: 20_000, readTimeoutMs: 60_000, writeTimeoutMs: 15_000, idleTimeoutMs: 300_000 };

/** A session that has opened RFB at 0. */
function opened(limits: Partial<typeof LIMITS> = {}): Session {
  const session = new Session({ ...LIMITS, ...limits }, 0);
  session.viewerOpened();
  return session;
}

describe('a session', () => {
  test('keeps its first cause', () => {
    const session = opened();
    session.finish('draining', 100);
    session.finish('upstream_lost', 200, { detail: 'late' });
    session.runnerReset('later', 300);
    expect(session.end).toMatchObject({ cause: 'draining', code: 1012, durationMs: 100 });
    expect(session.end).not.toHaveProperty('detail');
  });

  test('pings in its interval, and never with pings off', () => {
    const session = opened();
    expect([19_999, 20_000, 20_250, 40_000].map((now) => session.tick(now))).toEqual([false, true, false, true]);
    const quiet = opened({ pingIntervalMs: 0 });
    expect([20_000, 200_000].map((now) => quiet.tick(now))).toEqual([false, false]);
  });

  test('that stands still lives as long as pongs come, and ends when they stop', () => {
    const session = opened();
    for (let now = 20_000; now <= 3_600_000; now += 20_000) {
      expect(session.tick(now)).toBe(true);
      session.pong(now + 40);
    }
    session.tick(3_660_000);
    expect(session.end).toBeUndefined();
    session.tick(3_660_041);
    expect(session.end).toMatchObject({ cause: 'viewer_lost', code: null, pingP99Ms: expect.closeTo(40, 0) });
  });

  test('with pings off ends when no byte passes either way', () => {
    const session = opened({ pingIntervalMs: 0 });
    session.runnerBytes(1, 200_000);
    session.viewerBytes(1, 400_000);
    session.tick(700_000);
    expect(session.end).toBeUndefined();
    session.tick(700_001);
    expect(session.end).toMatchObject({
      cause: 'idle',
      code: 4408,
      longestSilenceMs: 300_001,
      bytesUp: 1,
      bytesDown: 1,
    });
  });

  test('ends as slow when what waits for the viewer does not leave, and not when it leaves at last', () => {
    const session = opened();
    session.viewerFlow(true, 1_000);
    session.viewerFlow(true, 9_000);
    session.tick(16_000);
    expect(session.end).toBeUndefined();
    session.viewerFlow(false, 16_000);
    session.viewerFlow(true, 16_001);
    session.tick(31_001);
    expect(session.end).toBeUndefined();
    session.tick(31_002);
    expect(session.end).toMatchObject({ cause: 'slow_viewer', code: 4413 });
  });

  test('takes bytes that leave at last for a sign of the viewer', () => {
    const session = opened({ writeTimeoutMs: 90_000 });
    session.viewerFlow(true, 1_000);
    session.viewerFlow(false, 59_000);
    session.tick(118_000);
    expect(session.end).toBeUndefined();
  });

  test('does not blame the viewer while the runner takes nothing and the viewer is not read', () => {
    const session = opened();
    session.runnerFlow(true, 10_000);
    session.tick(70_000);
    expect(session.end).toBeUndefined();
    session.tick(70_001);
    expect(session.end).toMatchObject({ cause: 'upstream_lost', code: 4504 });
  });

  test.each([
    ['while it is not read', [1_000, undefined], 2_000, 'slow_viewer'],
    ['right behind a long pause of its reading', [1_000, 7_000], 8_000, 'slow_viewer'],
    ['long behind a long pause', [1_000, 7_000], 9_001, 'upstream_lost'],
    ['right behind a short pause', [1_000, 1_100], 1_200, 'upstream_lost'],
  ] as const)('a reset of the runner %s', (_name, [from, to], at, cause) => {
    const session = opened();
    session.viewerFlow(true, from);
    if (to !== undefined) session.viewerFlow(false, to);
    session.runnerReset('ECONNRESET', at);
    expect(session.end).toMatchObject({ cause, detail: 'ECONNRESET' });
  });

  test('ends when its viewer does not open RFB', () => {
    const session = new Session(LIMITS, 0);
    session.tick(10_000);
    expect(session.end).toBeUndefined();
    session.tick(10_001);
    expect(session.end).toMatchObject({ cause: 'protocol_error', code: 1002 });
  });
});
