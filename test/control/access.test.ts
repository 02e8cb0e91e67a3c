import { describe, expect, test } from 'vitest';
import { mayUse } from '../../src/control/access.ts';
import { followEvents } from '../../src/sse/index.ts';
import { OPERATOR_KEY, SERVICE_KEY, startTestControl } from './support/control.ts';
import { startCardRunner } from './support/runner.ts';

const LOOPBACK = { loopbackIngress: true, publicHosts: ['https://localhost:8443'] } as const;
const PUBLIC = { loopbackIngress: false, publicHosts: ['https://fleet.example'] } as const;
const BEARER = `Bearer ${OPERATOR_KEY}`;

describe('the API may be used', () => {
  test.each([
    ['with the operator key, from anywhere', PUBLIC, 'POST', 'fleet.example', undefined, BEARER],
    ['with the operator key, from a page of anybody', PUBLIC, 'POST', 'fleet.example', 'https://other.example', BEARER],
    ['to read on loopback', LOOPBACK, 'GET', 'localhost:8443', undefined, undefined],
    ['to read on loopback by address', LOOPBACK, 'GET', '127.0.0.1:8443', undefined, undefined],
    ['to read on loopback by IPv6', LOOPBACK, 'GET', '[::1]:8443', undefined, undefined],
    ['to change on loopback from our page', LOOPBACK, 'POST', 'localhost:8443', 'https://localhost:8443', undefined],
    ['to change from the page it was loaded from', LOOPBACK, 'DELETE', '[::1]:8443', 'https://[::1]:8443', undefined],
  ] as const)('%s', (_case, config, method, host, origin, authorization) => {
    expect(mayUse({ method, host, origin, authorization }, config, OPERATOR_KEY)).toBe(true);
  });
});

describe('the API may not be used', () => {
  test.each([
    ['without a key where the ingress is public', PUBLIC, 'GET', 'localhost', undefined, undefined],
    ['with another key', PUBLIC, 'GET', 'fleet.example', undefined, 'Bearer wrong'],
    ['with the key of services', PUBLIC, 'GET', 'fleet.example', undefined, `Bearer ${SERVICE_KEY}`],
    ['with an empty key', PUBLIC, 'GET', 'fleet.example', undefined, 'Bearer '],
    ['with the key as another scheme', PUBLIC, 'GET', 'fleet.example', undefined, `Basic ${OPERATOR_KEY}`],
    ['under a name that leads to loopback', LOOPBACK, 'GET', 'rebound.example', undefined, undefined],
    ['under no name', LOOPBACK, 'GET', '', undefined, undefined],
    ['under a name that only begins so', LOOPBACK, 'GET', 'localhost.example', undefined, undefined],
    ['to change without saying from which page', LOOPBACK, 'POST', 'localhost:8443', undefined, undefined],
    ['to change from another page', LOOPBACK, 'POST', 'localhost:8443', 'https://other.example', undefined],
    ['to change from a page on another port', LOOPBACK, 'POST', 'localhost:8443', 'http://localhost:3000', undefined],
    ['to change from a page without an origin', LOOPBACK, 'POST', 'localhost:8443', 'null', undefined],
    ['to read from another page', LOOPBACK, 'GET', 'localhost:8443', 'https://other.example', undefined],
  ] as const)('%s', (_case, config, method, host, origin, authorization) => {
    expect(mayUse({ method, host, origin, authorization }, config, OPERATOR_KEY)).toBe(false);
  });

  test('by anybody where no key is set and the ingress is public', () => {
    const asker = { method: 'GET', host: 'localhost', origin: undefined, authorization: 'Bearer undefined' };
    expect(mayUse(asker, PUBLIC, undefined)).toBe(false);
  });
});

describe('on real sockets', () => {
  test('the API asks for the key, with the words of a problem; health and the page do not', async () => {
    await using control = await startTestControl([]);
    const refused = await control.ask('GET', '/sessions', { key: null });
    expect(refused.headers['www-authenticate']).toBe('Bearer');
    expect(refused.body).toMatchObject({ status: 401, code: 'unauthorized' });
    expect((await control.ask('GET', '/health', { key: null })).body).toEqual({ status: 'ok' });
    expect((await control.ask('GET', '/ui/', { key: null })).status).toBe(200);
  });

  test('the name that a proxy forwards counts only from a configured proxy', async () => {
    const loopback = { CAMOFLEET_CONTROL_LOOPBACK_INGRESS: 'yes' };
    const forwarded = { key: null, headers: { host: 'rebound.example', 'x-forwarded-host': 'localhost:8443' } };
    await using trusting = await startTestControl([], {
      ...loopback,
      CAMOFLEET_CONTROL_TRUSTED_PROXIES: '127.0.0.1',
    });
    expect((await trusting.ask('GET', '/sessions', forwarded)).status).toBe(200);
    await using alone = await startTestControl([], loopback);
    expect((await alone.ask('GET', '/sessions', forwarded)).status).toBe(401);
  });

  test('pages of named origins may call, and hear so beforehand; others may not', async () => {
    await using control = await startTestControl([], { CONTROL_CORS_ORIGINS: 'https://tool.example' });
    const ask = (origin: string, method = 'OPTIONS') =>
      control.ask(method, '/sessions', {
        headers: { origin, 'access-control-request-method': 'POST' },
        key: OPERATOR_KEY,
      });
    expect(await ask('https://tool.example')).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': 'https://tool.example',
        'access-control-allow-headers': 'Authorization, Content-Type',
      },
    });
    expect((await ask('https://tool.example', 'GET')).headers['access-control-allow-origin']).toBe(
      'https://tool.example',
    );
    expect((await ask('https://other.example')).headers['access-control-allow-origin']).toBeUndefined();
    expect((await ask('https://other.example', 'GET')).headers['access-control-allow-origin']).toBeUndefined();
  });
});

