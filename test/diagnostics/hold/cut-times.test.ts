import { describe, expect, test } from 'vitest';
import { cutTimesOf } from '../../../src/diagnostics/hold/index.ts';
import { type World, simulated } from './support/simulation.ts';

const SEARCH = { vantages: ['public', 'gateway', 'rfb'], wish: { durationMs: 30_000, findIdle: true } } as const;
const timesOf = (world: World) => {
  const found = cutTimesOf(simulated({ ...SEARCH, ...world }), 30_000);
  const cells = found.rows.filter(({ cutMs }) => cutMs !== null);
  return {
    ...found,
    cut: cells.map(({ vantage, traffic, cutMs }) => `${vantage} ${traffic} ${Math.round(cutMs! / 1_000)}`),
  };
};

describe('what a search found', () => {
  test('of an idle timer at the edge: what is cut there, what outlives it, and how often to ping', () => {
    const { cut, rows, pingEveryMs, set, boundMs } = timesOf({ cuts: ({ since }) => since('anyByte') >= 6_000 });
    expect(cut).toEqual(['public silent 6']);
    expect(rows.find(({ vantage, traffic }) => vantage === 'gateway' && traffic === 'silent')).toMatchObject({
      cutMs: null,
      outlivedMs: 30_000,
    });
    expect([pingEveryMs, boundMs]).toEqual([2_000, 30_000]);
    expect(set.map(({ where }) => where)).toEqual(['gateway', 'nginx', 'HAProxy', 'Traefik']);
  });

  test('of two timers, one at the edge and a longer one at the gateway: each where it is', () => {
    const { cut, pingEveryMs } = timesOf({
      seenAt: ['public', 'gateway'],
      cuts: ({ since, planned }) => since('anyByte') >= (planned.vantage === 'public' ? 6_000 : 15_000),
    });
    expect(cut).toEqual(['public silent 6', 'gateway silent 15']);
    expect(pingEveryMs).toBe(2_000);
  });

  test('of a timer of the gateway that counts messages: pings are cut too, and no interval of pings is promised', () => {
    const { cut, pingEveryMs, set } = timesOf({
      seenAt: ['public', 'gateway'],
      cuts: ({ since }) => since('viewerMessages') >= 6_000,
    });
    expect(cut).toEqual(['public', 'gateway'].flatMap((at) => [`${at} viewing 6`, `${at} silent 6`, `${at} pings 6`]));
    expect(pingEveryMs).toBeNull();
    expect(set).toEqual([{ where: 'gateway', what: expect.stringContaining('its own port') }]);
  });

  test('of a lifetime: everything is cut at one age', () => {
    const { cut } = timesOf({ cuts: ({ ageMs }) => ageMs >= 8_000 });
    expect(cut).toEqual(['viewing', 'silent', 'pings', 'asks', 'pokes', 'pulls'].map((one) => `public ${one} 8`));
  });

  test('of nothing: no cut, nothing to set', () => {
    expect(timesOf({ cuts: () => false })).toMatchObject({ cut: [], pingEveryMs: null, set: [] });
  });
});
