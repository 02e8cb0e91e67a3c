import { describe, expect, test } from 'vitest';
import type { PublicSession, Worker } from '../../src/api/index.ts';
import { closedPort } from '../gateway/support/runner.ts';
import { OPERATOR_KEY, SERVICE_KEY, startTestControl, tokenOf, until } from './support/control.ts';
import { startBrokenRunner, startCardRunner } from './support/runner.ts';

describe('a session', () => {
  test('is made, listed, touched and ended through the API', async () => {
    await using runner = await startCardRunner('runner-1');
    await using control = await startTestControl([runner]);
    const made = await control.create({ browser: 'testcard', labels: { purpose: 'test' } });
    expect(made).toMatchObject({
      worker: 'runner-1',
      status: 'ready',
      browser: 'testcard',
      labels: { purpose: 'test' },
      vnc_enabled: true,
      vnc: { password_protected: false },
      viewers: 0,
    });
    const path = `/sessions/runner-1/${made.id}`;
    expect((await control.ask('GET', '/sessions')).body).toMatchObject([{ id: made.id }]);
    expect((await control.ask('GET', path)).body).toMatchObject({ id: made.id });
    const touched = (await control.ask('POST', `${path}/touch`)).body as PublicSession;
    expect(Date.parse(touched.last_seen_at)).toBeGreaterThanOrEqual(Date.parse(made.last_seen_at));
    expect((await control.ask('DELETE', path)).status).toBe(204);
    expect((await control.ask('GET', path)).body).toMatchObject({ status: 410, code: 'session_ended' });
    expect((await control.ask('GET', '/sessions')).body).toEqual([]);
  });

  test('is made with nothing said', async () => {
    await using runner = await startCardRunner('runner-1');
    await using control = await startTestControl([runner]);
    expect((await control.ask('POST', '/sessions')).status).toBe(201);
  });

  test('is published with a token and without its target and password', async () => {
    await using runner = await startCardRunner('runner-1');
    await using control = await startTestControl([runner], { CAMOFLEET_CONTROL_TOKEN_TTL_SECONDS: '60' });
    const made = await control.create();
    const { ws, http } = made.vnc!;
    expect(ws).toMatch(/^wss:\/\/fleet\.example:8443\/websockify\?token=[^&#]+$/);
    expect(http).toMatch(new RegExp(`^https://fleet\\.example:8443/vnc/${made.id}#token=.+$`));
    const claims = await control.open(tokenOf(ws));
    expect(claims).toMatchObject({ sid: made.id, rights: 'control', target: { host: '127.0.0.1' } });
    expect(claims.exp - claims.iat).toBe(60);
    expect(claims.pw).not.toBe('');
    const all = [
      JSON.stringify(made),
      (await control.ask('GET', '/sessions')).text,
      (await control.ask('GET', `/sessions/runner-1/${made.id}`)).text,
    ].join('\n');
    expect(all).not.toContain(claims.pw);
    expect(all).not.toMatch(/target|127\.0\.0\.1/);
  });

  test('gets a new token whenever it is asked for, a view-only one on request', async () => {
    await using runner = await startCardRunner('runner-1');
    await using control = await startTestControl([runner]);
    const made = await control.create();
    const path = `/sessions/runner-1/${made.id}`;
    const again = (await control.ask('GET', path)).body as PublicSession;
    const view = (await control.ask('GET', `${path}?rights=view`)).body as PublicSession;
    const claims = await Promise.all([made, again, view].map(({ vnc }) => control.open(tokenOf(vnc!.ws))));
    expect(claims.map(({ rights }) => rights)).toEqual(['control', 'control', 'view']);
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(3);
    expect((await control.ask('GET', `${path}?rights=all`)).status).toBe(400);
  });

  test('goes to the emptier of two runners, or to the one that is named', async () => {
    await using first = await startCardRunner('runner-1');
    await using second = await startCardRunner('runner-2');
    await using control = await startTestControl([first, second]);
    await until(async () => (await workers(control)).every(({ sessions }) => sessions === 0), 'both reports');
    expect((await control.create()).worker).toBe('runner-1');
    await until(async () => (await workers(control))[0]?.sessions === 1, 'the report of the first');
    expect((await control.create()).worker).toBe('runner-2');
    expect((await control.create({ worker: 'runner-2', browser: 'testcard' })).worker).toBe('runner-2');
  });

  test('of a worker without templates has no address, and the log says why', async () => {
    await using runner = await startCardRunner('runner-1');
    await using control = await startTestControl([{ ...runner, vnc_ws: '', vnc_http: '' }]);
    expect((await control.create()).vnc).toBeNull();
    expect(control.lines.join('')).toMatch(/"event":"worker\.unpublished".*vnc_ws or vnc_http is not set/);
  });
});

describe('a request is refused with a problem document', () => {
  test.each([
    ['of an unknown field', 'POST', '/sessions', { colour: 'red' }, 400, 'invalid_request'],
    ['of a wrong type', 'POST', '/sessions', { idle_ttl_seconds: -1 }, 400, 'invalid_request'],
    ['of broken JSON', 'POST', '/sessions', '{', 400, 'invalid_request'],
    ['of a body beyond the bound', 'POST', '/sessions', { start_url: 'x'.repeat(70_000) }, 413, 'invalid_request'],
    ['of an unknown browser', 'POST', '/sessions', { browser: 'opera' }, 400, 'CF_USAGE'],
    ['of an unknown worker', 'POST', '/sessions', { worker: 'nobody' }, 400, 'CF_USAGE'],
    ['of an unknown worker in the path', 'GET', '/sessions/nobody/x', undefined, 400, 'CF_USAGE'],
    ['of an unknown session', 'GET', '/sessions/runner-1/x', undefined, 404, 'unknown_session'],
    ['of an id that is no id', 'GET', '/sessions/runner-1/%2e%2e', undefined, 404, undefined],
    ['of an unknown path', 'GET', '/nowhere', undefined, 404, 'not_found'],
    ['of an unknown method', 'PUT', '/sessions', {}, 404, 'not_found'],
    ['of an unknown revocation', 'POST', '/sessions/runner-1/x/revoke', { all: true }, 400, 'invalid_request'],
  ] as const)('%s', async (_case, method, path, body, status, code) => {
    await using runner = await startCardRunner('runner-1');
    await using control = await startTestControl([runner]);
    await until(async () => (await workers(control))[0]?.reachable === true, 'the report of the runner');
    const answer = await control.ask(method, path, { body });
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.body).toMatchObject({ status, ...(code && { code }), requestId: expect.any(String) });
    expect(control.lines.join('')).toContain((answer.body as { requestId: string }).requestId);
  });
});

describe('a runner that', () => {
  const broken: readonly (readonly [string, Parameters<typeof startBrokenRunner>[1]])[] = [
    ['refuses the service key', (_request, response) => response.writeHead(401).end('{}')],
    ['answers no JSON', (_request, response) => response.writeHead(200).end('<html>')],
    ['answers another shape', (_request, response) => response.writeHead(200).end('[{"id": 1}]')],
    ['fails', (_request, response) => response.writeHead(500).end('{"oops": true}')],
    ['never answers', () => {}],
    ['hangs up', (request) => request.socket.destroy()],
  ];

  test.each(broken)('%s is a state and hides no other', async (_case, serve) => {
    await using good = await startCardRunner('runner-1');
    await using bad = await startBrokenRunner('runner-2', serve);
    await using control = await startTestControl([good, bad], { CONTROL_REQUEST_TIMEOUT: '1' });
    const made = await control.create({ worker: 'runner-1', browser: 'testcard' });
    const list = await control.ask('GET', '/sessions');
    expect(list.status).toBe(200);
    expect(list.body).toMatchObject([{ id: made.id }]);
    const [first, second] = await workers(control);
    expect(first).toMatchObject({ name: 'runner-1', reachable: true, error: null });
    expect(second).toMatchObject({ name: 'runner-2', reachable: false, error: expect.any(String) });
    const asked = await control.ask('GET', '/sessions/runner-2/x');
    expect(asked.status).toBe(502);
  });

  test('is gone keeps its last report, which ages', async () => {
    const runner = await startCardRunner('runner-1');
    await using control = await startTestControl([runner]);
    await until(async () => (await workers(control))[0]?.reachable === true, 'the first report');
    await runner[Symbol.asyncDispose]();
    await control.ask('GET', '/sessions');
    control.clock.pass(60_000);
    const [gone] = await workers(control);
    expect(gone).toMatchObject({ reachable: false, sessions: 0, browsers: expect.arrayContaining(['testcard']) });
    expect(gone?.age_seconds).toBeGreaterThanOrEqual(60);
    const refused = await control.ask('POST', '/sessions', { body: {} });
    expect(refused.body).toMatchObject({ status: 502, code: 'CF_UNREACHABLE' });
    expect(control.lines.join('')).toMatch(/"event":"worker\.state","worker":"runner-1","reachable":false/);
  });

  test('was never there is no error of the list', async () => {
    const worker = { name: 'runner-1', url: `http://127.0.0.1:${await closedPort()}` };
    await using control = await startTestControl([worker]);
    expect((await control.ask('GET', '/sessions')).body).toEqual([]);
    expect(await workers(control)).toMatchObject([{ reachable: false, sessions: null, capacity: null }]);
  });

  test('is full is passed over, and the caller hears that all are', async () => {
    await using runner = await startCardRunner('runner-1', { CAMOFLEET_RUNNER_MAX_SESSIONS: '1' });
    await using control = await startTestControl([runner]);
    await control.create();
    await until(async () => (await workers(control))[0]?.sessions === 1, 'the report');
    const refused = await control.ask('POST', '/sessions', { body: {} });
    expect(refused.body).toMatchObject({ status: 503, code: 'CF_SLOTS_EXHAUSTED' });
  });
});

test('the API describes itself as OpenAPI 3.1', async () => {
  await using control = await startTestControl([], { CONTROL_PUBLIC_API_PREFIX: '/api' });
  const document = (await control.ask('GET', '/openapi.json', { key: null })).body as {
    openapi: string;
    paths: Record<string, object>;
    servers: unknown;
  };
  expect(document.openapi).toBe('3.1.0');
  expect(document.servers).toEqual([{ url: '/api' }]);
  expect(Object.entries(document.paths).map(([path, methods]) => `${path} ${Object.keys(methods).join(' ')}`)).toEqual(
    expect.arrayContaining([
      '/workers get',
      '/sessions get post',
      '/sessions/{worker}/{id} get delete',
      '/sessions/{worker}/{id}/touch post',
      '/health get',
    ]),
  );
});

test('no secret reaches the log', async () => {
  await using runner = await startCardRunner('runner-1');
  await using control = await startTestControl([runner]);
  const made = await control.create();
  const token = tokenOf(made.vnc!.ws);
  const { pw } = await control.open(token);
  await control.ask('GET', `/sessions/runner-1/${made.id}?token=${token}`);
  await control.ask('GET', `/nowhere?token=${token}`);
  await control.ask('GET', '/sessions', { key: `${OPERATOR_KEY}-wrong` });
  await control.ask('DELETE', `/sessions/runner-1/${made.id}`);
  await until(() => control.lines.some((line) => line.includes('"session.ended"')), 'the end in the log');
  const log = control.lines.join('');
  expect(log).toMatch(/"event":"session\.created"/);
  for (const secret of [token, pw, OPERATOR_KEY, SERVICE_KEY]) expect(log).not.toContain(secret);
});

async function workers(control: Awaited<ReturnType<typeof startTestControl>>): Promise<Worker[]> {
  return (await control.ask('GET', '/workers')).body as Worker[];
}
