import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type RunnerSession, problemSchema, runnerHealthSchema, runnerSessionSchema } from '../../src/api/index.ts';
import { startRunner } from '../../src/runner/index.ts';
import { runnerSettings } from '../../src/settings/index.ts';
import { openCard } from './support/card.ts';
import { SERVICE_KEY, startTestRunner } from './support/runner.ts';

const SESSION = '/sessions';

describe('a session', () => {
  test('is made, listed, found, touched and ended', async () => {
    await using runner = await startTestRunner();
    const made = await runner.create({ browser: 'testcard', labels: { purpose: 'test' }, idle_ttl_seconds: 77 });
    expect(runnerSessionSchema.strict().parse(made)).toMatchObject({
      worker: 'runner-1',
      status: 'ready',
      browser: 'testcard',
      kind: 'testcard',
      headless: false,
      labels: { purpose: 'test' },
      idle_ttl_seconds: 77,
      vnc_enabled: true,
      start_url_wait: 'none',
      ws_endpoint: null,
      vnc: null,
      screen: { width: 1280, height: 720 },
      target: { host: '127.0.0.1', port: runner.rfbPort, password: expect.stringMatching(/^.{8}$/) },
      viewers: 0,
    });
    expect((await runner.ask('GET', SESSION)).body).toEqual([made]);
    expect((await runner.ask('GET', `${SESSION}/${made.id}`)).body).toEqual(made);
    runner.clock.pass(5_000);
    const touched = await runner.ask<RunnerSession>('POST', `${SESSION}/${made.id}/touch`, { body: { viewers: 2 } });
    expect(touched.body).toMatchObject({ id: made.id, viewers: 2, created_at: made.created_at });
    expect(Date.parse(touched.body.last_seen_at) - Date.parse(made.last_seen_at)).toBeGreaterThanOrEqual(5_000);
    expect((await runner.ask('DELETE', `${SESSION}/${made.id}`)).status).toBe(204);
    expect((await runner.ask('GET', SESSION)).body).toEqual([]);
  });

  test('that has ended is 410, one that never was is 404', async () => {
    await using runner = await startTestRunner();
    const { id } = await runner.create();
    await runner.ask('DELETE', `${SESSION}/${id}`);
    for (const [method, path] of [
      ['GET', id],
      ['DELETE', id],
      ['POST', `${id}/touch`],
    ] as const) {
      const ended = await runner.ask(method, `${SESSION}/${path}`);
      expect(problemSchema.parse(ended.body)).toMatchObject({ status: 410, code: 'session_ended' });
      const unknown = await runner.ask(method, `${SESSION}/${path.replace(id, 'nobody')}`);
      expect(problemSchema.parse(unknown.body)).toMatchObject({ status: 404, code: 'unknown_session' });
    }
  });

  test('is made of nothing said, and of an empty body that says that it is JSON', async () => {
    await using runner = await startTestRunner();
    expect((await runner.ask('POST', SESSION)).status).toBe(201);
    const headers = { 'content-type': 'application/json' };
    expect((await runner.ask('POST', SESSION, { headers })).status).toBe(201);
    const { id } = await runner.create();
    expect((await runner.ask('POST', `${SESSION}/${id}/touch`, { headers })).status).toBe(200);
    expect((await runner.ask('DELETE', `${SESSION}/${id}`, { headers })).status).toBe(204);
  });

  test('has an id and a password of its own, and its card opens with that and no other', async () => {
    await using runner = await startTestRunner();
    const [one, other] = [await runner.create(), await runner.create({ browser: 'testcard-still' })];
    expect(one.id).not.toBe(other.id);
    expect(one.target!.password).not.toBe(other.target!.password);
    using card = await openCard(one.target!.port, one.target!.password);
    card.request(false);
    expect(await card.read()).toMatchObject({ ok: true });
    await expect(openCard(one.target!.port, other.target!.password)).rejects.toThrow('authentication failed');
  });

  test('that is released ends its viewers, and its port is free', async () => {
    await using runner = await startTestRunner();
    const { id, target } = await runner.create();
    using card = await openCard(target!.port, target!.password);
    await runner.ask('DELETE', `${SESSION}/${id}`);
    await card.closed;
    await expect(openCard(target!.port, target!.password)).rejects.toThrow();
    const [ended] = await runner.log('session.ended');
    expect(ended).toMatchObject({ session: id, reason: 'released', level: 'info' });
  });

  test('has URLs with its legacy id where the runner is used without a control plane', async () => {
    await using runner = await startTestRunner({
      env: {
        RUNNER_VNC_WS_BASE: 'wss://vnc.example.com/',
        RUNNER_VNC_HTTP_BASE: 'https://vnc.example.com',
        RUNNER_VNC_WS_PORT_MIN: '6950',
      },
    });
    await runner.create();
    const second = await runner.create();
    expect(second.vnc).toEqual({
      ws: 'wss://vnc.example.com/websockify?token=6951',
      http: 'https://vnc.example.com/vnc/6951',
      password_protected: true,
    });
    expect(second.target!.port - runner.rfbPort).toBe(1);
  });
});

