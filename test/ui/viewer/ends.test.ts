import { describe, expect, test } from 'vitest';
import { ENDS } from '../../../src/gateway/ends.ts';
import { REFUSALS } from '../../../src/gateway/refusals.ts';
import { endingOf } from '../../../src/ui/viewer/ends.ts';
import { wordsOf } from '../../../src/ui/viewer/refusal.ts';

const CODES = Object.entries(ENDS).flatMap(([cause, { code }]) => (code === null ? [] : [[cause, code] as const]));

describe('the viewer page', () => {
  test.each(CODES)('has words of its own for %s (%i), and says what to do', (_cause, code) => {
    const { headline, advice } = endingOf(code);
    expect(headline).not.toContain(String(code));
    expect(advice).toMatch(/\.$/);
  });

  test('comes back by itself where that can help, and never where it cannot', () => {
    const itself = [1006, ...CODES.map(([, code]) => code)].filter((code) => endingOf(code).again === 'itself');
    expect(itself.toSorted((a, b) => a - b)).toEqual([1006, 1012, 4413, 4504]);
    expect([4403, 4410].map((code) => endingOf(code).again)).toEqual(['never', 'never']);
    expect(endingOf(4408).again).toBe('asked');
  });

  test.each(Object.entries(REFUSALS))(
    'has words for the refusal %s, and tries again only where that can help',
    (_code, told) => {
      const { headline, advice, again } = wordsOf({ kind: 'refused', title: 'a title', ...told });
      expect([headline, advice]).not.toContain('');
      expect(again).toBe(told.status >= 500 || told.status === 429);
    },
  );
});
