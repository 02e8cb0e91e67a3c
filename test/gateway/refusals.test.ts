import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomId } from '../../src/core/index.ts';
import { type TokenClaims } from '../../src/tokens/index.ts';
import { type TestGateway, startTestGateway } from './support/gateway.ts';
import { SERVER_INIT, closedPort, startRawRunner, startTestRunner } from './support/runner.ts';
import { ask, openViewer, refusalOf } from './support/viewer.ts';

const LIMITS = { TCP_CONNECT_TIMEOUT_MS: '300', CAMOFLEET_GATEWAY_GREETING_TIMEOUT_MS: '300' };

describe('a refusal', () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway({ ...LIMITS, CAMOFLEET_GATEWAY_FAILED_ATTEMPTS_PER_MINUTE: '0' });
  });
  afterAll(() => gateway[Symbol.asyncDispose]());

  const tokens: readonly [string, () => Promise<string>, number, string][] = [
    ['a missing token', async () => '', 400, 'id_missing'],
    ['a token with a character that none has', async () => 'a%20b', 400, 'id_malformed'],
    ['CRLF in a token', async () => 'a%0d%0aSet-Cookie:x', 400, 'id_malformed'],
    ['a word that is no token', async () => 'nonsense', 401, 'token_invalid'],
    ['a token without its tag', async () => (await gateway.token(1)).replace(/\.[^.]*$/, '.'), 401, 'token_invalid'],
    ['an altered token', async () => altered(await gateway.token(1)), 401, 'token_invalid'],
    ['an expired token', async () => gateway.token(1, { iat: 1, exp: 2 }), 401, 'token_expired'],
    ['a token of a foreign fleet', async () => gateway.token(1, { aud: 'other' }), 401, 'token_foreign'],
    [
      'a target that is not allowed',
      async () => gateway.token(1, { target: { host: '10.0.0.1', port: 1 } }),
      403,
      'target_refused',
    ],
  ];

  test.each(tokens)('for %s has its status, also without upgrade', async (_name, token, status, code) => {
    const given = await token();
    const path = `/websockify?token=${given}`;
    for (const answer of [await refusalOf(gateway.port, '', { path }), await ask(gateway.port, path)]) {
      expect(answer.status).toBe(status);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(answer.problem).toEqual({
        status,
        code,
        title: expect.any(String),
        detail: expect.any(String),
        requestId: expect.any(String),
      });
    }
  });

  const runners: readonly [string, (socket: import('node:net').Socket) => void, number, string][] = [
    ['never greets', () => {}, 504, 'greeting_timeout'],
    ['greets and then says nothing', (socket) => socket.write('RFB 003.008\n'), 504, 'greeting_timeout'],
    ['greets with garbage', (socket) => socket.write('SSH-2.0-OpenSSH_9.7\r\n'), 502, 'runner_not_rfb'],
    ['closes before its greeting', (socket) => socket.end(), 502, 'runner_reset'],
    ['resets the connection', (socket) => socket.resetAndDestroy(), 502, 'runner_reset'],
    ['speaks only TLS security', (socket) => socket.write('RFB 003.008\n\x01\x13'), 502, 'runner_auth'],
    ['refuses with a reason', (socket) => socket.write('RFB 003.008\n\x00\x00\x00\x00\x04busy'), 502, 'runner_reset'],
  ];

  test.each(runners)('for a runner that %s comes within its time limit', async (_name, serve, status, code) => {
    await using runner = await startRawRunner(serve);
    const began = performance.now();
    const answer = await refusalOf(gateway.port, await gateway.token(runner.port));
    expect([answer.status, answer.problem.code]).toEqual([status, code]);
    expect(performance.now() - began).toBeLessThan(1_500);
  });

  test('for a runner that refuses the connection is 502 at once', async () => {
    const answer = await refusalOf(gateway.port, await gateway.token(await closedPort()));
    expect([answer.status, answer.problem.code]).toEqual([502, 'runner_refused']);
  });

  test('for the password of an ended session is 410, and not a pixel is seen', async () => {
    await using runner = await startTestRunner({ password: 'anotherpw' });
    const answer = await refusalOf(gateway.port, await gateway.token(runner.port));
    expect([answer.status, answer.problem.code]).toEqual([410, 'session_ended']);
    expect(answer.body).not.toContain(SERVER_INIT.toString('latin1'));
  });

  test('for a runner that asks for no password where the session has one is 410', async () => {
    await using runner = await startTestRunner({ password: undefined });
    const answer = await refusalOf(gateway.port, await gateway.token(runner.port));
    expect([answer.status, answer.problem.code]).toEqual([410, 'session_ended']);
  });

  test('of a plain request never dials', async () => {
    await using runner = await startTestRunner();
    const answer = await ask(gateway.port, `/websockify?token=${await gateway.token(runner.port)}`);
    expect([answer.status, answer.body]).toEqual([200, '{"ready":true}']);
    expect(runner.connections).toBe(0);
  });

  test('for an upgrade that is no WebSocket handshake is 426 and says the version', async () => {
    const headers = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-version': '8' };
    const answer = await ask(gateway.port, '/websockify?token=x', { headers });
    expect([answer.status, answer.problem.code]).toEqual([426, 'upgrade_required']);
    expect(answer.headers['sec-websocket-version']).toBe('13');
  });

  test('for an upgrade to another protocol is the answer to a plain request', async () => {
    const headers = { connection: 'upgrade', upgrade: 'h2c' };
    expect((await ask(gateway.port, '/healthz', { headers })).status).toBe(200);
  });

  test('for a subprotocol that a browser would not be given is 400', async () => {
    const answer = await refusalOf(gateway.port, await gateway.token(1), { protocols: ['base64'] });
    expect([answer.status, answer.problem.code]).toEqual([400, 'subprotocol_refused']);
  });

  test.each([
    ['/vnc/6901/websockify', 'GET', 426],
    ['/nothing/here', 'GET', 404],
    ['/vnc/a%2fb', 'GET', 404],
    ['/vnc/~assets/../../etc/passwd', 'GET', 404],
    ['/vnc/6901', 'DELETE', 405],
    ['/healthz', 'POST', 405],
  ])('for %s with %s is %i', async (path, method, status) => {
    const answer = await ask(gateway.port, path, { method });
    expect([answer.status, answer.problem.status]).toEqual([status, status]);
  });

  test('for a body that no request has is 413, and the connection ends', async () => {
    const answer = await ask(gateway.port, '/vnc/session-1/token', { method: 'POST', body: 'x'.repeat(5_000) });
    expect(answer.status).toBe(413);
    expect(answer.headers.connection).toBe('close');
  });

  test('ends the connection also when the peer does not let go', async () => {
    const socket = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.write(
      'GET /websockify HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    socket.on('error', () => {}); // the gateway cuts; how it looks here does not matter
    socket.resume();
    await new Promise((resolve) => socket.once('end', resolve));
    await expect.poll(() => tryWrite(socket), { timeout: 5_000, interval: 100 }).toBe('gone');
  });

  test('is one line in the log, with the key of the handshake', async () => {
    const before = gateway.lines.length;
    const answer = await refusalOf(gateway.port, 'nonsense');
    const added = gateway.lines.slice(before).map((line) => JSON.parse(line));
    expect(added).toHaveLength(1);
    expect(added[0]).toMatchObject({
      event: 'session.refused',
      status: 401,
      code: 'token_invalid',
      remote: '127.0.0.1',
      request: answer.problem.requestId,
      wsKey: expect.stringMatching(/==$/),
    });
  });
});

