import { describe, expect, test } from 'vitest';
import { parseAccessLog, parseServiceLog } from '../../../src/diagnostics/logs/index.ts';

/** As measured on Traefik 3.7.15. */
const JSON_LINE =
  '{"DownstreamContentSize":0,"DownstreamStatus":0,"Duration":1211063652,"OriginContentSize":0,"OriginDuration":1209654210,"OriginStatus":0,"Overhead":1409442,"RequestMethod":"GET","RequestPath":"/ws/x","RequestProtocol":"HTTP/1.1","RequestScheme":"https","RetryAttempts":0,"RouterName":"ws@file","ServiceAddr":"127.0.0.1:7101","ServiceName":"up@file","StartUTC":"2026-11-23T15:31:49.123Z","origin_Sec-Websocket-Accept":"pcqJ","origin_Upgrade":"websocket","request_Sec-Websocket-Key":"9BQV"}';
const COMMON_LINE =
  '127.0.0.1 - - [23/Nov/2026:15:31:49 +0000] "GET /ws/x?token=abc HTTP/1.1" 0 0 "-" "-" 1 "ws@file" "http://127.0.0.1:7101" 1208ms';

describe('access logs', () => {
  test('an upgrade in JSON is status 0, with its lifetime, key and accept', () => {
    expect(parseAccessLog([JSON_LINE])).toEqual([
      {
        line: 1,
        startedAt: '2026-11-23T15:31:49.123Z',
        status: 0,
        originStatus: 0,
        durationMs: 1211.063652,
        path: '/ws/x',
        router: 'ws@file',
        service: 'up@file',
        serviceAddr: '127.0.0.1:7101',
        wsKey: '9BQV',
        accept: 'pcqJ',
      },
    ]);
  });

  test('an upgrade in common log format is 0 0 … 1208ms', () => {
    expect(parseAccessLog(['noise', COMMON_LINE])).toEqual([
      {
        line: 2,
        startedAt: '2026-11-23T15:31:49.000Z',
        status: 0,
        originStatus: 0,
        durationMs: 1208,
        path: '/ws/x?token=abc',
        router: 'ws@file',
        service: undefined,
        serviceAddr: '127.0.0.1:7101',
        wsKey: undefined,
        accept: undefined,
      },
    ]);
  });

  test('a refusal without router, and generic common log format', () => {
    const lines = [
      '10.0.0.1 - admin [23/Nov/2026:16:31:49 +0100] "GET /x HTTP/2.0" 404 19 "-" "curl/8" 2 "-" "-" 0ms',
      '::1 - - [23/Nov/2026:15:31:49 +0000] "GET /x HTTP/1.1" 200 - "-" "-"',
    ];
    expect(parseAccessLog(lines)).toMatchObject([
      { status: 404, startedAt: '2026-11-23T15:31:49.000Z', router: undefined, serviceAddr: undefined, durationMs: 0 },
      { status: 200, router: undefined },
    ]);
  });

  test.each(['', '{', '{}', '{"DownstreamStatus":"0"}', 'null', '[1]', '127.0.0.1 - - [now] "GET', '\0\u001b['])(
    '%j is no line of it',
    (line) => {
      expect(parseAccessLog([line])).toEqual([]);
    },
  );
});

test('lines of a service have their number, time, event and facts', () => {
  const lines = [
    'Debugger attached.',
    '{"time":"t","level":"info","event":"session.closed","wsKey":"k","code":1000}',
    '{"event":1}',
    '{"ev',
  ];
  expect(parseServiceLog(lines)).toEqual([
    { line: 2, time: 't', event: 'session.closed', facts: { level: 'info', wsKey: 'k', code: 1000 } },
  ]);
});
