import { describe, expect, test } from 'vitest';
import { isPrivateFile } from '../../src/core/index.ts';

describe('a file with a key', () => {
  test.each([
    ['its owner alone reads it', 0o100600, 1000, 1000, true],
    ['root wrote it for the group of a container', 0o100440, 0, 1000, true],
    ['root may change it, the group reads', 0o100640, 0, 1000, true],
    ['the group may change it', 0o100660, 0, 1000, false],
    ['everybody reads it', 0o100444, 0, 1000, false],
    ["root's own group reads it", 0o100640, 0, 0, false],
    ["a user's group reads it", 0o100640, 1000, 1000, false],
  ])('%s', (_title, mode, uid, gid, isPrivate) => {
    expect(isPrivateFile({ mode, uid, gid })).toBe(isPrivate);
  });
});