describe('open identities', () => {
  test('lead where the map or the range says, and are unknown elsewhere', async () => {
    await using mapped = await startTestRunner();
    await using ranged = await startTestRunner({ password: undefined });
    const passwordFile = join(tmpdir(), `camofleet-pw-${randomId()}`);
    writeFileSync(passwordFile, 'canarypw\n');
    await using gateway = await startTestGateway({
      VNC_MAP_JSON: JSON.stringify({
        demo: { host: '127.0.0.1', port: mapped.port, password_file: passwordFile },
        bare: { host: '127.0.0.1', port: mapped.port },
        lost: { host: '127.0.0.1', port: mapped.port, password_file: '/nowhere/pw' },
      }),
      VNC_DEFAULT_HOST: '127.0.0.1',
      VNC_WEB_RANGE: '6900-6999',
      VNC_BASE_PORT: String(ranged.port),
    });
    for (const path of ['/vnc/demo/websockify', '/websockify?token=demo', '/websockify?token=6900']) {
      const viewer = await openViewer(gateway.port, '', { path });
      await viewer.until(SERVER_INIT.length);
      viewer.socket.terminate();
    }
    const bare = await refusalOf(gateway.port, '', { path: '/vnc/bare/websockify' });
    expect([bare.status, bare.problem.code]).toEqual([502, 'runner_auth']);
    const lost = await refusalOf(gateway.port, '', { path: '/vnc/lost/websockify' });
    expect([lost.status, lost.problem.code]).toEqual([502, 'runner_auth']);
    const unknown = await refusalOf(gateway.port, '', { path: '/vnc/7100/websockify' });
    expect([unknown.status, unknown.problem.code]).toEqual([404, 'unknown_id']);
  });

  test('are a warning in the log and in /readyz on an address that others reach', async () => {
    const map = JSON.stringify({ a: { host: '127.0.0.1', port: 1 } });
    await using gateway = await startTestGateway({ HTTP_HOST: '0.0.0.0', VNC_MAP_JSON: map });
    expect((await gateway.log('identity.open'))[0]).toMatchObject({ level: 'warn', host: '0.0.0.0' });
    expect(JSON.parse((await ask(gateway.port, '/readyz')).body).warnings).toHaveLength(1);
  });
});

