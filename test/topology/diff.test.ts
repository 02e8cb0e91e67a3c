import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { diffLines } from '../../src/topology/index.ts';

const lines = (...words: string[]): string => words.map((word) => `${word}\n`).join('');

describe('a diff', () => {
  test('of a text and itself is empty', () => {
    expect(diffLines('f', 'a\n', 'a\n')).toBe('');
    expect(diffLines('f', '', '')).toBe('');
  });

  test('shows what changes, with two lines around it and where it stands', () => {
    const before = lines('1', '2', '3', '4', '5', '6', '7');
    const after = lines('1', '2', '3', 'four', '5', '6', '7');
    expect(diffLines('f', before, after)).toBe(
      lines('--- f', '+++ f\t(from camofleet.yaml)', '@@ -2,5 +2,5 @@', ' 2', ' 3', '-4', '+four', ' 5', ' 6'),
    );
  });

  test('has a part for each place', () => {
    const before = lines('a', '1', '2', '3', '4', '5', '6', 'b');
    const after = lines('A', '1', '2', '3', '4', '5', '6', 'B');
    expect(diffLines('f', before, after)).toBe(
      lines(
        '--- f',
        '+++ f\t(from camofleet.yaml)',
        '@@ -1,3 +1,3 @@',
        '-a',
        '+A',
        ' 1',
        ' 2',
        '@@ -6,3 +6,3 @@',
        ' 5',
        ' 6',
        '-b',
        '+B',
      ),
    );
  });

  test('of a file that is not there is the whole text, from nothing', () => {
    expect(diffLines('f', undefined, lines('a', 'b'))).toBe(
      lines('--- /dev/null', '+++ f\t(from camofleet.yaml)', '@@ -0,0 +1,2 @@', '+a', '+b'),
    );
  });

  test('says where a last line has no end', () => {
    expect(diffLines('f', 'a', 'a\n')).toBe(
      lines('--- f', '+++ f\t(from camofleet.yaml)', '@@ -1,1 +1,1 @@', '-a', '\\ No newline at end of file', '+a'),
    );
  });
});

describe('a diff, applied by git,', () => {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-diff-'));
  afterAll(() => rmSync(dir, { recursive: true }));

  test('gives the new text', () => {
    const text = fc
      .tuple(
        fc.array(fc.constantFrom('a', 'b', 'c', ' ', '-x', '+y', '\\z'), { minLength: 1, maxLength: 30 }),
        fc.boolean(),
      )
      .map(([words, end]) => words.join('\n') + (end ? '\n' : ''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after);
        writeFileSync(join(dir, 'f'), before);
        execFileSync('git', ['apply', '-p0', '--whitespace=nowarn', '-'], {
          cwd: dir,
          input: diffLines('f', before, after),
        });
        expect(readFileSync(join(dir, 'f'), 'utf8')).toBe(after);
      }),
      { numRuns: 30 },
    );
  });
});
