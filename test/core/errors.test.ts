import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ERRORS, type ErrorCode } from '../../src/core/errors.ts';
import { CamofleetError, EXIT, errorText, isErrorCode, worstExit } from '../../src/core/index.ts';

const PAGE = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'errors.md'), 'utf8');
const CODES = Object.keys(ERRORS) as ErrorCode[];

describe('an error that a person can act on', () => {
  test('carries its code, facts, cause, next step and exit code', () => {
    const cause = new Error('below');
    const error = new CamofleetError('CF_PORT_TAKEN', 'port 1 is held', { port: 1 }, { cause });
    expect(error).toMatchObject({ name: 'CamofleetError', code: 'CF_PORT_TAKEN', facts: { port: 1 }, cause });
    expect(error.hint).toBe(ERRORS.CF_PORT_TAKEN.hint);
    expect(error.exit).toBe(EXIT.couldNotRun);
  });

  test('has a code of the table, and no other word is one', () => {
    expect(CODES.every(isErrorCode)).toBe(true);
    expect(['CF_', 'cf_usage', 'toString', ''].filter(isErrorCode)).toEqual([]);
  });

  test.each(CODES)('%s has a section in docs/errors.md, with its exit code and its next step', (code) => {
    const section = PAGE.split(/^## /m).find((text) => text.startsWith(`${code}\n`));
    expect(section).toContain(`Exit code ${ERRORS[code].exit}.`);
    expect(section?.replaceAll(/\s+/g, ' ')).toContain(ERRORS[code].hint.replaceAll(/\s+/g, ' '));
  });

  test('docs/errors.md has no other section', () => {
    const sections = [...PAGE.matchAll(/^## (\S+)$/gm)].map(([, code]) => code!);
    expect(sections.toSorted()).toEqual(CODES.toSorted());
  });
});

describe('an error in one line', () => {
  test.each([
    ['a word', 'a word'],
    [undefined, 'undefined'],
    [new Error('it broke'), 'it broke'],
    [new TypeError(''), 'TypeError'],
    [Object.assign(new Error('no listener'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED: no listener'],
    [Object.assign(new Error('connect ECONNREFUSED ::1:1'), { code: 'ECONNREFUSED' }), 'connect ECONNREFUSED ::1:1'],
    [Object.assign(new Error('odd'), { code: 7 }), 'odd'],
    [new AggregateError([new Error('the first'), new Error('the second')]), 'the first'],
    [new AggregateError([], 'nothing in it'), 'nothing in it'],
  ])('%o reads %j', (error, line) => {
    expect(errorText(error)).toBe(line);
  });
});

describe('exit codes', () => {
  test('are those of the contract', () => {
    expect(EXIT).toEqual({
      ok: 0,
      failed: 1,
      usage: 2,
      couldNotRun: 3,
      refused: 4,
      strictWarnings: 5,
      budgetCrossed: 99,
      interrupted: 130,
    });
  });

  test('of several the worst is taken: 130 > 2 > 1 > 4 > 3 > 99 > 5 > 0', () => {
    const worstFirst = [130, 2, 1, 4, 3, 99, 5, 0] as const;
    for (const [index, code] of worstFirst.entries()) {
      expect(worstExit(worstFirst.slice(index))).toBe(code);
      expect(worstExit(worstFirst.slice(index).toReversed())).toBe(code);
    }
    expect(worstExit([])).toBe(0);
  });
});