describe('an Origin', () => {
  const token = (gateway: TestGateway, port: number, claims: Partial<TokenClaims> = {}): Promise<string> =>
    gateway.token(port, claims);

  test('that is present must be the host, or be allowed by name', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway({ CAMOFLEET_GATEWAY_ALLOWED_ORIGINS: 'https://wall.example.com' });
    const good = await token(gateway, runner.port);
    for (const origin of [`http://127.0.0.1:${gateway.port}`, 'https://wall.example.com']) {
      const viewer = await openViewer(gateway.port, good, { headers: { origin } });
      viewer.socket.terminate();
    }
    for (const origin of ['https://evil.example.com', 'null', 'https://wall.example.com.evil.com']) {
      const answer = await refusalOf(gateway.port, good, { headers: { origin } });
      expect([answer.status, answer.problem.code]).toEqual([403, 'origin_refused']);
    }
  });

  test('is compared with the host that a trusted proxy says the viewer typed', async () => {
    await using runner = await startTestRunner();
    await using trusting = await startTestGateway({ CAMOFLEET_GATEWAY_TRUSTED_PROXIES: '127.0.0.0/8' });
    await using wary = await startTestGateway();
    const headers = { origin: 'https://fleet.example.com', 'x-forwarded-host': 'fleet.example.com:443' };
    const viewer = await openViewer(trusting.port, await trusting.token(runner.port), { headers });
    viewer.socket.terminate();
    expect((await refusalOf(wary.port, await wary.token(runner.port), { headers })).status).toBe(403);
  });
});

