import { describe, expect, test } from 'vitest';
import { type Clock, Ledger } from '../../../src/diagnostics/probe/ledger.ts';

type Act = (ledger: Ledger, nowMs: number) => void;
const shows: Act = (ledger, now) => ledger.message('server', 10, now);
const asks: Act = (ledger, now) => ledger.message('viewer', 5, now);
const pings: Act = (ledger, now) => ledger.control('viewer', now);
const pongs: Act = (ledger, now) => ledger.control('server', now);
const serverPings: Act = (ledger, now) => ledger.serverPing(now);

/** What each clock shows at 10 s, when one thing has happened, at 4 s. */
const AT_4: readonly (readonly [what: string, act: Act, anew: readonly Clock[]])[] = [
  ['a message of the server', shows, ['anyByte', 'serverBytes', 'anyMessage', 'serverMessages']],
  ['a message of the viewer', asks, ['anyByte', 'viewerBytes', 'anyMessage', 'viewerMessages']],
  ['a ping of the viewer', pings, ['anyByte', 'viewerBytes']],
  ['a pong of the server', pongs, ['anyByte', 'serverBytes']],
  ['a ping of the server', serverPings, ['anyByte', 'serverBytes']],
];

describe('the clocks of a stream', () => {
  test.each(AT_4)('%s starts anew those that count it, and no other', (_what, act, anew) => {
    const ledger = new Ledger(0);
    act(ledger, 4_000);
    const { clocks } = ledger.readings(10_000);
    for (const [name, reading] of Object.entries(clocks))
      expect(reading, name).toEqual(
        (anew as readonly string[]).includes(name)
          ? { runningMs: 6_000, longestMs: 4_000 }
          : { runningMs: 10_000, longestMs: 0 },
      );
  });

  test('keep the longest of what has passed, not the one that runs', () => {
    const ledger = new Ledger(1_000);
    for (const at of [2_000, 7_000, 8_000]) shows(ledger, at);
    expect(ledger.readings(60_000).clocks.anyByte).toEqual({ runningMs: 52_000, longestMs: 5_000 });
    expect(ledger.readings(60_000).ageMs).toBe(59_000);
  });

  test('count bytes of both directions, without pings', () => {
    const ledger = new Ledger(0);
    for (const act of [shows, asks, pings, serverPings, shows]) act(ledger, 1);
    expect(ledger.readings(2).bytes).toBe(25);
  });

  test('tell how often the server pings from its second ping on', () => {
    const ledger = new Ledger(0);
    serverPings(ledger, 5_000);
    expect(ledger.readings(6_000).serverPingsEveryMs).toBeNull();
    serverPings(ledger, 15_000);
    serverPings(ledger, 25_000);
    expect(ledger.readings(26_000).serverPingsEveryMs).toBe(10_000);
  });
});
