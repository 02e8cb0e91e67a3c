import { expect, test } from 'vitest';
import { generationOf } from '../../../src/diagnostics/hold/generations.ts';
import type { JudgedStream } from '../../../src/diagnostics/hold/judged.ts';
import type { Traffic } from '../../../src/diagnostics/hold/traffic.ts';
import { CLOCKS, type Readings } from '../../../src/diagnostics/probe/ledger.ts';
import { CUT_AT, ENDED_AT, REFUSED, cut, held } from './support/scene.ts';

function aged(ageMs: number): Readings {
  const still = { runningMs: 0, longestMs: 0 };
  const clocks = Object.fromEntries(CLOCKS.map((name) => [name, still])) as Readings['clocks'];
  return { clocks, ageMs, bytes: 0, serverPingsEveryMs: null };
}

const ended = (traffic: Traffic, ageMs: number, more: Partial<JudgedStream> = {}): JudgedStream =>
  cut('public', {}, { traffic, readings: aged(ageMs), ...more });
const later = (traffic: Traffic, afterCutMs: number): JudgedStream =>
  cut('public', { at: CUT_AT + afterCutMs }, { traffic, readings: aged(5_000) });
/** Held to the end, which comes 5.5 s after the cuts. */
const lived = (traffic: Traffic, ageMs: number): JudgedStream => held('public', { traffic, readings: aged(ageMs) });

const OLD = [ended('viewing', 3_000), ended('silent', 3_000), ended('pings', 3_000)];

type Row = readonly [what: string, streams: readonly JudgedStream[], expected: string];

test.each<Row>([
  [
    'all that were older, while younger ones lived and grew older',
    [...OLD, lived('silent', 7_000)],
    '3 ended, 1 younger lived',
  ],
  ['all there were, of different age', [...OLD, ended('silent', 1_000)], '4 ended, 0 younger lived'],
  ['all there were, of one age: that may be a lifetime', OLD, 'none'],
  ['a younger one lived, and did not come to their age', [...OLD, lived('silent', 3_500)], 'none'],
  ['one of their own age lived', [...OLD, lived('pulls', 8_600), lived('silent', 7_000)], 'none'],
  ['they did not end together', [...OLD, later('asks', 2_000), lived('silent', 7_000)], 'none'],
  ['two alone', [...OLD.slice(1), lived('silent', 7_000)], 'none'],
  ['of one kind of traffic', [ended('silent', 3_000), ended('silent', 3_000), ended('silent', 500)], 'none'],
  [
    'nothing takes new sockets',
    [...OLD.slice(1), ended('viewing', 3_000, { after: REFUSED }), lived('silent', 7_000)],
    'none',
  ],
])('%s', (_what, streams, expected) => {
  expect(ENDED_AT - CUT_AT).toBe(5_500);
  const found = generationOf(streams);
  expect(found ? `${found.ended} ended, ${found.youngerLived} younger lived` : 'none').toBe(expected);
});
