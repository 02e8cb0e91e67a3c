import { describe, expect, test } from 'vitest';
import { judge } from '../../../src/diagnostics/hold/index.ts';
import { timerOf } from '../../../src/diagnostics/hold/timers.ts';
import type { Clock } from '../../../src/diagnostics/probe/ledger.ts';
import type { Vantage } from '../../../src/diagnostics/subjects/index.ts';
import { inputOf, lines } from './support/scene.ts';
import { type World, simulated } from './support/simulation.ts';

const EVERYWHERE: readonly Vantage[] = ['public', 'gateway', 'rfb'];
/** A timer of so many milliseconds on a clock, late by up to 300 ms, as timers of busy hosts are. */
const timer =
  (clock: Clock, ms: number): World['cuts'] =>
  ({ since, nowMs }) =>
    since(clock) >= ms + (nowMs % 7) * 50;
const lasts = (durationMs: number): Pick<World, 'wish'> => ({ wish: { durationMs, findIdle: false } });
/** Chance that is the same each time. */
const chance = (seed: number): number => Math.abs(Math.sin(seed * 12.9898) * 43_758.5453) % 1;

type Row = readonly [what: string, expected: string, says: RegExp, world: World];

const ROWS: readonly Row[] = [
  [
    'an idle timer that any byte starts anew, from outside alone',
    'CF-EDGE-IDLE likely',
    /^a timer of 5\.\d s that only a byte of any kind/,
    { cuts: timer('anyByte', 5_000) },
  ],
  [
    'the same, and the gateway is looked at too',
    'CF-EDGE-IDLE proven',
    /^a timer of 5\.\d s/,
    { cuts: timer('anyByte', 5_000), vantages: EVERYWHERE },
  ],
  [
    'the same of 60 s',
    'CF-EDGE-IDLE likely',
    /^a timer of 60\.\d s|^a timer of 1 min 00 s/,
    { cuts: timer('anyByte', 60_000), ...lasts(70_000) },
  ],
  [
    'the same of 2 s',
    'CF-EDGE-IDLE likely',
    /^a timer of 2\.\d s .*the server was not seen to ping/,
    { cuts: timer('anyByte', 2_000) },
  ],
  [
    'the same beside a moving and a watching stream',
    'CF-EDGE-IDLE proven',
    /^a timer of 5\.\d s/,
    { cuts: timer('anyByte', 5_000), vantages: EVERYWHERE, modes: ['still', 'moving', 'watch-only'] },
  ],
  [
    'the same that ends with a close frame, from outside alone: a CDN or the gateway',
    'CF-EDGE-IDLE possible',
    /^a timer of 5\.\d s/,
    { cuts: timer('anyByte', 5_000), how: 'close_frame', code: 1000 },
  ],
  [
    'the same that ends with a close frame, and the gateway is acquitted',
    'CF-EDGE-IDLE proven',
    /^a timer of 5\.\d s/,
    { cuts: timer('anyByte', 5_000), how: 'close_frame', code: 1001, vantages: EVERYWHERE },
  ],
  [
    'an idle timer that only messages start anew, from outside alone',
    'CF-GATEWAY-IDLE likely',
    /^a timer of 5\.\d s that only a message either way/,
    { cuts: timer('anyMessage', 5_000) },
  ],
  [
    'the same, seen at the gateway too',
    'CF-GATEWAY-IDLE proven',
    /^a timer of 5\.\d s that only a message either way/,
    { cuts: timer('anyMessage', 5_000), vantages: EVERYWHERE, seenAt: ['public', 'gateway'] },
  ],
  [
    'the same, seen at the public URL alone though the gateway is looked at: a hop in front that speaks WebSocket',
    'CF-EDGE-IDLE proven',
    /^a timer of 5\.\d s that only a message either way/,
    { cuts: timer('anyMessage', 5_000), vantages: EVERYWHERE },
  ],
  [
    "a timer on the viewer's messages, of a server that speaks when it is asked",
    'CF-GATEWAY-IDLE likely',
    /^a timer of 5\.\d s that only a message/,
    { cuts: timer('viewerMessages', 5_000), how: 'close_frame', code: 1011 },
  ],
  [
    "a timer on the viewer's messages, while the server speaks",
    'CF-GATEWAY-IDLE likely',
    /^a timer of 5\.\d s that only a message of the viewer/,
    { cuts: timer('viewerMessages', 5_000), pushes: true, how: 'close_frame', code: 1011 },
  ],
  [
    "a timer on the viewer's bytes, while the server speaks",
    'CF-EDGE-IDLE likely',
    /^a timer of 5\.\d s that only a byte of the viewer/,
    { cuts: timer('viewerBytes', 5_000), pushes: true },
  ],
  [
    "a timer on the server's bytes",
    'CF-EDGE-IDLE likely',
    /^a timer of 5\.\d s that only a byte of the server/,
    { cuts: timer('serverBytes', 5_000) },
  ],
  [
    "a timer on the server's messages",
    'CF-GATEWAY-IDLE likely',
    /^a timer of 5\.\d s that only a message of the server/,
    { cuts: timer('serverMessages', 5_000) },
  ],
  [
    'a maximum lifetime, from outside alone',
    'CF-EDGE-LIFETIME likely',
    /^a lifetime of 6\.\d s/,
    { cuts: ({ ageMs }) => ageMs >= 6_000 },
  ],
  [
    'a maximum lifetime, and the gateway is looked at too',
    'CF-EDGE-LIFETIME proven',
    /^a lifetime of 6\.\d s/,
    { cuts: ({ ageMs }) => ageMs >= 6_000, vantages: EVERYWHERE, modes: ['still', 'moving'] },
  ],
  [
    'a maximum lifetime of the gateway',
    'CF-GATEWAY-LIFETIME proven',
    /^a lifetime of 6\.\d s/,
    { cuts: ({ ageMs }) => ageMs >= 6_000, vantages: EVERYWHERE, seenAt: ['public', 'gateway'] },
  ],
  ['a limit of bytes', 'CF-EDGE-BYTES likely', /^a limit of 3\d\d\.\d kB/, { cuts: ({ bytes }) => bytes >= 330_000 }],
  [
    'pings of the server that race against the timer',
    'CF-EDGE-IDLE likely',
    /the server pings every \d\.\d s, which is a race against that timer/,
    {
      cuts: timer('anyByte', 5_000),
      serverPings: (count) => 4_400 + chance(count) * 1_000,
      ...lasts(60_000),
    },
  ],
  [
    'pings of the server that come far too late',
    'CF-EDGE-IDLE likely',
    /the server pings every 20\.0 s, which is too seldom/,
    { cuts: timer('anyByte', 12_000), serverPings: () => 20_000, wish: { durationMs: 60_000, findIdle: true } },
  ],
];

