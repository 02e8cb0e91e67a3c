import { describe, expect, test } from 'vitest';
import type { PlannedStream } from '../../../src/diagnostics/hold/plan.ts';
import { Watch, type Watched } from '../../../src/diagnostics/hold/watch.ts';
import type { DialFacts } from '../../../src/diagnostics/probe/index.ts';
import { Stream } from '../../../src/diagnostics/probe/index.ts';
import { rfbAt } from '../probe/support/dialling.ts';

type Vantage = PlannedStream['vantage'];
type Traffic = PlannedStream['traffic'];

/** A stream that is open, has been quiet for so long, and owes an answer for so long. */
function held(vantage: Vantage, traffic: Traffic, quietMs: number, owedMs = 0): Watched & { asked: number } {
  const one = {
    planned: { mode: 'still', vantage, session: 's', traffic, afterMs: 0, target: rfbAt(1) } as const,
    stream: Object.create(Stream.prototype, {
      isOpen: { value: true },
      quietMs: { value: () => quietMs },
      owedMs: { value: () => owedMs },
      askCorner: { value: () => void (one.asked += 1) },
    }) as Stream,
    answeredAtEnd: undefined,
    after: undefined,
    asked: 0,
  };
  return one;
}

const OPEN: DialFacts = { stage: 'open' };
const UNANSWERED: DialFacts = { stage: 'tcp' };
const STUCK: DialFacts = { stage: 'greeting', stop: 'silence' };

/** Two looks, with the dial beside the streams in between. */
async function watched(streams: readonly Watched[], sees: DialFacts) {
  const alarms: string[] = [];
  const watch = new Watch({ dial: async () => sees, onAlarm: (why) => alarms.push(why) });
  const first = watch.isOver(streams);
  await Promise.resolve();
  return { first, isOver: watch.isOver(streams), alarms, watch };
}

type Row = readonly [
  what: string,
  streams: readonly Watched[],
  sees: DialFacts,
  isOver: boolean,
  dead: readonly Vantage[],
];

const VIEWS: readonly Row[] = [
  ['a still picture of which nothing is owed', [held('public', 'viewing', 60_000)], UNANSWERED, false, []],
  ['a picture that is owed and still comes', [held('public', 'pulls', 200, 3_500)], UNANSWERED, false, []],
  ['one of two that comes', [held('public', 'pokes', 200), held('public', 'pings', 9_000, 9_000)], STUCK, false, []],
  ['a way that answers no SYN any more', [held('public', 'pings', 3_500, 3_500)], UNANSWERED, true, ['public']],
  ['a silence that is short, and a new socket sticks', [held('public', 'pokes', 4_000, 4_000)], STUCK, false, []],
  ['a silence that lasts, and a new socket sticks', [held('public', 'pokes', 8_500, 8_500)], STUCK, true, ['public']],
  ['a silence that lasts, and a new socket opens', [held('public', 'pokes', 8_500, 8_500)], OPEN, true, ['public']],
  [
    'a dead way in front of a still picture that opens',
    [held('public', 'pokes', 8_500, 8_500), held('rfb', 'viewing', 60_000)],
    OPEN,
    true,
    ['public'],
  ],
  [
    'a nap that nobody ended, beside streams that are answered',
    [held('public', 'naps', 2_600, 2_600), held('public', 'pokes', 900)],
    OPEN,
    true,
    [],
  ],
  ['a nap where all wait', [held('public', 'naps', 2_600, 2_600), held('public', 'pokes', 2_700)], OPEN, false, []],
];

describe('the watch over streams that are held', () => {
  test.each(VIEWS)('%s', async (_what, streams, sees, isOver, dead) => {
    const seen = await watched(streams, sees);
    expect(seen.isOver).toBe(isOver);
    expect(
      streams.filter(({ answeredAtEnd }) => answeredAtEnd === false).map(({ planned }) => planned.vantage),
    ).toEqual(dead);
    expect(streams.every(({ answeredAtEnd, after }) => answeredAtEnd === undefined || after === sees)).toBe(true);
  });

  test('asks viewers of a still picture once, and dials once for each vantage point', async () => {
    const [pokes, still] = [held('public', 'pokes', 4_000, 4_000), held('rfb', 'viewing', 60_000)];
    const { first, alarms, watch } = await watched([pokes, still], STUCK);
    expect(first).toBe(false);
    expect(alarms).toEqual(['nothing came any more at the public vantage', 'nothing came any more at the rfb vantage']);
    expect([pokes.asked, still.asked]).toEqual([0, 1]);
    expect(watch.seen('public')).toBe(STUCK);
  });

  test('forgets an alarm when something comes', async () => {
    const { watch } = await watched([held('public', 'pokes', 4_000, 4_000)], STUCK);
    watch.isOver([held('public', 'pokes', 100)]);
    expect(watch.seen('public')).toBeUndefined();
  });
});
