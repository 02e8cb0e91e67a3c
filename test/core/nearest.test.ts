import { describe, expect, test } from 'vitest';
import { nearest } from '../../src/core/index.ts';

const NAMES = ['gateway', 'runner', 'control', 'edge', 'port', 'pingIntervalMs'];

describe('the nearest name', () => {
  test.each([
    ['gatway', 'gateway'],
    ['gatewayy', 'gateway'],
    ['gatewya', 'gateway'],
    ['GATEWAY', 'gateway'],
    ['runer', 'runner'],
    ['pr0t', 'port'],
    ['prot', 'port'],
    ['egde', 'edge'],
    ['pingIntervall', 'pingIntervalMs'],
    ['ping_interval_ms', 'pingIntervalMs'],
  ])('to %s is %s', (word, name) => {
    expect(nearest(word, NAMES)).toBe(name);
  });

  test.each(['', 'x', 'traefik', 'po'])('to %j is none', (word) => {
    expect(
      nearest(
        word,
        NAMES.filter((name) => name !== 'port'),
      ),
    ).toBeUndefined();
  });

  test('is the closest of several, and the first of equals', () => {
    expect(nearest('port', ['pork', 'ports', 'port'])).toBe('port');
    expect(nearest('pont', ['pork', 'port', 'pint'])).toBe('port');
  });

  test('may be bound more tightly', () => {
    expect(nearest('gatwy', NAMES, 1)).toBeUndefined();
    expect(nearest('gatway', NAMES, 1)).toBe('gateway');
  });

  test('of nothing is none', () => {
    expect(nearest('gateway', [])).toBeUndefined();
  });
});
