import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openToken, parseKeyring } from '../../src/tokens/index.ts';
import { SERVICE_KEY, startTestControl } from './support/control.ts';
import { FLEET, PASSWORD, type TestGateway, startTestGateway } from './support/gateway.ts';
import { SERVER_INIT, startTestRunner } from './support/runner.ts';
import { type Answer, ask, openViewer, refusalOf } from './support/viewer.ts';

function renew(gateway: TestGateway, token: string, sid = 'session-1'): Promise<Answer> {
  return ask(gateway.port, `/vnc/${sid}/token`, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
}

function renewed(answer: Answer): { token: string; expires_at: string; rights: string } {
  expect(answer.status).toBe(200);
  return JSON.parse(answer.body);
}

describe('renewal', () => {
  test('gives a page whose socket is open a new token of the same session, grant and rights, again and again', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway();
    const first = await gateway.token(runner.port, { grant: 'grant-1', rights: 'view' });
    const viewer = await openViewer(gateway.port, first);
    let token = first;
    for (let turn = 0; turn < 4; turn += 1) {
      gateway.clock.pass(290_000);
      token = renewed(await renew(gateway, token)).token;
    }
    const keyring = parseKeyring(readFileSync(gateway.keysFile, 'utf8'), gateway.keysFile);
    const opened = await openToken(token, keyring, { fleetId: FLEET, nowMs: gateway.clock.now() });
    expect(opened).toMatchObject({ ok: true, value: { sid: 'session-1', grant: 'grant-1', rights: 'view' } });
    viewer.socket.terminate();
    const again = await openViewer(gateway.port, token);
    await again.until(SERVER_INIT.length);
    expect(renewed(await renew(gateway, token)).rights).toBe('view');
    again.socket.terminate();
  });

  test('is refused without a socket, for another session, and for no token', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway();
    const token = await gateway.token(runner.port);
    expect((await renew(gateway, token)).problem.code).toBe('token_expired');
    const viewer = await openViewer(gateway.port, token);
    expect((await renew(gateway, token, 'session-2')).status).toBe(401);
    expect((await renew(gateway, 'nonsense')).status).toBe(401);
    expect((await renew(gateway, await gateway.token(runner.port, { jti: 'jti-2' }))).status).toBe(401);
    viewer.socket.terminate();
  });
});

describe('control', () => {
  test('ends what was renewed from a token that it revokes, and the token opens nothing any more', async () => {
    await using control = await startTestControl();
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway(control.env);
    await control.followed;
    const first = await gateway.token(runner.port);
    const old = await openViewer(gateway.port, first);
    const { token } = renewed(await renew(gateway, first));
    const current = await openViewer(gateway.port, token);
    old.socket.terminate();
    control.history.announce('rights.revoked', { session: 'session-1', jti: 'jti-1', at: new Date().toISOString() });
    expect((await current.closed).code).toBe(4403);
    for (const given of [first, token]) {
      const answer = await refusalOf(gateway.port, given);
      expect([answer.status, answer.problem.code]).toEqual([403, 'rights_revoked']);
    }
    (await openViewer(gateway.port, await gateway.token(runner.port, { jti: 'jti-2' }))).socket.terminate();
  });

  test('is believed on ended sessions, also after its stream was cut', async () => {
    await using control = await startTestControl();
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway(control.env);
    await control.followed;
    control.history.announce('session.ended', ended('session-0'));
    control.drop();
    control.history.announce('session.ended', ended('session-1'));
    const token = await gateway.token(runner.port);
    await expect
      .poll(async () => (await ask(gateway.port, `/websockify?token=${token}`)).problem.code, { timeout: 5_000 })
      .toBe('session_ended');
    expect((await refusalOf(gateway.port, token)).status).toBe(410);
    expect(runner.connections).toBe(0);
    expect(JSON.parse((await ask(gateway.port, '/readyz')).body)).toMatchObject({ status: 'ready', control: 'ok' });
  });

  test('redeems a token that is good once; unreachable, the token is never accepted', async () => {
    await using runner = await startTestRunner();
    await using control = await startTestControl();
    await using gateway = await startTestGateway(control.env);
    const token = await gateway.token(runner.port, { once: true });
    (await openViewer(gateway.port, token)).socket.terminate();
    const second = await refusalOf(gateway.port, token);
    expect([second.status, second.problem.code]).toEqual([410, 'token_used']);
    await control[Symbol.asyncDispose]();
    const third = await refusalOf(gateway.port, await gateway.token(runner.port, { once: true, jti: 'jti-3' }));
    expect([third.status, third.problem.code, third.headers['retry-after']]).toEqual([503, 'control_unreachable', '5']);
    expect(JSON.parse((await ask(gateway.port, '/readyz')).body).control).toContain('unreachable');
  });
});

describe('keys', () => {
  test('are read again when the file changes, and two may live at once', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway();
    const old = await gateway.token(runner.port);
    const file = JSON.parse(readFileSync(gateway.keysFile, 'utf8'));
    file.keys['next'] = Buffer.alloc(32, 9).toString('base64url');
    writeFileSync(gateway.keysFile, JSON.stringify({ active: 'next', keys: file.keys }));
    for (const token of [old, await gateway.token(runner.port)])
      (await openViewer(gateway.port, token)).socket.terminate();
    writeFileSync(gateway.keysFile, JSON.stringify({ active: 'next', keys: { next: file.keys['next'] } }));
    expect((await refusalOf(gateway.port, old)).status).toBe(401);
  });
});

describe('secrets', () => {
  test('occur in no log line and no answer, however the attempt goes', async () => {
    await using control = await startTestControl();
    await using runner = await startTestRunner();
    await using stranger = await startTestRunner({ password: 'anotherpw' });
    await using gateway = await startTestGateway(control.env);
    const good = await gateway.token(runner.port);
    const tokens = [
      good,
      await gateway.token(stranger.port),
      await gateway.token(1),
      await gateway.token(runner.port, { aud: 'other' }),
      await gateway.token(runner.port, { exp: 1 }),
      `${good}x`,
      await gateway.token(runner.port, { once: true }),
    ];
    const answers: string[] = [];
    const viewer = await openViewer(gateway.port, good);
    for (const token of tokens.slice(1)) {
      answers.push((await ask(gateway.port, `/websockify?token=${token}`)).body);
      const opened = await openViewer(gateway.port, token).then(
        (other) => other.socket.terminate(),
        (error: Error) => answers.push(error.message),
      );
      void opened;
    }
    answers.push((await ask(gateway.port, `/vnc/${good}`, { method: 'PUT' })).body);
    viewer.socket.close(1000);
    await gateway.log('session.closed', 2);
    const said = [...gateway.lines, ...answers].join('\n');
    for (const secret of [...tokens, PASSWORD, 'anotherpw', SERVICE_KEY]) expect(said).not.toContain(secret);
    expect(gateway.lines.length).toBeGreaterThan(10);
  });
});

function ended(session: string): object {
  return { session, reason: 'released', detail: 'over', at: new Date().toISOString() };
}
