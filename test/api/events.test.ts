import { describe, expect, test } from 'vitest';
import {
  END_REASONS,
  EVENT_SCHEMAS,
  PROBLEM_TYPE,
  problemSchema,
  redeemSchema,
  viewerReportSchema,
} from '../../src/api/index.ts';

const AT = '2026-11-23T15:04:05.000Z';

describe('events between services', () => {
  test.each(END_REASONS)('a session that ended because it was %s is read', (reason) => {
    const event = { session: 's', reason, detail: 'in words', at: AT };
    expect(EVENT_SCHEMAS['session.ended'].parse(event)).toEqual(event);
  });

  test.each([
    ['one token', { jti: 'j' }],
    ['one grant', { grant: 'g' }],
    ['all of a session', {}],
  ])('rights that are revoked of %s are read', (_name, of) => {
    const event = { session: 's', ...of, at: AT };
    expect(EVENT_SCHEMAS['rights.revoked'].parse(event)).toEqual(event);
  });

  test.each<[keyof typeof EVENT_SCHEMAS, unknown]>([
    ['session.ended', { session: 's', reason: 'bored', detail: '', at: AT }],
    ['session.ended', { reason: 'released', detail: '', at: AT }],
    ['session.ended', null],
    ['rights.revoked', { jti: 'j', at: AT }],
    ['rights.revoked', { session: 's', jti: 7, at: AT }],
    ['rights.revoked', 'all'],
  ])('a %s that lacks something is refused: %j', (name, event) => {
    expect(EVENT_SCHEMAS[name].safeParse(event).success).toBe(false);
  });
});

describe('what a gateway tells control', () => {
  test('is its viewers by session and token', () => {
    const report = { viewers: [{ session: 's', jti: 'j', viewers: 2, lastActivityAt: AT }] };
    expect(viewerReportSchema.parse(report)).toEqual(report);
    expect(viewerReportSchema.parse({ viewers: [] })).toEqual({ viewers: [] });
  });

  test.each([
    ['a negative count', { viewers: [{ session: 's', jti: 'j', viewers: -1, lastActivityAt: AT }] }],
    ['half a viewer', { viewers: [{ session: 's', jti: 'j', viewers: 0.5, lastActivityAt: AT }] }],
    ['no list', { viewers: {} }],
  ])('is refused with %s', (_name, report) => {
    expect(viewerReportSchema.safeParse(report).success).toBe(false);
  });

  test('is the token that is to be used once, with its end', () => {
    expect(redeemSchema.parse({ jti: 'j', exp: 1_795_647_854 })).toEqual({ jti: 'j', exp: 1_795_647_854 });
    expect(redeemSchema.safeParse({ jti: 'j', exp: 1.5 }).success).toBe(false);
    expect(redeemSchema.safeParse({ exp: 1 }).success).toBe(false);
  });
});

test('a problem document is read with its code and the request that it belongs to', () => {
  const problem = {
    status: 410,
    title: 'Gone',
    detail: 'the session has ended',
    code: 'session_ended',
    requestId: 'r',
  };
  expect(problemSchema.parse({ type: 'about:blank', ...problem })).toEqual(problem);
  expect(problemSchema.safeParse({ ...problem, code: undefined }).success).toBe(false);
  expect(PROBLEM_TYPE).toBe('application/problem+json');
});
