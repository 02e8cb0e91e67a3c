import { describe, expect, test } from 'vitest';
import { judge } from '../../../src/diagnostics/hold/index.ts';
import type { JudgedStream } from '../../../src/diagnostics/hold/judged.ts';
import type { DialFacts } from '../../../src/diagnostics/probe/facts.ts';
import { CUT_AT, REFUSED, cut, held, inputOf, unopened } from './support/scene.ts';

const KICKED = { how: 'close_frame', code: 4502, atMs: 400 } as const;
const TURNED: DialFacts = { stage: 'frame', stop: 'ended', failure: 'the stream ended before the first frame' };
const WAITS: DialFacts = { stage: 'greeting', stop: 'silence', failure: 'waited in vain for the RFB greeting' };
/** Opened so long after the first cut. */
const opened = (lateMs: number): Partial<JudgedStream> => ({
  end: { how: 'close_frame', code: 1000, reason: '', atMs: 5_000, at: CUT_AT + lateMs + 5_000, bySelf: true },
});

type Row = readonly [what: string, streams: readonly JudgedStream[], expected: readonly string[]];

const ROWS: readonly Row[] = [
  [
    'the first ends as another opens, which lives',
    [cut('public', KICKED), held('rfb', opened(100))],
    ['CF-RUNNER-SHARED likely'],
  ],
  [
    'the first ends as another is turned away',
    [cut('public', KICKED), unopened('rfb', TURNED)],
    ['CF-RUNNER-SHARED likely'],
  ],
  [
    'all of them end, and none was turned away',
    [cut('public', KICKED), cut('rfb', KICKED)],
    ['CF-RUNNER-CLOSED proven'],
  ],
  [
    'nobody comes back in',
    [cut('public', KICKED, { after: REFUSED }), held('rfb', opened(100))],
    ['CF-RUNNER-CLOSED likely'],
  ],
  [
    'the cut comes later than streams open',
    [cut('public', { ...KICKED, atMs: 9_000 }), held('rfb', opened(100))],
    ['CF-RUNNER-CLOSED likely'],
  ],
  ['one does not open beside another', [held('rfb'), unopened('public', TURNED)], ['CF-RUNNER-SHARED likely']],
  ['one waits until another has gone', [held('rfb'), unopened('public', WAITS)], ['CF-RUNNER-SHARED likely']],
  ['one does not open, and there is no other', [unopened('public', WAITS)], ['CF-RUNNER-SILENT likely']],
];

describe('a server that takes one viewer alone', () => {
  test.each(ROWS)('%s', (_what, streams, expected) => {
    const { findings } = judge(inputOf(streams));
    expect(findings.map(({ code, confidence }) => `${code} ${confidence}`)).toEqual(expected);
  });
});
