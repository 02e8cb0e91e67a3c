import { describe, expect, test } from 'vitest';
import { type Confinement, confinement, sandboxOf } from '../../src/runner/sandbox.ts';

const FREE: Confinement = { isRoot: false, namespaces: true, hasHelper: () => false };
const HELD: Confinement = { ...FREE, namespaces: 'no user namespace can be made here' };
const UNKNOWN: Confinement = { ...FREE, namespaces: undefined };

function stateOf(program: string, host: Confinement, playwright = false): string | undefined {
  return sandboxOf({ command: [program, '{url}'], playwright }, host)?.state;
}

describe('the sandbox of a browser', () => {
  test.each<[string, string, Confinement, string | undefined]>([
    ['holds where namespaces can be made', '/usr/bin/chromium', FREE, 'on'],
    ['is off where none can be made', '/usr/bin/chromium', HELD, 'off'],
    ['holds where a setuid helper makes them', '/usr/bin/chromium', { ...HELD, hasHelper: () => true }, 'on'],
    ['is off for root, whatever can be made', '/usr/bin/chromium', { ...FREE, isRoot: true }, 'off'],
    ['is not guessed where nobody knows', '/usr/bin/chromium', UNKNOWN, undefined],
    ['of Firefox holds where namespaces can be made', '/usr/bin/firefox-esr', FREE, 'on'],
    ['of Firefox is reduced where none can be made', '/usr/bin/firefox-esr', HELD, 'reduced'],
    ['of Firefox has no helper', '/usr/bin/firefox-esr', { ...HELD, hasHelper: () => true }, 'reduced'],
    ['of another program is not known', '/usr/bin/epiphany', FREE, undefined],
  ])('%s', (_fact, program, host, state) => expect(stateOf(program, host)).toBe(state));

  test('of a Playwright server is its own affair', () => {
    expect(stateOf('/usr/bin/chromium', HELD, true)).toBeUndefined();
  });

  test('says why it is off', () => {
    expect(sandboxOf({ command: ['chromium'], playwright: false }, HELD)).toEqual({
      state: 'off',
      because: 'no user namespace can be made here',
    });
  });

  test('is not known on a system without unshare', async () => {
    expect(await confinement('', false)).toMatchObject({ isRoot: false, namespaces: undefined });
  });
});
