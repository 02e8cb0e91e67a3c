import { describe, expect, test } from 'vitest';
import { planHold } from '../../../src/diagnostics/hold/index.ts';
import type { Mode, Subject, Vantage } from '../../../src/diagnostics/subjects/index.ts';

const SOCKET = { kind: 'socket', url: new URL('ws://h/'), origin: undefined, headers: {} } as const;
const RAW = { kind: 'rfb', host: 'h', port: 1, password: 'p' } as const;

function subject(mode: Mode, vantages: readonly Vantage[]): Subject {
  const targets = Object.fromEntries(vantages.map((vantage) => [vantage, vantage === 'rfb' ? RAW : SOCKET]));
  return { mode, session: `of ${mode}`, isTestCard: false, page: undefined, targets };
}

type Plan = ReturnType<typeof planHold>;
const views = (plan: Plan): string[] =>
  plan.streams.filter(({ traffic }) => traffic === 'viewing').map(({ mode, vantage }) => `${mode} ${vantage}`);
const others = (plan: Plan, at: Vantage): string[] =>
  plan.streams
    .filter(({ vantage, traffic }) => vantage === at && traffic !== 'viewing')
    .map(({ mode, traffic, afterMs }) => `${mode} ${traffic}${afterMs > 0 ? ` +${afterMs}` : ''}`);
const wish = (durationMs: number, findIdle = false) => ({ durationMs, findIdle });
const anything = () => undefined;
const EVERYWHERE: readonly Vantage[] = ['rfb', 'gateway', 'public'];

describe('the plan of a hold', () => {
  test('has a viewer of every subject at every vantage point that is known, from the outside in', () => {
    const plan = planHold([subject('still', EVERYWHERE), subject('watch-only', ['gateway'])], wish(10_000), anything);
    expect(views(plan)).toEqual(['still public', 'still gateway', 'still rfb', 'watch-only gateway']);
    expect(plan.streams.find(({ mode }) => mode === 'watch-only')).toMatchObject({
      session: 'of watch-only',
      target: SOCKET,
    });
  });

  test('leaves out what did not open when it was probed, and keeps what nobody probed', () => {
    const subjects = [subject('still', ['public', 'rfb']), subject('moving', ['public', 'rfb'])];
    const plan = planHold(subjects, wish(10_000), ({ mode }, vantage) =>
      mode === 'still' ? vantage === 'public' : undefined,
    );
    expect(views(plan)).toEqual(['still public', 'moving public', 'moving rfb']);
  });

  test('has every kind of traffic at the outermost vantage point, two kinds once more and later, one that naps, and a silent one inside', () => {
    const plan = planHold([subject('still', EVERYWHERE), subject('moving', EVERYWHERE)], wish(10_000), anything);
    expect(others(plan, 'public')).toEqual([
      'still silent',
      'still pings',
      'still asks',
      'still pokes',
      'still pulls',
      'still naps',
      'still silent +2500',
      'still pulls +2500',
    ]);
    expect(others(plan, 'gateway')).toEqual(['still silent']);
    expect(others(plan, 'rfb')).toEqual(['still silent']);
  });

  test('of a search has every kind of traffic everywhere, and no pings where nobody can ping', () => {
    const plan = planHold([subject('still', EVERYWHERE)], wish(130_000, true), anything);
    expect(plan.isSearch).toBe(true);
    expect(others(plan, 'gateway')).toEqual([
      'still silent',
      'still pings',
      'still asks',
      'still pokes',
      'still pulls',
    ]);
    expect(others(plan, 'rfb')).toEqual(['still silent', 'still asks', 'still pokes', 'still pulls']);
  });

  test('of raw RFB alone studies that', () => {
    const plan = planHold([subject('still', ['rfb'])], wish(10_000), anything);
    expect(others(plan, 'rfb')).toEqual([
      'still silent',
      'still asks',
      'still pokes',
      'still pulls',
      'still naps',
      'still silent +2500',
      'still pulls +2500',
    ]);
  });

  test('of a server that needs seconds for each connection has viewers alone', () => {
    const plan = planHold([subject('still', EVERYWHERE)], { ...wish(10_000), isSlow: true }, anything);
    expect(plan.streams.map(({ traffic }) => traffic)).toEqual(['viewing', 'viewing', 'viewing']);
  });

  test.each([
    [7_999, 0],
    [8_000, 1],
    [3_600_000, 1],
  ])('of %i ms has %i streams that nap', (durationMs, count) => {
    const { streams } = planHold([subject('still', EVERYWHERE)], wish(durationMs), anything);
    expect(streams.filter(({ traffic }) => traffic === 'naps')).toHaveLength(count);
  });

  test('that is too short to tell timers apart has viewers alone, unless it is a search', () => {
    expect(others(planHold([subject('still', ['public'])], wish(4_999), anything), 'public')).toEqual([]);
    expect(others(planHold([subject('still', ['public'])], wish(4_999, true), anything), 'public')).toHaveLength(7);
  });

  test.each([
    [1_000, 500],
    [10_000, 1_000],
    [20_000, 2_000],
    [3_600_000, 2_000],
  ])('of %i ms has a beat every %i ms', (durationMs, beatMs) => {
    expect(planHold([], wish(durationMs), anything)).toMatchObject({ durationMs, beatMs, streams: [] });
  });

  test.each([5_000, 10_000, 60_000, 3_600_000])('of %i ms sees the cut of its late streams before it ends', (ms) => {
    const { streams, afterCutMs } = planHold([subject('still', ['public'])], wish(ms), anything);
    const late = Math.max(...streams.map(({ afterMs }) => afterMs));
    expect(late).toBeGreaterThanOrEqual(1_000);
    expect(late).toBeLessThanOrEqual(afterCutMs - 1_500);
  });

  test('watches longer after a cut than x11vnc needs to follow its X server', () => {
    expect(planHold([], wish(1_000), anything).afterCutMs).toBeGreaterThan(4_100);
  });
});
