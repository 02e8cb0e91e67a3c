import { describe, expect, test } from 'vitest';
import { ANSWERS } from '../../src/lab/answers.ts';
import { catalogue, pick } from '../../src/lab/catalogue.ts';
import { FAULTS } from '../../src/lab/faults/index.ts';
import { NOT_HOSTABLE } from '../../src/lab/not-hostable.ts';

const BARE = { env: { PATH: '/nowhere' }, isRoot: false };
const FULL = { env: process.env, isRoot: true };

describe('the catalogue of the lab', () => {
  test('has an answer for every fault of the atlas, and hosts it or says why not', () => {
    const told = [...FAULTS.map(({ id }) => id), ...Object.keys(NOT_HOSTABLE)];
    expect(told.toSorted()).toEqual([...new Set(told)].toSorted());
    expect(told.toSorted()).toEqual(Object.keys(ANSWERS).toSorted());
    expect(Object.keys(NOT_HOSTABLE).length).toBeLessThanOrEqual(6);
  });

  test('answers in words what its remedies are matched by', () => {
    const silent = Object.entries(ANSWERS).filter(([, { remedy, cure }]) => !remedy.test(cure));
    expect(silent.map(([id]) => id)).toEqual([]);
  });

  test('names what a machine lacks for a fault', () => {
    const [first] = catalogue(BARE).filter(({ fault }) => fault?.id === 'F54');
    expect(first?.because).toBe('this machine lacks Xvfb, x11vnc');
    const root = catalogue({ ...FULL, isRoot: false }).filter(({ fault }) => fault?.needs.includes('root'));
    for (const { because } of root) expect(because).toContain('root');
  });

  test('is in the order of the atlas', () => {
    const ids = catalogue(FULL).map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted());
  });

  test('gives the faults that are asked for, in any case, and names one that is none', () => {
    const entries = catalogue(FULL);
    expect(pick(entries, [])).toEqual(entries);
    expect(pick(entries, ['f54']).map(({ id }) => id)).toEqual(['F54']);
    expect(() => pick(entries, ['F5X'])).toThrow(/the lab has no fault "F5X"; did you mean F5/);
    expect(() => pick(entries, ['nonsense'])).toThrow(/the lab has no fault "NONSENSE"$/);
  });
});