describe('the plan and the judge together tell', () => {
  test.each(ROWS)('%s: %s', (_what, expected, says, world) => {
    const { findings } = judge(inputOf(simulated(world)));
    expect(findings.map(({ code, confidence, saw }) => `${code} ${confidence} ${saw}`)).toHaveLength(1);
    const [found] = findings;
    expect(`${found!.code} ${found!.confidence}`).toBe(expected);
    expect(found!.saw).toMatch(says);
    const stands = found!.hypotheses!.filter((one) => one.stands);
    for (const { speaksFor } of stands) expect(speaksFor.length).toBeGreaterThan(0);
    for (const { stands: is, speaksAgainst } of found!.hypotheses!) expect(speaksAgainst.length === 0).toBe(is);
  });

  test.each([1_500, 3_000, 5_000, 8_000])('a timer of %i ms to within a second', (ms) => {
    const found = timerOf(simulated({ cuts: timer('anyByte', ms) }));
    expect(Math.abs(found!.best.limit - ms)).toBeLessThan(700);
  });
});

describe('nobody is accused', () => {
  test.each<readonly [string, World]>([
    ['of a hold without cuts', { cuts: () => false }],
    ['of a hold shorter than the timer', { cuts: timer('anyByte', 60_000) }],
    ['of a hold whose server pings often enough', { cuts: timer('anyByte', 5_000), serverPings: () => 1_500 }],
  ])('%s', (_what, world) => {
    expect(judge(inputOf(simulated(world))).findings).toEqual([]);
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('of a timer when streams are cut by chance (%i)', (seed) => {
    const at = ({ planned: { traffic, afterMs } }: Parameters<World['cuts']>[0]): number =>
      2_000 + 9_000 * chance(seed * 31 + traffic.length * 7 + traffic.charCodeAt(1) + afterMs);
    const streams = simulated({ cuts: (sight) => sight.nowMs >= at(sight), ...lasts(20_000) });
    const [found] = judge(inputOf(streams)).findings;
    expect(found!.confidence).toBe('possible');
    expect(timerOf(streams)).toBeUndefined();
    expect(found!.hypotheses!.every((one) => !one.stands && one.speaksAgainst.length > 0)).toBe(true);
  });

  test('of a timer when all streams end at one moment', () => {
    const streams = simulated({ cuts: ({ nowMs }) => nowMs >= 7_000 });
    expect(timerOf(streams)).toMatchObject({ counted: 'event' });
    const [found] = judge(inputOf(streams)).findings;
    expect(`${found!.code} ${found!.confidence}`).toBe('CF-TRAEFIK-CUT possible');
    expect(found!.saw).toMatch(/^an event that ended every stream at once/);
  });
});

test('a goodbye that verify did not say acquits the gateway that heard it', () => {
  const streams = simulated({ cuts: timer('anyByte', 5_000), how: 'close_frame', code: 1000 });
  const keyed = streams.map((stream, index) => ({ ...stream, key: `k${index}` }));
  const cutKey = keyed.find(({ end }) => end?.bySelf === false)?.key;
  const gateway = lines({ event: 'session.closed', wsKey: cutKey, cause: 'viewer_closed', by: 'viewer' });
  const [found] = judge(inputOf(keyed, { gateway })).findings;
  expect(`${found!.code} ${found!.confidence}`).toBe('CF-EDGE-IDLE proven');
});

describe('what could not be told apart', () => {
  test('is named when no stream pinged, with what is missing, and less is claimed', () => {
    const streams = simulated({ cuts: timer('anyByte', 5_000), without: ['viewing', 'pings'] });
    const [found] = judge(inputOf(streams)).findings;
    expect(`${found!.code} ${found!.confidence}`).toBe('CF-EDGE-IDLE possible');
    expect(found!.settle).toMatch(
      /it may as well be .*a message either way.*missing: a stream that pings and lives on/,
    );
  });

  test('is named when nothing but a silent stream was held', () => {
    const streams = simulated({
      cuts: timer('anyByte', 5_000),
      without: ['viewing', 'pings', 'asks', 'pokes', 'pulls', 'naps'],
    });
    const [found] = judge(inputOf(streams)).findings;
    expect(found!.confidence).toBe('possible');
    expect(found!.settle).toMatch(/a lifetime of 5\.\d s/);
  });

  test('is named when one cut alone was seen', () => {
    const streams = simulated({ cuts: timer('anyByte', 5_000), without: ['naps'] }).filter(
      ({ end, traffic, readings }) => traffic !== 'silent' || end!.bySelf || readings!.ageMs < 5_400,
    );
    const [first, ...others] = streams.filter(({ traffic }) => traffic === 'silent');
    const rest = streams.filter((one) => !others.includes(one));
    expect(first!.end!.bySelf).toBe(false);
    const [found] = judge(inputOf(rest)).findings;
    expect(`${found!.code} ${found!.confidence}`).toBe('CF-EDGE-IDLE possible');
    expect(found!.settle).toMatch(/only one cut was seen/);
  });

  test('is no reason to blame a timer when the way did not open again', () => {
    const gone = simulated({ cuts: timer('anyByte', 5_000) }).map((one) =>
      one.after ? { ...one, after: { stage: 'tcp', errorCode: 'ECONNREFUSED' } as const } : one,
    );
    expect(judge(inputOf(gone)).findings.map(({ code }) => code)).toEqual(['CF-TRAEFIK-STOPPED']);
  });
});

describe('a remedy', () => {
  test('at the edge says what to set where, and how often to ping: a third of the timer', () => {
    const [found] = judge(inputOf(simulated({ cuts: timer('anyByte', 6_000), ...lasts(20_000) }))).findings;
    expect(found!.remedy).toMatch(/nginx: proxy_read_timeout 3600s and proxy_send_timeout 3600s/);
    expect(found!.remedy).toMatch(/HAProxy: timeout tunnel 1h/);
    expect(found!.remedy).toMatch(/Traefik: none/);
    expect(found!.remedy).toMatch(/ping at most every 2\.0 s.*WS_PING_INTERVAL_MS/);
  });

  test('of a timer that counts messages does not promise that pings help', () => {
    const world = { cuts: timer('anyMessage', 5_000), vantages: EVERYWHERE } as const;
    expect(judge(inputOf(simulated(world))).findings[0]!.remedy).toMatch(/pings do not help/);
  });
});

describe('what a proxy of the path wrote of a cut', () => {
  const streams = simulated({ cuts: timer('anyByte', 5_000) });
  const cutAt = streams.find(({ end }) => !end!.bySelf)!.end!.at;
  const wrote = (by: 'client' | 'server' | 'timer', lateMs = 0) => ({
    file: 'proxy-nginx-error.log',
    line: 7,
    by: 'nginx' as const,
    endedAtMs: cutAt + lateMs,
    durationMs: undefined,
    status: undefined,
    path: undefined,
    client: undefined,
    wsKey: undefined,
    end: { text: 'said so', by },
  });

  test.each([
    ['its timer ran out', [wrote('timer')], 'CF-EDGE-IDLE proven'],
    ['its timer ran out for one side, and the other ended', [wrote('server'), wrote('timer')], 'CF-EDGE-IDLE proven'],
    ['what is behind it ended', [wrote('server')], 'CF-GATEWAY-IDLE likely'],
    ['the client ended, who is us or in front of it', [wrote('client')], 'CF-EDGE-IDLE likely'],
    ['its timer ran out at another time', [wrote('timer', 60_000)], 'CF-EDGE-IDLE likely'],
  ])('%s', (_what, proxies, expected) => {
    const [found] = judge(inputOf(streams, { proxies })).findings;
    expect(`${found!.code} ${found!.confidence}`).toBe(expected);
  });
});
