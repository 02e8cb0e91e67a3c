import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventParser, type ParsedEvent } from '../../src/sse/parser.ts';
import { heldBytes } from '../support/memory.ts';

const STREAM = ': hello\n\nid: 4\n\nid: 5\nevent: a\ndata: {"n":1}\n\nevent: b\ndata: one\ndata: two\n\n';
const LONG = 'x'.repeat(70_000);

function parse(text: string, size = text.length): { events: ParsedEvent[]; lastId: string } {
  const parser = new EventParser();
  const events: ParsedEvent[] = [];
  for (let at = 0; at < text.length; at += size) events.push(...parser.feed(text.slice(at, at + size)));
  return { events, lastId: parser.lastId };
}

describe('the parser of event streams', () => {
  test.each([1, 2, 7, STREAM.length])('reads the same events cut at %i characters', (size) => {
    expect(parse(STREAM, size)).toEqual({
      events: [
        { id: '5', name: 'a', data: '{"n":1}' },
        { id: '5', name: 'b', data: 'one\ntwo' },
      ],
      lastId: '5',
    });
  });

  test.each<[string, string, readonly Partial<ParsedEvent>[]]>([
    [
      'lines that end with CR LF',
      'event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n',
      [{ name: 'a', data: '1' }, { data: '2' }],
    ],
    ['lines that end with CR', 'event: a\rdata: 1\r\rdata: 2\r\r', [{ name: 'a', data: '1' }, { data: '2' }]],
    [
      'line ends of every kind at once',
      'data: 1\r\n\rdata: 2\n\r\ndata: 3\r\r\n',
      [{ data: '1' }, { data: '2' }, { data: '3' }],
    ],
    ['a byte order mark', '\u{feff}data: 1\n\n', [{ data: '1' }]],
    ['a field without a space', 'data:1\n\n', [{ data: '1' }]],
    ['a field with two spaces', 'data:  1\n\n', [{ data: ' 1' }]],
    ['a field without a value', 'data\n\n', [{ data: '' }]],
    ['a value with colons', 'data: a: b\n\n', [{ data: 'a: b' }]],
    ['an event without data', 'event: a\nid: 1\n\n', []],
    ['an empty name', 'event:\ndata: 1\n\n', [{ name: 'message' }]],
    ['fields that nobody knows', 'retry: 5\nfoo: bar\ndata: 1\n\n', [{ data: '1' }]],
    ['comments between fields', 'data: 1\n: still there\ndata: 2\n\n', [{ data: '1\n2' }]],
    ['an id that is taken back', 'id: 7\n\nid\ndata: 1\n\n', [{ id: '', data: '1' }]],
    ['an id with a zero character', 'id: 7\n\nid: 8\0\ndata: 1\n\n', [{ id: '7', data: '1' }]],
    ['an event that has not ended', 'data: 1\n', []],
    ['nothing but empty lines', '\n\n\r\r\n\n', []],
  ])('reads %s', (_name, text, expected) => {
    for (const size of [1, 2, 3, text.length]) expect(parse(text, size).events).toMatchObject(expected);
    expect(parse(text).events).toHaveLength(expected.length);
  });

  test.each([
    ['in one line', `data: ${LONG}\n\n`],
    ['in many lines', `${'data: y\n'.repeat(10_000)}\n`],
    ['with a line of its own inside', `data: ${LONG}\ndata: not this either\nid: 9\n\n`],
    ['in an unknown field', `${LONG}\n\n`],
  ])('drops an event that is longer than any of ours, %s, and nothing else', (_name, long) => {
    const text = `id: 1\ndata: before\n\n${long}data: behind\n\n`;
    for (const size of [1_000, 4_099, text.length])
      expect(parse(text, size)).toEqual({
        events: [
          { id: '1', name: 'message', data: 'before' },
          { id: '1', name: 'message', data: 'behind' },
        ],
        lastId: '1',
      });
  });

  test('holds nothing of an event without an end', () => {
    const parser = new EventParser();
    const before = heldBytes();
    for (let fed = 0; fed < 2_000; fed += 1) parser.feed(`data: ${LONG}${fed}\n`);
    expect(heldBytes() - before).toBeLessThan(2_000_000);
  });

  test('reads the same of any text, however it is cut', () => {
    const piece = fc.constantFrom(
      'data',
      'id',
      'event',
      ':',
      ' ',
      '\n',
      '\r',
      '\r\n',
      '\n\n',
      'x',
      'ä',
      '\0',
      '\u{feff}',
      '1',
    );
    const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 20 }), (stream, size) => {
        expect(parse(stream, size)).toEqual(parse(stream));
      }),
      { numRuns: 5_000 },
    );
  });
});
