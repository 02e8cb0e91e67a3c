import { describe, expect, test } from 'vitest';
import { type Candidate, chooseRunner } from '../../src/control/placement.ts';

function candidate(name: string, more: Partial<Candidate> = {}): Candidate {
  return { name, reachable: true, supportsVnc: true, sessions: 0, capacity: 2, browsers: ['testcard'], ...more };
}

describe('a session goes to', () => {
  test('the runner with the fewest sessions, the first of equals', () => {
    expect(chooseRunner([candidate('a', { sessions: 1 }), candidate('b'), candidate('c')], {})).toBe('b');
  });

  test('a runner that has a free place', () => {
    expect(chooseRunner([candidate('a', { sessions: 2 }), candidate('b', { sessions: 9, capacity: 10 })], {})).toBe(
      'b',
    );
  });

  test('a runner that has the browser', () => {
    const having = candidate('b', { sessions: 1, browsers: ['chromium'] });
    expect(chooseRunner([candidate('a'), having], { browser: 'chromium' })).toBe('b');
  });

  test('a runner that can show a picture, unless none is wanted', () => {
    const blind = candidate('a', { supportsVnc: false });
    const seeing = candidate('b', { sessions: 1 });
    expect(chooseRunner([blind, seeing], {})).toBe('b');
    expect(chooseRunner([blind, seeing], { vnc: false })).toBe('a');
  });

  test('the runner that was named, though others are emptier', () => {
    expect(chooseRunner([candidate('a', { sessions: 1 }), candidate('b')], { worker: 'a' })).toBe('a');
  });

  test('a runner that was not asked yet, rather than to none', () => {
    const unasked = candidate('a', { reachable: null, sessions: null, capacity: null, browsers: [] });
    expect(chooseRunner([unasked], { browser: 'chromium' })).toBe('a');
  });
});

test.each([
  ['an unknown runner', { worker: 'z' }, 'CF_USAGE', 'no worker is called "z"; there are: a, b'],
  [
    'an unknown browser',
    { worker: 'a', browser: 'opera' },
    'CF_USAGE',
    'no worker has browser "opera"; there are: testcard',
  ],
  ['a full runner', { worker: 'a' }, 'CF_SLOTS_EXHAUSTED', 'every worker is full'],
  [
    'a browser that only a dead runner could have',
    { browser: 'opera' },
    'CF_UNREACHABLE',
    'no worker can be reached: b',
  ],
  ['a dead runner', { worker: 'b' }, 'CF_UNREACHABLE', 'no worker can be reached: b'],
])('%s is refused with the reason', (_case, wanted, code, message) => {
  const all = [candidate('a', { sessions: 2 }), candidate('b', { reachable: false })];
  expect(() => chooseRunner(all, wanted)).toThrow(expect.objectContaining({ code, message }));
});

test('a picture that no runner can show is refused with that reason', () => {
  expect(() => chooseRunner([candidate('a', { supportsVnc: false })], {})).toThrow('no worker can show a picture: a');
});