describe('the internal listener', () => {
  test('takes the service key alone', async () => {
    await using control = await startTestControl([]);
    const body = { jti: 'jti-1', exp: 4_000_000_000 };
    for (const key of [null, OPERATOR_KEY, 'wrong'])
      expect((await control.askInternal('POST', '/internal/tokens/redeem', { body, key })).status).toBe(401);
    expect((await control.askInternal('POST', '/internal/tokens/redeem', { body })).status).toBe(200);
  });

  test('is not part of the public one, nor the public one of it', async () => {
    await using control = await startTestControl([]);
    for (const path of ['/internal/gateways/gateway-1/events', '/internal/tokens/redeem', '/metrics'])
      expect((await control.ask('GET', path)).status).toBe(404);
    expect((await control.askInternal('GET', '/sessions')).status).toBe(404);
  });

  test('tells a gateway that starts what was revoked before', async () => {
    await using control = await startTestControl([]);
    await control.ask('POST', '/sessions/runner-1/session-1/revoke', { body: { jti: 'jti-1' } });
    const heard: string[] = [];
    const follower = followEvents({
      url: `http://127.0.0.1:${control.control.internalPort}/internal/gateways/gateway-2/events`,
      headers: { authorization: `Bearer ${SERVICE_KEY}` },
      onEvent: ({ name, data }) => heard.push(`${name} ${data}`),
      onState: () => {},
      random: () => 0,
    });
    await expect.poll(() => heard, { timeout: 5_000 }).toHaveLength(1);
    follower.stop();
    expect(heard[0]).toMatch(/^rights\.revoked .*"jti":"jti-1"/);
  });

  test('redeems a token once, however often and at once it is asked', async () => {
    await using control = await startTestControl([]);
    const body = { jti: 'jti-1', exp: 4_000_000_000 };
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => control.askInternal('POST', '/internal/tokens/redeem', { body })),
    );
    expect(Map.groupBy(answers, ({ status }) => status).get(200)).toHaveLength(1);
    expect(Map.groupBy(answers, ({ status }) => status).get(409)).toHaveLength(7);
  });

  test.each([
    ['/internal/tokens/redeem', { jti: 1 }],
    ['/internal/gateways/gateway-1/viewers', { viewers: [{}] }],
    ['/internal/gateways/gateway-1/viewers', '{'],
  ])('answers %s with a body of another shape as a bad request', async (path, body) => {
    await using control = await startTestControl([]);
    expect((await control.askInternal('POST', path, { body })).body).toMatchObject({
      status: 400,
      code: 'invalid_request',
    });
  });

  test('counts viewers that gateways report, adds them up, and forgets a gateway that is silent', async () => {
    await using runner = await startCardRunner('runner-1');
    await using control = await startTestControl([runner]);
    const { id } = await control.create();
    const viewers = [{ session: id, jti: 'a', viewers: 2, lastActivityAt: new Date(0).toISOString() }];
    for (const gateway of ['gateway-1', 'gateway-2'])
      await control.askInternal('POST', `/internal/gateways/${gateway}/viewers`, { body: { viewers } });
    const seen = async (): Promise<unknown> => (await control.ask('GET', `/sessions/runner-1/${id}`)).body;
    expect(await seen()).toMatchObject({ viewers: 4 });
    control.clock.pass(31_000);
    expect(await seen()).toMatchObject({ viewers: 0 });
  });

  test('shows its metrics without a key', async () => {
    await using control = await startTestControl([]);
    const metrics = await control.askInternal('GET', '/metrics', { key: null });
    expect(metrics.text).toContain('camofleet_control_worker_reachable');
  });
});

describe('the fleet page', () => {
  test('is reached from / and /ui, relative to what a proxy strips', async () => {
    await using control = await startTestControl([]);
    for (const path of ['/', '/ui'])
      expect(await control.ask('GET', path, { key: null })).toMatchObject({
        status: 302,
        headers: { location: 'ui/' },
      });
  });

  test('runs under a policy of its own and is never framed', async () => {
    await using control = await startTestControl([]);
    const page = await control.ask('GET', '/ui/', { key: null });
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(page.headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
  });

  test('gives its files, and nothing beside them', async () => {
    await using control = await startTestControl([]);
    expect((await control.ask('GET', '/ui/~assets/index-1.js', { key: null })).headers['content-type']).toMatch(
      /javascript/,
    );
    for (const path of ['/ui/~assets/none.js', '/ui/~assets/..%2f..%2fpackage.json', '/ui/index.html'])
      expect((await control.ask('GET', path, { key: null })).status).toBe(404);
  });
});

test('the API is also where its public prefix says, for an ingress that strips nothing; the internal listener has none', async () => {
  await using runner = await startCardRunner('runner-1');
  await using control = await startTestControl([runner], { CONTROL_PUBLIC_API_PREFIX: '/api' });
  expect((await control.ask('GET', '/api/workers')).body).toMatchObject([{ name: 'runner-1' }]);
  expect((await control.ask('GET', '/workers')).status).toBe(200);
  expect((await control.ask('GET', '/api/workers', { key: null })).status).toBe(401);
  expect((await control.ask('GET', '/api/health')).body).toEqual({ status: 'ok' });
  expect((await control.ask('GET', '/apiworkers')).status).toBe(404);
  expect((await control.ask('GET', '/api')).status).toBe(404);
  expect((await control.askInternal('GET', '/api/metrics')).status).toBe(404);
});