describe('a request is refused with a problem document', () => {
  test.each([
    ['of an unknown field', 'POST', SESSION, { colour: 'red' }, 400, 'invalid_request', 'colour'],
    ['of a wrong type', 'POST', SESSION, { headless: 'yes' }, 400, 'invalid_request', 'headless'],
    ['of broken JSON', 'POST', SESSION, '{', 400, 'invalid_request', ''],
    ['of a body beyond the bound', 'POST', SESSION, { labels: { a: 'x'.repeat(70_000) } }, 413, 'invalid_request', ''],
    ['of a command line', 'POST', SESSION, { command: ['sh'] }, 400, 'invalid_request', 'command'],
    ['of an unknown browser', 'POST', SESSION, { browser: 'tescard' }, 400, 'CF_USAGE', 'did you mean testcard?'],
    ['of a display without Xvfb', 'POST', SESSION, { browser: 'none' }, 400, 'CF_COMPONENT_MISSING', 'not installed'],
    [
      'of a start page that is an option',
      'POST',
      SESSION,
      { start_url: '--utility-cmd-prefix=sh' },
      400,
      'CF_USAGE',
      'http:, https:, about:, data:',
    ],
    [
      'of a start page that is a file',
      'POST',
      SESSION,
      { start_url: 'file:///etc/passwd' },
      400,
      'CF_USAGE',
      'file:///etc/passwd',
    ],
    ['of too many pixels', 'POST', SESSION, { resolution: '99999x99999x24' }, 400, 'CF_USAGE', '33177600 pixels'],
    ['of viewers that are none', 'POST', `${SESSION}/x/touch`, { viewers: -1 }, 400, 'invalid_request', 'viewers'],
    ['of an unknown session', 'GET', `${SESSION}/x`, undefined, 404, 'unknown_session', ''],
    ['of an id that is none', 'GET', `${SESSION}/%00`, undefined, 404, 'unknown_session', ''],
    ['of an unknown path', 'GET', '/nowhere', undefined, 404, 'not_found', ''],
    ['of an unknown method', 'PUT', SESSION, {}, 404, 'not_found', ''],
  ] as const)('%s', async (_name, method, path, body, status, code, words) => {
    await using runner = await startTestRunner();
    const answer = await runner.ask(method, path, { body });
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    const problem = problemSchema.parse(answer.body);
    expect(problem).toMatchObject({ status, code });
    expect(problem.detail).toContain(words);
  });

  test('of another type than JSON', async () => {
    await using runner = await startTestRunner();
    const headers = { 'content-type': 'application/xml' };
    const answer = await runner.ask('POST', SESSION, { body: '<session/>', headers });
    expect(problemSchema.parse(answer.body)).toMatchObject({ status: 415, code: 'invalid_request' });
  });
});