describe('admission', () => {
  test('refuses an address that failed too often, but lets good tokens of the same address in', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway({ CAMOFLEET_GATEWAY_FAILED_ATTEMPTS_PER_MINUTE: '3' });
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 5; attempt += 1) statuses.push((await refusalOf(gateway.port, 'bad')).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    const answer = await ask(gateway.port, '/websockify?token=bad');
    expect([answer.status, answer.headers['retry-after']]).toEqual([429, '5']);
    const viewer = await openViewer(gateway.port, await gateway.token(runner.port));
    viewer.socket.terminate();
    gateway.clock.pass(60_001);
    expect((await refusalOf(gateway.port, 'bad')).status).toBe(401);
  });

  test('counts bad bearers of renewals as well, and renews good ones all the same', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway({ CAMOFLEET_GATEWAY_FAILED_ATTEMPTS_PER_MINUTE: '3' });
    const good = await gateway.token(runner.port);
    const viewer = await openViewer(gateway.port, good);
    const renew = async (token: string): Promise<number> => {
      const headers = { authorization: `Bearer ${token}` };
      return (await ask(gateway.port, '/vnc/session-1/token', { method: 'POST', headers })).status;
    };
    const statuses: number[] = [];
    for (const token of ['bad', 'bad', '', 'bad', `${good}x`, good]) statuses.push(await renew(token));
    expect(statuses).toEqual([401, 401, 401, 429, 429, 200]);
    viewer.socket.terminate();
  });

  test('counts by the address that no configured proxy added', async () => {
    await using gateway = await startTestGateway({
      CAMOFLEET_GATEWAY_FAILED_ATTEMPTS_PER_MINUTE: '1',
      CAMOFLEET_GATEWAY_TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8',
    });
    const from = (chain: string): Promise<{ status: number }> =>
      refusalOf(gateway.port, 'bad', { headers: { 'x-forwarded-for': chain, 'x-request-id': 'edge-1' } });
    expect((await from('6.6.6.6, 198.51.100.7, 10.1.2.3')).status).toBe(401);
    expect((await from('198.51.100.7')).status).toBe(429);
    expect((await from('198.51.100.8')).status).toBe(401);
    const [line] = await gateway.log('session.refused');
    expect(line).toMatchObject({ remote: '198.51.100.7', request: 'edge-1' });
  });

  test('counts a /64 of IPv6 as one, and another /64 as another', async () => {
    await using gateway = await startTestGateway({
      CAMOFLEET_GATEWAY_FAILED_ATTEMPTS_PER_MINUTE: '2',
      CAMOFLEET_GATEWAY_TRUSTED_PROXIES: '127.0.0.1',
    });
    const from = async (address: string): Promise<number> =>
      (await ask(gateway.port, '/websockify?token=bad', { headers: { 'x-forwarded-for': address } })).status;
    const statuses: number[] = [];
    for (const address of ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:0db8:0001:0002:1::', '2001:db8:1:3::1'])
      statuses.push(await from(address));
    expect(statuses).toEqual([401, 401, 429, 401]);
    expect((await gateway.log('session.refused', 3))[2]).toMatchObject({ remote: '2001:0db8:0001:0002:1::' });
  });

  test('believes no forwarded address of a caller that is no configured proxy', async () => {
    await using gateway = await startTestGateway({ CAMOFLEET_GATEWAY_FAILED_ATTEMPTS_PER_MINUTE: '1' });
    const headers = (last: number): Record<string, string> => ({
      'x-forwarded-for': `198.51.100.${last}`,
      'x-real-ip': `198.51.100.${last}`,
      forwarded: `for=198.51.100.${last}`,
      'x-request-id': 'stranger',
    });
    expect((await refusalOf(gateway.port, 'bad', { headers: headers(1) })).status).toBe(401);
    expect((await refusalOf(gateway.port, 'bad', { headers: headers(2) })).status).toBe(429);
    const [line] = await gateway.log('session.refused');
    expect(line).toMatchObject({ remote: '127.0.0.1', request: expect.not.stringContaining('stranger') });
  });

  test('lets thousands of good attempts of one address pass, also while the address is blocked', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway({ CAMOFLEET_GATEWAY_FAILED_ATTEMPTS_PER_MINUTE: '2' });
    const good = await gateway.token(runner.port);
    const statuses = new Map<number, number>();
    const count = (status: number): void => void statuses.set(status, (statuses.get(status) ?? 0) + 1);
    for (let round = 0; round < 20; round += 1) {
      const asked = Array.from({ length: 100 }, () => ask(gateway.port, `/websockify?token=${good}`));
      for (const { status } of await Promise.all(asked)) count(status);
      const viewers = await Promise.all(Array.from({ length: 10 }, () => openViewer(gateway.port, good)));
      for (const { socket } of viewers) socket.terminate();
      count((await ask(gateway.port, '/websockify?token=bad')).status);
    }
    expect([...statuses]).toEqual([
      [200, 2_000],
      [401, 2],
      [429, 18],
    ]);
  });

  test('answers 503 with Retry-After when all places are taken, and gives a place back at the end', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway({ MAX_CONCURRENT_SESSIONS: '1' });
    const good = await gateway.token(runner.port);
    const viewer = await openViewer(gateway.port, good);
    const answer = await refusalOf(gateway.port, good);
    expect([answer.status, answer.problem.code, answer.headers['retry-after']]).toEqual([503, 'at_capacity', '5']);
    viewer.socket.close();
    await gateway.log('session.closed');
    (await openViewer(gateway.port, good)).socket.terminate();
  });

  test('gives the place of a viewer back that left while its runner was dialled', async () => {
    await using silent = await startRawRunner(() => {});
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway({ MAX_CONCURRENT_SESSIONS: '1' });
    const raw = connect({ port: gateway.port, host: '127.0.0.1' });
    raw.write(
      `GET /websockify?token=${await gateway.token(silent.port)} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await expect.poll(() => silent.connections).toBe(1);
    raw.resetAndDestroy();
    const [line] = await gateway.log('session.refused');
    expect(line).toMatchObject({ code: 'viewer_left', session: 'session-1' });
    (await openViewer(gateway.port, await gateway.token(runner.port))).socket.terminate();
  });
});

function altered(token: string): string {
  const parts = token.split('.');
  const body = parts[3]!;
  parts[3] = (body.startsWith('A') ? 'B' : 'A') + body.slice(1);
  return parts.join('.');
}

function tryWrite(socket: import('node:net').Socket): 'gone' | 'open' {
  if (socket.destroyed) return 'gone';
  socket.write('x');
  return 'open';
}
