import { describe, expect, test } from 'vitest';
import { planHold } from '../../../src/diagnostics/hold/index.ts';
import type { Mode, Subject, Vantage } from '../../../src/diagnostics/subjects/index.ts';

const SOCKET = { kind: 'socket', url: new URL('ws://h/'), origin: undefined, headers: {} } as const;
const RAW = { kind: 'rfb', host: 'h', port: 1, password: 'p' } as const;

function subject(mode: Mode, vantages: readonly Vantage[]): Subject {
  const targets = Object.fromEntries(vantages.map((vantage) => [vantage, vantage === 'rfb' ? RAW : SOCKET]));
  return { mode, session: `of ${mode}`, isTestCard: false, page: undefined, targets };
}

const names = (plan: ReturnType<typeof planHold>): string[] =>
  plan.streams.map(({ mode, vantage }) => `${mode} ${vantage}`);

describe('the plan of a hold', () => {
  test('is every subject from every vantage point that is known, from the outside in', () => {
    const plan = planHold(
      [subject('still', ['rfb', 'gateway', 'public']), subject('watch-only', ['gateway'])],
      10_000,
      () => undefined,
    );
    expect(names(plan)).toEqual(['still public', 'still gateway', 'still rfb', 'watch-only gateway']);
    expect(plan.streams[3]).toMatchObject({ session: 'of watch-only', target: SOCKET });
  });

  test('leaves out what did not open when it was probed, and keeps what nobody probed', () => {
    const subjects = [subject('still', ['public', 'rfb']), subject('moving', ['public', 'rfb'])];
    const plan = planHold(subjects, 10_000, ({ mode }, vantage) =>
      mode === 'still' ? vantage === 'public' : undefined,
    );
    expect(names(plan)).toEqual(['still public', 'moving public', 'moving rfb']);
  });

  test.each([
    [1_000, 500],
    [10_000, 1_000],
    [200_000, 20_000],
    [3_600_000, 20_000],
  ])('of %i ms pings every %i ms', (durationMs, pingEveryMs) => {
    expect(planHold([], durationMs, () => undefined)).toMatchObject({ durationMs, pingEveryMs });
  });

  test('watches longer after a cut than x11vnc needs to follow its X server', () => {
    expect(planHold([], 1_000, () => undefined).afterCutMs).toBeGreaterThan(4_100);
  });
});
