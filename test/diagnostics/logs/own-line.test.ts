import { describe, expect, test } from 'vitest';
import { type AccessLine, ownLine } from '../../../src/diagnostics/logs/index.ts';

const AT = Date.parse('2026-11-23T15:31:49.500Z');
const LINE: AccessLine = {
  line: 1,
  startedAt: '2026-11-23T15:31:49.600Z',
  status: 404,
  originStatus: 0,
  durationMs: 1,
  path: '/vnc/desk/websockify?token=x',
  router: undefined,
  service: undefined,
  serviceAddr: undefined,
  wsKey: undefined,
  accept: undefined,
  client: undefined,
};
const ASKED = { key: 'k', path: '/vnc/desk/websockify', status: 404, from: AT, until: AT + 500 };
const later = { ...LINE, startedAt: '2026-11-23T15:35:00.000Z' };

describe('the own line in an access log', () => {
  test.each<[string, readonly AccessLine[], Partial<typeof ASKED>, AccessLine | undefined]>([
    ['has the key', [LINE, { ...LINE, wsKey: 'k', status: 0 }], {}, { ...LINE, wsKey: 'k', status: 0 }],
    ['has, without keys, path, time and status', [later, LINE], {}, LINE],
    ['is not known where two are alike', [LINE, { ...LINE, line: 2 }], {}, undefined],
    ['is none with the key of another', [{ ...LINE, wsKey: 'other' }], {}, undefined],
    ['is none of another time', [later], {}, undefined],
    ['is none of another status', [{ ...LINE, status: 200 }], {}, undefined],
    ['is none of another path', [{ ...LINE, path: '/' }], {}, undefined],
    [
      'of a request that we left has status 499, whatever its key is',
      [{ ...LINE, status: 499, wsKey: 'made' }],
      { key: '', status: 0 },
      { ...LINE, status: 499, wsKey: 'made' },
    ],
  ])('%s', (_what, lines, more, expected) => {
    expect(ownLine(lines, { ...ASKED, ...more })).toEqual(expected);
  });
});
