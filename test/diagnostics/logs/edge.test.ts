import { describe, expect, test } from 'vitest';
import { parseEdgeLog } from '../../../src/diagnostics/logs/index.ts';

/** As nginx 1.22.1 and HAProxy 2.6.12 wrote them; the second proxy is asked by a client that was silent, then left, then reset. */
const NGINX = [
  '127.0.0.1 - - [26/Nov/2026:03:11:24 +0000] "GET /websockify?token=abc HTTP/1.1" 101 0 "-" "-"',
  '2026/11/26 03:11:24 [info] 7645#7645: *1 upstream timed out (110: Connection timed out) while proxying upgraded connection, client: 127.0.0.1, server: , request: "GET /websockify?token=abc HTTP/1.1", upstream: "http://127.0.0.1:28711/websockify?token=abc", host: "127.0.0.1:28712"',
  '2026/11/26 03:11:25 [notice] 7645#7645: signal 15 (SIGTERM) received from 7638, exiting',
];
const HAPROXY = [
  '127.0.0.1:58512 [26/Nov/2026:03:11:22.351] a a/s1 0/0/0/9/2010 101 132 - - cD-- 2/1/0/0/0 0/0 "GET /websockify?token=abc HTTP/1.1"',
  '127.0.0.1:58522 [26/Nov/2026:03:11:22.352] a a/s1 0/0/0/10/312 101 132 - - CD-- 5/3/2/2/0 0/0 "GET /rst HTTP/1.1"',
  '127.0.0.1:58520 [26/Nov/2026:03:11:22.352] a a/s1 0/0/0/10/515 101 136 - - ---- 4/2/1/1/0 0/0 "GET /bye HTTP/1.1"',
  '127.0.0.1:54498 [26/Nov/2026:03:11:22.346] t t/s1 1/0/2015 129 cD 3/1/0/0/0 0/0',
  '127.0.0.1:59904 [26/Nov/2026:03:11:22.352] r r/s1 0/0/-1/-1/3004 503 217 - - SC-- 1/1/0/0/3 0/0 "GET /websockify?token=abc HTTP/1.1"',
];

describe('nginx', () => {
  test('logs an upgrade as 101 when it ends, and in its error log which timer cut it', () => {
    expect(parseEdgeLog(NGINX)).toMatchObject([
      { line: 1, by: 'nginx', status: 101, path: '/websockify?token=abc', end: undefined },
      {
        line: 2,
        by: 'nginx',
        endedAtMs: Date.parse('2026-11-26T03:11:24Z'),
        path: '/websockify?token=abc',
        end: {
          by: 'timer',
          text: 'upstream timed out (110: Connection timed out) while proxying upgraded connection',
        },
      },
      { line: 3, by: 'nginx', end: { by: 'proxy' } },
    ]);
  });

  test('may log in JSON, and with fields behind the combined format', () => {
    const json = JSON.stringify({
      time_iso8601: '2026-11-26T03:11:24+00:00',
      status: '101',
      request_time: '2.003',
      request_uri: '/w',
      http_sec_websocket_key: 'k',
    });
    const more = `${NGINX[0]!} rt=2.003 "10.0.0.1"`;
    expect(parseEdgeLog([json, more])).toMatchObject([
      { by: 'nginx', durationMs: 2_003, status: 101, path: '/w', wsKey: 'k' },
      { by: 'nginx', status: 101 },
    ]);
  });
});

describe('HAProxy', () => {
  test('says in its termination state who ended a session, in HTTP and in TCP mode', () => {
    const lines = parseEdgeLog(HAPROXY);
    expect(lines.map(({ status, durationMs, end }) => [status, durationMs, end?.by])).toEqual([
      [101, 2_010, 'timer'],
      [101, 312, 'client'],
      [101, 515, undefined],
      [undefined, 2_015, 'timer'],
      [503, 3_004, 'server'],
    ]);
    expect(lines[0]).toMatchObject({
      client: '127.0.0.1:58512',
      endedAtMs: Date.parse('2026-11-26T03:11:24.361Z'),
      end: { text: 'cD--: the client side was silent for longer than its timeout' },
    });
  });

  test('may write through syslog', () => {
    const line = `Nov 26 03:11:24 edge haproxy[123]: ${HAPROXY[0]!}`;
    expect(parseEdgeLog([line])).toMatchObject([{ by: 'haproxy', status: 101, client: '127.0.0.1:58512' }]);
  });
});

test('lines of Traefik are taken as well, in both formats', () => {
  const json =
    '{"DownstreamStatus":0,"Duration":1211063652,"StartUTC":"2026-11-23T15:31:49.000Z","RequestPath":"/w","request_Sec-Websocket-Key":"k"}';
  const common =
    '127.0.0.1 - - [23/Nov/2026:15:31:49 +0000] "GET /w HTTP/1.1" 0 0 "-" "-" 1 "ws@file" "http://127.0.0.1:7101" 1208ms';
  expect(parseEdgeLog([json, common])).toMatchObject([
    {
      by: 'traefik',
      wsKey: 'k',
      durationMs: 1211.063652,
      endedAtMs: Date.parse('2026-11-23T15:31:50.211Z') + 0.063652,
    },
    { by: 'traefik', durationMs: 1_208 },
  ]);
});

test.each([
  '',
  '{',
  '{"status":"x"}',
  '\0\u001b[31m',
  '127.0.0.1:1 [now] a b/c',
  'x'.repeat(100_000),
  '[26/Nov/2026',
  '�',
])('%# is no line of a proxy', (text) => {
  expect(parseEdgeLog([text])).toEqual([]);
});

test('a line that is cut anywhere never throws', () => {
  for (const line of [...NGINX, ...HAPROXY])
    for (let cut = 0; cut < line.length; cut += 1) expect(parseEdgeLog([line.slice(0, cut)]).length).toBeLessThan(2);
});
