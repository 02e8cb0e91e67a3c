import { describe, expect, test } from 'vitest';
import { routeOf } from '../../src/gateway/routes.ts';
import { type LogLine, startTestGateway } from './support/gateway.ts';
import { startTestRunner } from './support/runner.ts';
import { ask, openViewer, refusalOf } from './support/viewer.ts';

describe('the viewer page', () => {
  test('comes with a policy that lets in nothing but its own files and its own socket', async () => {
    await using gateway = await startTestGateway({
      CAMOFLEET_GATEWAY_FRAME_ANCESTORS: "'self',https://wall.example.com",
      CAMOFLEET_GATEWAY_TRUSTED_PROXIES: '127.0.0.1',
    });
    const headers = { 'x-forwarded-host': 'fleet.example.com' };
    for (const path of ['/vnc/session-1', '/vnc/session-1/']) {
      const page = await ask(gateway.port, path, { headers });
      expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
      expect(String(page.headers['content-security-policy']).split('; ')).toEqual([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self' wss://fleet.example.com ws://fleet.example.com",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self' https://wall.example.com",
      ]);
      expect(page.headers).toMatchObject({
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      });
    }
  });

  test('cannot have its policy written by a Host header', async () => {
    await using gateway = await startTestGateway();
    const page = await ask(gateway.port, '/vnc/a', { headers: { host: "evil; script-src 'unsafe-inline'" } });
    expect(page.headers['content-security-policy']).toContain("connect-src 'self';");
    expect(page.headers['content-security-policy']).not.toContain('evil');
  });

  test('has its assets beside it, wherever it is', async () => {
    await using gateway = await startTestGateway();
    for (const path of [
      '/vnc/~assets/viewer-1.js',
      '/vnc/a/~assets/viewer-1.js',
      '/~assets/viewer-1.js',
      '/viewer-1.js',
    ]) {
      const asset = await ask(gateway.port, path);
      expect([path, asset.status, asset.headers['content-type']]).toEqual([
        path,
        200,
        'text/javascript; charset=utf-8',
      ]);
    }
    const other = await ask(gateway.port, '/vnc/~assets/other.js');
    expect([other.status, other.headers['x-content-type-options']]).toEqual([404, 'nosniff']);
  });
});

describe('a path', () => {
  test.each([
    ['/vnc/abc', undefined, { to: 'page' }],
    ['/', '/vnc/abc', { to: 'page' }],
    ['', '/vnc/abc', { to: 'page' }],
    ['/x.js', '/vnc/~assets', { to: 'asset', name: 'x.js' }],
    ['/websockify', '/vnc/6901', { to: 'socket', asked: { id: '6901', from: 'path' } }],
    ['/websockify?token=t', undefined, { to: 'socket', asked: { id: 't', from: 'query' } }],
    ['/websockify?token=t', '/base', { to: 'socket', asked: { id: 't', from: 'query' } }],
    ['/token', '/vnc/abc', { to: 'renew', sid: 'abc' }],
    ['/vnc/abc', '/base', { to: 'page' }],
    ['/vnc/abc/token', undefined, { to: 'renew', sid: 'abc' }],
    ['/vnc/a..b/websockify', undefined, { to: 'socket', asked: { id: 'a..b', from: 'path' } }],
    [`/vnc/${'a'.repeat(128)}/token`, undefined, { to: 'renew', sid: 'a'.repeat(128) }],
    [`/vnc/${'a'.repeat(129)}/token`, undefined, { to: 'nothing' }],
    ['/vnc/../websockify', undefined, { to: 'nothing' }],
    ['/vnc/..', undefined, { to: 'nothing' }],
    ['/../~assets/x', undefined, { to: 'nothing' }],
    ['/vnc/%2e/~assets/x', undefined, { to: 'nothing' }],
    ['/', '/vnc/..', { to: 'page' }],
    ['/vnc/a/b/c', undefined, { to: 'nothing' }],
    ['/vnc/', undefined, { to: 'nothing' }],
    ['/vnc//websockify', undefined, { to: 'nothing' }],
    ['/vnc/a%2e/websockify', undefined, { to: 'nothing' }],
    ['http://other/vnc/abc', undefined, { to: 'nothing' }],
  ])('%s behind a strip of %s', (url, prefix, route) => {
    expect(routeOf(url, prefix)).toEqual(route);
  });
});

describe('the internal listener', () => {
  test('counts what the log says', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway();
    const viewer = await openViewer(gateway.port, await gateway.token(runner.port));
    await refusalOf(gateway.port, 'nonsense');
    const metrics = async (): Promise<string> => (await ask(gateway.gateway.internalPort, '/metrics')).body;
    expect(await metrics()).toContain('camofleet_gateway_sessions 1');
    viewer.socket.close(1000);
    const [closed] = await gateway.log('session.closed');
    const text = await metrics();
    for (const line of [
      'camofleet_gateway_sessions 0',
      'camofleet_gateway_refused_total{code="token_invalid"} 1',
      'camofleet_gateway_opened_total{rights="control"} 1',
      'camofleet_gateway_closed_total{cause="viewer_closed"} 1',
      `camofleet_gateway_bytes_total{direction="down"} ${(closed as LogLine)['bytesDown'] as number}`,
    ])
      expect(text).toContain(line);
    expect((await ask(gateway.port, '/metrics')).status).toBe(404);
  });
});