describe('the service key', () => {
  test.each([
    ['GET', '/health'],
    ['GET', SESSION],
    ['POST', SESSION],
    ['GET', `${SESSION}/x`],
    ['DELETE', `${SESSION}/x`],
    ['POST', `${SESSION}/x/touch`],
    ['GET', '/events'],
    ['GET', '/nowhere'],
  ])('is needed for %s %s', async (method, path) => {
    await using runner = await startTestRunner();
    for (const key of [null, '', 'wrong', `${SERVICE_KEY}x`]) {
      const answer = await runner.ask(method, path, { key });
      expect(problemSchema.parse(answer.body)).toMatchObject({ status: 401, code: 'unauthorized' });
    }
    expect(runner.lines.filter(({ event }) => event === 'session.started')).toEqual([]);
  });

  test('must be there: a runner without one does not start', async () => {
    const config = runnerSettings.load({ env: { RUNNER_PORT: '0' }, knownNames: [] });
    const deps = { clock: { now: Date.now, monotonic: Date.now }, version: '0', path: '', home: '', isRoot: false };
    const started = startRunner(config, { ...deps, temporaryFolder: '/nonexistent' });
    await expect(started).rejects.toMatchObject({ code: 'CF_CONFIG_INVALID' });
    await expect(started).rejects.toThrow('CAMOFLEET_RUNNER_SERVICE_KEY_FILE must name a file');
  });

  test('is asked of a page of a named origin too, whose preflight needs none', async () => {
    await using runner = await startTestRunner({ env: { RUNNER_CORS_ORIGINS: 'https://fleet.example' } });
    const headers = { origin: 'https://fleet.example', 'access-control-request-method': 'POST' };
    const asked = await runner.ask('OPTIONS', SESSION, { key: null, headers });
    expect([asked.status, asked.headers['access-control-allow-origin']]).toEqual([204, 'https://fleet.example']);
    const evil = await runner.ask('OPTIONS', SESSION, {
      key: null,
      headers: { ...headers, origin: 'https://evil.example' },
    });
    expect([evil.status, evil.headers['access-control-allow-origin']]).toEqual([401, undefined]);
    const refused = await runner.ask('POST', SESSION, { key: null, headers: { origin: 'https://fleet.example' } });
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([401, 'https://fleet.example']);
  });
});

describe('an idle session', () => {
  test('ends after its TTL with words, one that is touched does not', async () => {
    await using runner = await startTestRunner();
    const idle = await runner.create({ browser: 'testcard', idle_ttl_seconds: 60 });
    const used = await runner.create({ browser: 'testcard', idle_ttl_seconds: 60 });
    const kept = await runner.create({ browser: 'testcard', idle_ttl_seconds: 0 });
    runner.clock.pass(59_000);
    await runner.ask('POST', `${SESSION}/${used.id}/touch`);
    runner.clock.pass(2_000);
    const [ended] = await runner.log('session.ended');
    expect(ended).toMatchObject({ session: idle.id, reason: 'expired', detail: 'idle for 61 s' });
    const left = await runner.ask<RunnerSession[]>('GET', SESSION);
    expect(left.body.map(({ id }) => id)).toEqual([used.id, kept.id]);
    runner.clock.pass(10_000_000);
    await runner.log('session.ended', 2);
    expect((await runner.ask('GET', `${SESSION}/${kept.id}`)).status).toBe(200);
  });

  test('with a viewer lives, also when control is silent, for half a day', async () => {
    await using runner = await startTestRunner();
    const { id, target } = await runner.create({ browser: 'testcard', idle_ttl_seconds: 60 });
    using card = await openCard(target!.port, target!.password);
    runner.clock.pass(11 * 3_600_000);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await runner.ask('GET', `${SESSION}/${id}`)).status).toBe(200);
    runner.clock.pass(2 * 3_600_000);
    const [ended] = await runner.log('session.ended');
    expect(ended).toMatchObject({ session: id, reason: 'expired', detail: 'viewed, but not heard of for 46800 s' });
    await card.closed;
  });

  test('whose viewer has left ends', async () => {
    await using runner = await startTestRunner();
    const { id, target } = await runner.create({ browser: 'testcard', idle_ttl_seconds: 60 });
    const card = await openCard(target!.port, target!.password);
    card[Symbol.dispose]();
    await card.closed;
    runner.clock.pass(61_000);
    expect(await runner.log('session.ended')).toMatchObject([{ session: id, reason: 'expired' }]);
  });
});

