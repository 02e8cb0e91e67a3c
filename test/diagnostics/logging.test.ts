import { describe, expect, test } from 'vitest';
import { judgeLogging } from '../../src/diagnostics/logging.ts';
import type { AccessLine } from '../../src/diagnostics/logs/index.ts';

const SINCE = Date.parse('2026-11-23T15:31:40.000Z');
const PLAIN: AccessLine = {
  line: 3,
  startedAt: '2026-11-23T15:31:49.000Z',
  status: 426,
  originStatus: 426,
  durationMs: 1,
  path: '/vnc/desk/websockify',
  router: 'vnc@file',
  service: 'vnc@file',
  serviceAddr: '10.0.0.5:6900',
  wsKey: undefined,
  accept: undefined,
  client: undefined,
};
const SOCKET: AccessLine = { ...PLAIN, line: 2, status: 0, originStatus: 0, wsKey: 'k1' };
const RUN = { sockets: ['k1', 'k2'], path: '/vnc/desk/websockify', sinceMs: SINCE };

describe('an access log', () => {
  test('with a plain request and no socket of the same run leaves sockets out: no fault, and it is said', () => {
    expect(judgeLogging({ ...RUN, access: [PLAIN] })).toMatchObject({
      code: 'CF-TRAEFIK-LOG',
      severity: 'info',
      evidence: [{ file: 'traefik-access.log', line: 3 }],
    });
  });

  test.each<[string, readonly AccessLine[], readonly string[]]>([
    ['that holds one of the sockets', [SOCKET, PLAIN], RUN.sockets],
    ['that keeps no headers, and has a socket on the path', [{ ...SOCKET, wsKey: undefined }, PLAIN], RUN.sockets],
    ['that holds nothing of the run', [], RUN.sockets],
    ['that holds only lines of older runs', [{ ...PLAIN, startedAt: '2026-11-23T12:00:00.000Z' }], RUN.sockets],
    ['of a run without sockets', [PLAIN], []],
  ])('%s is not complained of', (_what, access, sockets) => {
    expect(judgeLogging({ ...RUN, sockets, access })).toBeUndefined();
  });
});
