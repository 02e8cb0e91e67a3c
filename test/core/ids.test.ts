import { describe, expect, test } from 'vitest';
import { HOPS, HOP_NAMES, VALID_ID, err, ok, randomId } from '../../src/core/index.ts';

describe('a random id', () => {
  const ids = Array.from({ length: 2_000 }, () => randomId());

  test('has only the characters of ids, and can be an argument', () => {
    expect(ids.filter((id) => !VALID_ID.test(id) || /^[-_]/.test(id))).toEqual([]);
  });

  test('never comes twice', () => {
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('is as long as it is asked to be', () => {
    expect(randomId().length).toBe(12);
    expect(randomId(32).length).toBe(43);
  });
});

test('the hops are those of the contract, in path order, each with its words', () => {
  expect(HOPS.join(' ')).toBe('viewer dns network tls edge traefik gateway runner browser control');
  expect(Object.keys(HOP_NAMES)).toEqual([...HOPS]);
});

test('an outcome is data, good or bad', () => {
  expect(ok(1)).toEqual({ ok: true, value: 1 });
  expect(err('why')).toEqual({ ok: false, error: 'why' });
});