describe('prewarmed sessions', () => {
  const options = { env: { RUNNER_PREWARM_VNC: '2', CAMOFLEET_RUNNER_MAX_SESSIONS: '3' } };

  test('are there at once, seen by nobody, not counted as used', async () => {
    await using runner = await startTestRunner(options);
    const started = await runner.log('session.started', 2);
    expect((await runner.ask('GET', SESSION)).body).toEqual([]);
    expect(await runner.health()).toMatchObject({ sessions: 0, capacity: 3, status: 'ok' });
    const metrics = await fetch(`http://127.0.0.1:${runner.internalPort}/metrics`).then((answer) => answer.text());
    expect(metrics).toContain('camofleet_runner_sessions{use="prewarmed"} 2');
    for (const { session } of started)
      expect((await runner.ask('GET', `${SESSION}/${String(session)}`)).status).toBe(404);
  });

  test('are handed out as if they were new, and topped up', async () => {
    await using runner = await startTestRunner(options);
    const [first] = await runner.log('session.started', 2);
    runner.clock.pass(100_000);
    const made = await runner.create({ labels: { mine: 'yes' }, idle_ttl_seconds: 50 });
    expect(made).toMatchObject({ id: first!['session'], labels: { mine: 'yes' }, idle_ttl_seconds: 50 });
    expect(Date.parse(made.last_seen_at) - Date.parse(made.created_at)).toBeGreaterThanOrEqual(100_000);
    await runner.log('session.started', 3);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await runner.log('session.started', 3)).toHaveLength(3);
    expect(await runner.health()).toMatchObject({ sessions: 1 });
  });

  test('are never handed out twice', async () => {
    await using runner = await startTestRunner(options);
    await runner.log('session.started', 2);
    const made = await Promise.all([runner.create({}), runner.create({}), runner.create({})]);
    expect(new Set(made.map(({ id }) => id)).size).toBe(3);
  });

  test('give way to a session of another kind when there is no room', async () => {
    await using runner = await startTestRunner({
      env: { RUNNER_PREWARM_VNC: '2', CAMOFLEET_RUNNER_MAX_SESSIONS: '2' },
    });
    await runner.log('session.started', 2);
    expect(await runner.create({ browser: 'testcard-still' })).toMatchObject({ browser: 'testcard-still' });
    const [gone] = await runner.log('session.ended');
    expect(gone).toMatchObject({ reason: 'released', detail: 'a prewarmed session gives way' });
    expect(await runner.create({ browser: 'testcard-still' })).toMatchObject({ browser: 'testcard-still' });
    const full = await runner.ask('POST', SESSION, { body: { browser: 'testcard-still' } });
    expect(full.body).toMatchObject({ status: 503, detail: '2 of 2 sessions are in use' });
  });

  test('of a test card are as many as are configured, headless or not', async () => {
    await using runner = await startTestRunner({ env: { RUNNER_PREWARM_HEADLESS: '2', RUNNER_PREWARM_VNC: '1' } });
    await runner.log('session.started', 3);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(await runner.log('session.started', 3)).toHaveLength(3);
  });

  test('that cannot be had are told once, make the runner degraded, and hinder nobody', async () => {
    await using runner = await startTestRunner({
      env: { RUNNER_PREWARM_VNC: '1', CAMOFLEET_RUNNER_DEFAULT_BROWSER: 'none' },
    });
    const [failed] = await runner.log('session.failed');
    expect(failed).toMatchObject({ code: 'CF_COMPONENT_MISSING', message: expect.stringContaining('not installed') });
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(await runner.log('session.failed')).toHaveLength(1);
    expect(await runner.health()).toMatchObject({ status: 'degraded', problem: failed!['message'] });
    expect(await runner.create({ browser: 'testcard' })).toMatchObject({ browser: 'testcard' });
    expect(await runner.health()).toMatchObject({ status: 'ok' });
  });
});

describe('room', () => {
  test('for more sessions than are allowed is not there: 503 with words, and again when one has ended', async () => {
    await using runner = await startTestRunner({ env: { CAMOFLEET_RUNNER_MAX_SESSIONS: '1' } });
    const { id } = await runner.create();
    const full = await runner.ask('POST', SESSION, { body: {} });
    expect(problemSchema.parse(full.body)).toMatchObject({
      status: 503,
      code: 'CF_SLOTS_EXHAUSTED',
      detail: '1 of 1 sessions are in use',
    });
    await runner.ask('DELETE', `${SESSION}/${id}`);
    expect(await runner.create()).toMatchObject({ status: 'ready' });
  });

  test('is never given twice, however many ask at once', async () => {
    await using runner = await startTestRunner({ slots: 5, env: { CAMOFLEET_RUNNER_MAX_SESSIONS: '9' } });
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => runner.ask<RunnerSession>('POST', SESSION, { body: {} })),
    );
    const made = answers.filter(({ status }) => status === 201).map(({ body }) => body);
    expect(made).toHaveLength(5);
    expect(new Set(made.map(({ target }) => target!.port)).size).toBe(5);
    for (const { body } of answers.filter(({ status }) => status !== 201))
      expect(problemSchema.parse(body)).toMatchObject({ status: 503, code: 'CF_SLOTS_EXHAUSTED' });
  });

  test('that strangers have taken is named in the log', async () => {
    await using runner = await startTestRunner({ slots: 1 });
    const stranger = createServer().listen(runner.rfbPort, '127.0.0.1');
    await once(stranger, 'listening');
    const full = await runner.ask('POST', SESSION, { body: {} });
    expect(problemSchema.parse(full.body)).toMatchObject({
      status: 503,
      detail: 'no slot (display and RFB port) is free; 1 cannot be used, the log says why',
    });
    expect(await runner.log('slot.skipped')).toMatchObject([
      { what: `port ${(stranger.address() as AddressInfo).port}`, because: 'somebody else listens on it' },
    ]);
    stranger.close();
    await once(stranger, 'close');
    expect(await runner.create()).toMatchObject({ status: 'ready' });
  });
});

