import { describe, expect, test } from 'vitest';
import { reapedAt, timeOf } from '../../../src/diagnostics/host/reaped.ts';

const AT = Date.parse('2026-11-26T03:02:09.500Z');

describe('the time of a line', () => {
  test.each([
    '2026-11-26T03:02:09.500Z INFO x',
    '{"time":"2026-11-26T03:02:09.500Z","msg":"x"}',
    '2026-11-26T04:02:09.500123+01:00 x',
    '{"ts":1795662129.5,"msg":"x"}',
    '{"timestamp":1795662129500,"msg":"x"}',
  ])('%s', (line) => {
    expect(timeOf(line)).toBe(AT);
  });

  test.each(['', 'no time', '99:99', '2026-99-99T03:02:09Z x'])('%j has none', (line) => {
    expect(timeOf(line)).toBeUndefined();
  });

  test('without a zone is that of this machine, with a comma as well', () => {
    expect(timeOf('2026-11-26 03:02:09,500 INFO x')).toBe(new Date(2026, 10, 26, 3, 2, 9, 500).getTime());
  });
});

describe('the line of a control plane that ended a session', () => {
  const line = (beforeMs: number, text: string): string => `${new Date(AT - beforeMs).toISOString()} ${text}`;

  test('is the last before the cut that says so', () => {
    const lines = [line(9_000, 'session a idle for 300 s'), line(20, 'deleting session a'), line(10, 'all is well')];
    expect(reapedAt(lines, AT)).toMatchObject({ file: 'control.log', line: 2 });
  });

  test.each([
    ['long before', 60_000, 'deleting session a'],
    ['long after', -10_000, 'deleting session a'],
    ['about something else', 10, 'session a is ready'],
  ])('%s is none', (_what, beforeMs, text) => {
    expect(reapedAt([line(beforeMs, text)], AT)).toBeUndefined();
  });

  test('is none where nothing was cut', () => {
    expect(reapedAt([line(10, 'deleting session a')], Number.POSITIVE_INFINITY)).toBeUndefined();
  });
});
