import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TokenClaims, createKeyFile, openToken, parseKeyring } from '../../src/tokens/index.ts';
import { SERVICE_KEY, type TestControl, startTestControl, writeKey } from '../control/support/control.ts';
import { FLEET, type TestGateway, startTestGateway } from './support/gateway.ts';
import { type TestRunner, startTestRunner } from './support/runner.ts';
import { type Answer, ask, openViewer, refusalOf } from './support/viewer.ts';

let scope: AsyncDisposableStack;
let env: Record<string, string>;
let control: TestControl;
let runner: TestRunner;
let first: TestGateway;
let second: TestGateway;

beforeEach(async () => {
  scope = new AsyncDisposableStack();
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-renewal-'));
  scope.defer(() => rmSync(dir, { recursive: true }));
  const keysFile = join(dir, 'keys.json');
  await createKeyFile(keysFile);
  const keyFile = writeKey(dir, 'service.key', SERVICE_KEY);
  control = scope.use(
    await startTestControl([], {
      CAMOFLEET_CONTROL_TOKEN_KEYS_FILE: keysFile,
      CAMOFLEET_CONTROL_SERVICE_KEY_FILE: keyFile,
    }),
  );
  env = {
    CAMOFLEET_GATEWAY_TOKEN_KEYS_FILE: keysFile,
    CAMOFLEET_GATEWAY_SERVICE_KEY_FILE: keyFile,
    CAMOFLEET_GATEWAY_CONTROL_URL: `http://127.0.0.1:${control.control.internalPort}`,
  };
  runner = scope.use(await startTestRunner());
  first = scope.use(await gatewayOf('gateway-a'));
  second = scope.use(await gatewayOf('gateway-b'));
});
afterEach(() => scope.disposeAsync());

/** A gateway that follows control. */
async function gatewayOf(id: string): Promise<TestGateway> {
  const gateway = await startTestGateway({ ...env, CAMOFLEET_GATEWAY_ID: id });
  await expect
    .poll(async () => JSON.parse((await ask(gateway.port, '/readyz')).body).control, { timeout: 5_000 })
    .toBe('ok');
  return gateway;
}

function renew(gateway: TestGateway, token: string): Promise<Answer> {
  return ask(gateway.port, '/vnc/session-1/token', { method: 'POST', headers: { authorization: `Bearer ${token}` } });
}

async function renewed(gateway: TestGateway, token: string): Promise<string> {
  const answer = await renew(gateway, token);
  expect(answer.status, answer.body).toBe(200);
  return (JSON.parse(answer.body) as { token: string }).token;
}

async function claimsOf(gateway: TestGateway, token: string): Promise<TokenClaims> {
  const keyring = parseKeyring(readFileSync(gateway.keysFile, 'utf8'), gateway.keysFile);
  const opened = await openToken(token, keyring, { fleetId: FLEET, nowMs: 0 });
  if (!opened.ok) throw new Error(opened.error);
  return opened.value;
}

async function revoke(what: { jti?: string; grant?: string }): Promise<void> {
  expect((await control.ask('POST', '/sessions/runner-1/session-1/revoke', { body: what })).status).toBe(202);
}

describe('a token whose socket is open at one gateway', () => {
  test('is renewed at another as soon as it is open, keeps its id, and is not when the socket has ended', async () => {
    const now = Math.floor(Date.now() / 1_000);
    const token = await first.token(runner.port, { iat: now - 200, exp: now + 100 });
    const viewer = await openViewer(first.port, token);
    const next = await renewed(second, token);
    const { iat, exp, ...kept } = await claimsOf(first, next);
    expect(kept).toMatchObject({ sid: 'session-1', jti: 'jti-1', rights: 'control' });
    expect([iat - now, exp - iat]).toEqual([expect.closeTo(0, -1), 300]);
    viewer.socket.terminate();
    await expect.poll(async () => (await renew(second, next)).status, { timeout: 10_000 }).toBe(401);
    expect((await renew(first, next)).problem.code).toBe('token_expired');
    (await openViewer(second.port, next)).socket.terminate();
  });

  test('is renewed at its own gateway without control, and at another not, which says why', async () => {
    const token = await first.token(runner.port);
    const viewer = await openViewer(first.port, token);
    await control[Symbol.asyncDispose]();
    await renewed(first, token);
    const answer = await renew(second, token);
    expect([answer.status, answer.problem.code, answer.headers['retry-after']]).toEqual([
      503,
      'control_unreachable',
      '5',
    ]);
    viewer.socket.terminate();
  });

  test('that was good once is redeemed, and opens again what was renewed from it, anywhere', async () => {
    const token = await first.token(runner.port, { once: true });
    const viewer = await openViewer(first.port, token);
    const next = await renewed(second, token);
    expect(await claimsOf(first, next)).not.toHaveProperty('once');
    viewer.socket.terminate();
    for (const gateway of [first, second]) (await openViewer(gateway.port, next)).socket.terminate();
    for (const gateway of [first, second])
      expect((await refusalOf(gateway.port, token)).problem.code).toBe('token_used');
  });
});

describe('a revocation', () => {
  test.each([
    ['of a token', { jti: 'jti-1' }],
    ['of a grant', { grant: 'grant-1' }],
    ['of a session', {}],
  ])(
    '%s ends what was renewed from it elsewhere, at every gateway, also at one that starts behind it',
    async (_name, what) => {
      const token = await first.token(runner.port, { grant: 'grant-1' });
      const viewer = await openViewer(first.port, token);
      const next = await renewed(second, token);
      const other = await openViewer(second.port, next);
      await revoke(what);
      expect([(await viewer.closed).code, (await other.closed).code]).toEqual([4403, 4403]);
      const third = scope.use(await gatewayOf('gateway-c'));
      for (const gateway of [first, second, third])
        for (const given of [token, next])
          await expect
            .poll(async () => (await ask(gateway.port, `/websockify?token=${given}`)).problem.code, { timeout: 5_000 })
            .toBe('rights_revoked');
      expect((await renew(third, next)).problem.code).toBe('rights_revoked');
    },
  );
});
