import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { startTestControl } from './support/control.ts';
import { PASSWORD, type TestGateway, startTestGateway } from './support/gateway.ts';
import { startTestRunner } from './support/runner.ts';
import { type Answer, ask, openViewer, refusalOf } from './support/viewer.ts';

const KEY = (byte: number): string => Buffer.alloc(32, byte).toString('base64url');

function writeKeys(gateway: TestGateway, active: string, keys: Readonly<Record<string, string>>): void {
  writeFileSync(`${gateway.keysFile}.next`, JSON.stringify({ active, keys }), { mode: 0o600 });
  renameSync(`${gateway.keysFile}.next`, gateway.keysFile);
}

describe('a token', () => {
  test('reaches no log, metric, answer or header, wherever a client puts it', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway({
      CAMOFLEET_GATEWAY_TRUSTED_PROXIES: '127.0.0.1',
      CAMOFLEET_GATEWAY_FAILED_ATTEMPTS_PER_MINUTE: '0',
    });
    const token = await gateway.token(runner.port);
    const headers = {
      referer: `https://fleet.example.com/vnc/s#token=${token}`,
      cookie: `token=${token}`,
      'x-request-id': token,
      'x-forwarded-for': token,
      'user-agent': token,
    };
    const answers: Answer[] = [];
    for (const path of [
      `/vnc/${token}`,
      `/vnc/${token}/websockify`,
      `/vnc/${token}/token`,
      `/${token}`,
      `/?token=${token}`,
    ])
      for (const method of ['GET', 'POST', 'PUT']) answers.push(await ask(gateway.port, path, { method, headers }));
    for (const path of [`/vnc/${token}/websockify`, `/vnc/x/websockify?token=${token}`, `/websockify?token=${token}x`])
      answers.push(await refusalOf(gateway.port, '', { path, headers }));
    answers.push(
      await ask(gateway.port, '/token', { method: 'POST', headers: { 'x-forwarded-prefix': `/vnc/${token}` } }),
    );
    const viewer = await openViewer(gateway.port, token, { headers });
    viewer.socket.close(1000, token.slice(0, 100));
    await gateway.log('session.closed');
    const metrics = await ask(gateway.gateway.internalPort, '/metrics');
    const readiness = await ask(gateway.port, '/readyz');
    const said = JSON.stringify([gateway.lines, answers, metrics, readiness]);
    const [header = '', , vector = '', body = '', tag = ''] = token.split('.');
    for (const part of [token, `${header}..`, vector, body, body.slice(0, 40), tag, PASSWORD])
      expect(said).not.toContain(part);
  });

  test('is opened with either of two keys while they are rotated, and with the last good ones while the file is broken', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway();
    const opens = async (token: string): Promise<number> =>
      (await ask(gateway.port, `/websockify?token=${token}`)).status;
    writeKeys(gateway, 'a', { a: KEY(1) });
    const byA = await gateway.token(runner.port);
    writeKeys(gateway, 'a', { a: KEY(1), b: KEY(2) }); // every opener learns b before anybody seals with it
    expect(await opens(byA)).toBe(200);
    writeKeys(gateway, 'b', { a: KEY(1), b: KEY(2) });
    const byB = await gateway.token(runner.port);
    expect([await opens(byA), await opens(byB)]).toEqual([200, 200]);
    writeFileSync(gateway.keysFile, '{"active":');
    expect([await opens(byA), await opens(byB)]).toEqual([200, 200]);
    writeKeys(gateway, 'b', { b: KEY(2) });
    expect([await opens(byA), await opens(byB)]).toEqual([401, 200]);
    const [line] = await gateway.log('token.keys');
    expect(JSON.stringify(line)).not.toContain(KEY(1));
    expect(readFileSync(gateway.keysFile, 'utf8')).not.toContain(KEY(1));
  });

  test('that names another algorithm, no algorithm, or a key in its header is refused', async () => {
    await using gateway = await startTestGateway({ CAMOFLEET_GATEWAY_FAILED_ATTEMPTS_PER_MINUTE: '0' });
    const [, ...rest] = (await gateway.token(1)).split('.');
    const { active } = JSON.parse(readFileSync(gateway.keysFile, 'utf8')) as { active: string };
    const withHeader = (header: object): string =>
      [Buffer.from(JSON.stringify(header)).toString('base64url'), ...rest].join('.');
    const headers = [
      { alg: 'none', kid: active },
      { alg: 'dir', enc: 'A128CBC-HS256', kid: active },
      { alg: 'A256KW', enc: 'A256GCM', kid: active },
      { alg: 'PBES2-HS256+A128KW', enc: 'A256GCM', kid: active, p2c: 100_000_000, p2s: 'AAAA' },
      { alg: 'dir', enc: 'A256GCM', kid: active, zip: 'DEF' },
      { alg: 'dir', enc: 'A256GCM', kid: active, crit: ['exp'], exp: 1 },
      { alg: 'dir', enc: 'A256GCM', kid: '../keys' },
      { alg: 'dir', enc: 'A256GCM', jwk: { kty: 'oct', k: KEY(1) } },
      { alg: 'dir', enc: 'A256GCM', kid: '__proto__' },
    ];
    for (const header of headers) {
      const answer = await ask(gateway.port, `/websockify?token=${withHeader(header)}`);
      expect([header, answer.status, answer.problem.code]).toEqual([header, 401, 'token_invalid']);
    }
  });

  test('that was revoked opens nothing at a gateway that starts afterwards', async () => {
    await using runner = await startTestRunner();
    await using control = await startTestControl();
    const at = new Date().toISOString();
    control.history.announce('rights.revoked', { session: 'session-1', jti: 'jti-1', at });
    await using gateway = await startTestGateway(control.env);
    await control.followed;
    const revoked = await gateway.token(runner.port);
    const code = async (): Promise<string> => (await ask(gateway.port, `/websockify?token=${revoked}`)).problem.code;
    await expect.poll(code, { timeout: 5_000 }).toBe('rights_revoked');
    expect((await refusalOf(gateway.port, revoked)).status).toBe(403);
    expect(runner.connections).toBe(0);
    (await openViewer(gateway.port, await gateway.token(runner.port, { jti: 'jti-2' }))).socket.terminate();
  });

  test('that is good once opens one socket of many that ask at the same time', async () => {
    await using runner = await startTestRunner();
    await using control = await startTestControl();
    await using gateway = await startTestGateway(control.env);
    const token = await gateway.token(runner.port, { once: true });
    const asked = Array.from({ length: 12 }, () => openViewer(gateway.port, token));
    const opened = (await Promise.allSettled(asked)).filter((result) => result.status === 'fulfilled');
    expect(opened).toHaveLength(1);
    for (const { value } of opened) value.socket.terminate();
    const codes = (await gateway.log('session.refused', 11)).map((line) => line['code']);
    expect(new Set(codes)).toEqual(new Set(['token_used']));
  });
});
