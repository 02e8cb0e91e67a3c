import { expect, test } from 'vitest';
import { judgeHttp2 } from '../../../src/diagnostics/checks/http2.ts';
import type { Http2Facts } from '../../../src/diagnostics/probe/index.ts';

test.each<[string, Http2Facts | undefined, string, string | undefined]>([
  ['could not be tried', undefined, 'skip', undefined],
  ['is not on offer', { offered: false }, 'pass', undefined],
  ['opens', { offered: true, opens: true, saw: 'answered 200' }, 'pass', undefined],
  ['is offered and refused', { offered: true, opens: false, saw: 'answered 501' }, 'fail', 'CF-TRAEFIK-H2'],
])('WebSocket over HTTP/2 that %s', (_what, facts, status, code) => {
  const verdict = judgeHttp2(facts);
  expect(verdict.status).toBe(status);
  expect('code' in verdict ? verdict.code : undefined).toBe(code);
});
