import { describe, expect, test } from 'vitest';
import {
  bool,
  choice,
  count,
  filePath,
  host,
  json,
  list,
  millis,
  pathPrefix,
  port,
  range,
  seconds,
  text,
  url,
} from '../../src/config/index.ts';
import type { Field } from '../../src/config/fields.ts';

const spec = <T>(usual: T): { env: string; default: T; doc: string } => ({ env: 'X', default: usual, doc: 'About x.' });

interface Case {
  readonly field: Field<unknown>;
  readonly good: readonly (readonly [string, unknown])[];
  readonly bad: readonly string[];
  readonly want: string;
}

const CASES: Readonly<Record<string, Case>> = {
  port: {
    field: port(spec(1)),
    good: [
      ['0', 0],
      ['80', 80],
      [' 6900 ', 6900],
      ['65535', 65_535],
    ],
    bad: ['', ' ', '-1', '65536', '1.5', '1e3', '0x50', 'http', '80,81', 'tcp://10.0.0.1:80'],
    want: 'a port from 0 to 65535',
  },
  'port that must be one': {
    field: port({ ...spec(1), min: 1 }),
    good: [['1', 1]],
    bad: ['0'],
    want: 'a port from 1 to',
  },
  milliseconds: {
    field: millis(spec(1)),
    good: [
      ['0', 0],
      ['20000', 20_000],
      ['2147483647', 2_147_483_647],
    ],
    bad: ['', '-1', '20s', '1.5', '2147483648', '99999999999999999999', 'Infinity'],
    want: 'a whole number of milliseconds from 0 to 2147483647',
  },
  'milliseconds with a least value': {
    field: millis({ ...spec(5), min: 5 }),
    good: [['5', 5]],
    bad: ['4'],
    want: 'from 5 to',
  },
  seconds: {
    field: seconds(spec(1)),
    good: [
      ['0', 0],
      ['0.25', 0.25],
      ['300', 300],
    ],
    bad: ['', '-1', '.5', '5.', '1e3', '0x10', 'Infinity', 'NaN', '2147484', '5 s'],
    want: 'a number of seconds from 0 to 2147483',
  },
  'seconds with a least value': {
    field: seconds({ ...spec(1), min: 0.1 }),
    good: [['0.1', 0.1]],
    bad: ['0', '0.09'],
    want: 'from 0.1 to',
  },
  count: {
    field: count(spec(1)),
    good: [
      ['0', 0],
      ['1000', 1_000],
    ],
    bad: ['', '-1', '1.5', 'many', '9007199254740993'],
    want: 'a whole number, 0 or more',
  },
  'count with a least value': {
    field: count({ ...spec(1), min: 1 }),
    good: [['1', 1]],
    bad: ['0'],
    want: 'a whole number, 1 or more',
  },
  text: {
    field: text(spec('')),
    good: [
      ['', ''],
      [' as it is ', ' as it is '],
    ],
    bad: [],
    want: '',
  },
  'text of a form': {
    field: text({ ...spec(''), form: { pattern: /^\d+x\d+$/, want: 'width x height' } }),
    good: [['1x2', '1x2']],
    bad: ['', '1', 'axb'],
    want: 'width x height',
  },
  host: {
    field: host(spec('')),
    good: [
      ['0.0.0.0', '0.0.0.0'],
      ['::', '::'],
      ['runner-1', 'runner-1'],
    ],
    bad: ['', 'a b', 'a:80', '[::1]', 'http://a'],
    want: 'a host name or an IP address, without port and brackets',
  },
  path: {
    field: pathPrefix(spec('')),
    good: [
      ['', ''],
      ['/', ''],
      ['/api', '/api'],
      ['/api/', '/api'],
      ['/a/b', '/a/b'],
    ],
    bad: ['api', 'https://h/api', '/a b', '/a?b', '/a#b'],
    want: 'a path like /api, or nothing',
  },
  file: { field: filePath(spec('')), good: [['/run/secrets/key', '/run/secrets/key']], bad: [], want: '' },
  'true or false': {
    field: bool(spec(false)),
    good: [
      ...['1', 'true', 'TRUE', 'yes', 'on'].map((word) => [word, true] as const),
      ...['0', 'false', 'False', 'no', 'off'].map((word) => [word, false] as const),
    ],
    bad: ['', '2', 'y', 'truee', ' true'],
    want: 'true or false',
  },
  choice: {
    field: choice(['token', 'open'], spec('token' as const)),
    good: [['open', 'open']],
    bad: ['', 'Open', 'closed'],
    want: 'one of token, open',
  },
  URL: {
    field: url(spec('')),
    good: [
      ['', ''],
      ['http://control:9001', 'http://control:9001'],
      ['https://h/x', 'https://h/x'],
    ],
    bad: ['control:9001', 'ftp://h', '//h', 'http://'],
    want: 'a URL with http:// or https://',
  },
  'URL of a socket': {
    field: url(spec(''), ['ws:', 'wss:']),
    good: [['wss://h', 'wss://h']],
    bad: ['https://h'],
    want: 'a URL with ws:// or wss://',
  },
  list: {
    field: list(spec([])),
    good: [
      ['', []],
      ['a', ['a']],
      [' a, b ,,c ', ['a', 'b', 'c']],
      ['["a", "b"]', ['a', 'b']],
      ['[]', []],
      ['[::1]:5900', ['[::1]:5900']],
    ],
    bad: ['["a", 1]', '["a"'],
    want: '',
  },
  'list of items': {
    field: list({ ...spec([]), items: { test: (item) => item.startsWith('a'), want: 'a word with a' } }),
    good: [
      ['a,ab', ['a', 'ab']],
      ['', []],
    ],
    bad: ['a,b', '["b"]'],
    want: 'a list of which each is a word with a, and "b" is not',
  },
  range: {
    field: range(spec(undefined)),
    good: [
      ['', undefined],
      ['6900-6999', { min: 6900, max: 6999 }],
      ['5-5', { min: 5, max: 5 }],
    ],
    bad: ['6900', '6999-6900', '6900-', '-6999', '6900-65536', 'a-b', '6900:6999'],
    want: 'a range like 6900-6999',
  },
  JSON: {
    field: json<number>(spec(0), (value) => {
      if (typeof value !== 'number') throw new Error('a number in JSON');
      return value;
    }),
    good: [['7', 7]],
    bad: ['"7"', '{}', 'null'],
    want: 'a number in JSON',
  },
  'JSON that is none': {
    field: json<unknown>(spec(0), (value) => value),
    good: [],
    bad: ['', '{', "{'a': 1}"],
    want: 'valid JSON (',
  },
};

describe.each(Object.entries(CASES))('a setting of kind %s', (_kind, { field, good, bad, want }) => {
  test('keeps its name, default and documentation', () => {
    expect(field).toMatchObject({ env: 'X', doc: 'About x.' });
    expect(Object.keys(field).toSorted()).toEqual(['default', 'doc', 'env', 'kind', 'parse']);
  });

  test.skipIf(good.length === 0).each(good)('reads %j', (given, value) => {
    expect(field.parse(given)).toEqual(value);
  });

  test.skipIf(bad.length === 0).each(bad.map((given) => [given]))('refuses %j and says what it wants', (given) => {
    expect(() => field.parse(given)).toThrow(want);
  });
});