describe('the event stream', () => {
  test('tells of an end before the RFB server stops, and resumes', async () => {
    await using runner = await startTestRunner();
    const { id, target } = await runner.create();
    using card = await openCard(target!.port, target!.password);
    const order: string[] = [];
    void card.closed.then(() => order.push('closed'));
    const stream = await follow(runner.port, (text) => {
      if (text.includes('session.ended')) order.push('told');
    });
    await runner.ask('DELETE', `${SESSION}/${id}`);
    await expect.poll(() => order).toEqual(['told', 'closed']);
    expect(stream.text()).toContain(`"session":"${id}","reason":"released"`);
    stream.stop();
    const later = await follow(runner.port, () => {}, '0');
    await expect.poll(() => later.text()).toContain(`"session":"${id}"`);
    later.stop();
  });

  test('tells of the ends that a stop brings, before it ends itself', async () => {
    const runner = await startTestRunner();
    const { id } = await runner.create();
    const stream = await follow(runner.port, () => {});
    await runner[Symbol.asyncDispose]();
    await stream.ended;
    expect(stream.text()).toContain(`"session":"${id}","reason":"shutdown","detail":"the runner is stopping"`);
  });
});

async function follow(
  port: number,
  onText: (text: string) => void,
  lastEventId?: string,
): Promise<{ text: () => string; stop: () => void; ended: Promise<void> }> {
  const stop = new AbortController();
  const answer = await fetch(`http://127.0.0.1:${port}/events`, {
    signal: stop.signal,
    headers: {
      authorization: `Bearer ${SERVICE_KEY}`,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
  });
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  let text = '';
  const ended = (async () => {
    for await (const bytes of answer.body!) {
      const piece = Buffer.from(bytes).toString();
      text += piece;
      onText(piece);
    }
  })().catch(() => {}); // stopped by us, or cut by the end of the runner
  return { text: () => text, stop: () => stop.abort(), ended };
}

describe('health', () => {
  test('says what can be had here and what is missing', async () => {
    const browsers = JSON.stringify({ opera: { command: ['opera', '{url}'] } });
    await using runner = await startTestRunner({ env: { CAMOFLEET_RUNNER_BROWSERS: browsers } });
    expect(runnerHealthSchema.strict().parse(await runner.health())).toEqual({
      status: 'ok',
      name: 'runner-1',
      version: '0.0.0-test',
      sessions: 0,
      capacity: 20,
      browsers: ['testcard', 'testcard-still'],
      missing: ['Xvfb', 'x11vnc', 'opera'],
      sandboxes: {},
    });
  });

  test('is on the API, metrics are on the internal listener alone', async () => {
    await using runner = await startTestRunner();
    expect((await runner.ask('GET', '/metrics')).status).toBe(404);
    const internal = `http://127.0.0.1:${runner.internalPort}`;
    expect((await fetch(`${internal}/metrics`)).status).toBe(200);
    expect((await fetch(`${internal}/sessions`)).status).toBe(404);
  });
});

test('no password and no key is in the log', async () => {
  await using runner = await startTestRunner();
  const { id, target } = await runner.create({ browser: 'testcard', start_url: 'https://example.com/?key=canary-url' });
  using _card = await openCard(target!.port, target!.password);
  await expect(openCard(target!.port, 'wrong')).rejects.toThrow();
  await runner.ask('GET', SESSION, { key: 'wrong-key-canary' });
  await runner.ask('DELETE', `${SESSION}/${id}`);
  await runner.log('session.ended');
  const log = JSON.stringify(runner.lines);
  for (const secret of [target!.password, SERVICE_KEY, 'wrong-key-canary', 'canary-url'])
    expect(log).not.toContain(secret);
});
