import { describe, expect, test } from 'vitest';
import { findingsOfScreen } from '../../../src/diagnostics/host/index.ts';
import type { DialFacts } from '../../../src/diagnostics/probe/facts.ts';

const PLAIN: DialFacts = { stage: 'open', frame: { pixels: 9, tookMs: 1, isPlain: true } };
const DRAWN: DialFacts = { stage: 'open', frame: { pixels: 9, tookMs: 1, isPlain: false } };
const FULL = { file: 'runner.log', line: 3, text: 'Maximum number of clients reached' };
const BUS = { file: 'runner.log', line: 4, text: 'received signal SIGBUS' };
const SMALL = { bytes: 67_108_864, browser: 'chromium' };

type Screen = Parameters<typeof findingsOfScreen>[0];
const WELL: Screen = { opening: DRAWN, words: {}, shm: undefined, isOwn: false };

describe('a picture that arrives whole', () => {
  test.each<readonly [what: string, screen: Partial<Screen>, expected: readonly string[]]>([
    ['and shows something is well', {}, []],
    ['in one colour is a hint', { opening: PLAIN }, ['CF-RUNNER-EMPTY info']],
    [
      'in one colour, where a program found no display, is a failure',
      { opening: PLAIN, words: { empty: FULL } },
      ['CF-RUNNER-EMPTY fail'],
    ],
    ['and shows something, whatever an old log says', { words: { empty: FULL } }, []],
    ['in one colour on a screen of our own is as it was made', { opening: PLAIN, isOwn: true }, []],
    ['beside a browser with little shared memory is told of', { shm: SMALL }, ['CF-RUNNER-SHM fail']],
    ['beside a browser with enough of it is well', { shm: { ...SMALL, bytes: 1_073_741_824 } }, []],
    ['of a runner whose log tells of SIGBUS is told of', { words: { shared: BUS } }, ['CF-RUNNER-SHM fail']],
    ['that does not, is another matter', { opening: { stage: 'frame' }, shm: SMALL }, []],
  ])('%s', (_what, screen, expected) => {
    const found = findingsOfScreen({ ...WELL, ...screen });
    expect(found.map(({ code, severity }) => `${code} ${severity}`)).toEqual(expected);
    for (const { hop, confidence } of found) expect(`${hop} ${confidence}`).toBe('runner likely');
  });
});
