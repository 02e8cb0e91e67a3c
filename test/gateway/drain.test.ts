import { connect } from 'node:net';
import { platform } from 'node:os';
import { describe, expect, test } from 'vitest';
import { startTestGateway } from './support/gateway.ts';
import { HANDSHAKE } from './support/raw.ts';
import { startRawRunner, startTestRunner } from './support/runner.ts';
import { ask, openViewer, refusalOf } from './support/viewer.ts';

describe('draining', () => {
  test('refuses at once, tells the viewers behind the delay, spread over the grace, and ends when none is left', async () => {
    await using runner = await startTestRunner();
    await using gateway = await startTestGateway({
      SHUTDOWN_GRACE_MS: '2000',
      CAMOFLEET_GATEWAY_DRAIN_DELAY_MS: '400',
    });
    const token = await gateway.token(runner.port);
    const began = performance.now();
    const ends: number[] = [];
    const viewers = await Promise.all([1, 2, 3, 4].map(() => openViewer(gateway.port, token)));
    for (const { closed } of viewers)
      void closed.then(({ code }) => ends.push(code === 1012 ? performance.now() - began : -1));
    const drained = gateway.gateway.drain();
    expect((await ask(gateway.port, '/readyz')).status).toBe(503);
    expect((await ask(gateway.port, '/healthz')).status).toBe(200);
    const answer = await refusalOf(gateway.port, token);
    expect([answer.status, answer.problem.code, answer.headers['retry-after']]).toEqual([503, 'draining', '5']);
    expect(ends).toEqual([]);
    await drained;
    expect(performance.now() - began).toBeLessThan(2_100);
    expect(ends).toHaveLength(4);
    expect(Math.min(...ends)).toBeGreaterThan(390);
    expect(Math.max(...ends) - Math.min(...ends)).toBeGreaterThan(400);
    const lines = await gateway.log('session.closed', 4);
    expect(lines.every(({ cause, by, code }) => cause === 'draining' && by === 'gateway' && code === 1012)).toBe(true);
  });

  test.runIf(platform() === 'linux')('leaves its port to a successor at once, where both may have it', async () => {
    await using runner = await startTestRunner();
    const shared = { CAMOFLEET_GATEWAY_REUSE_PORT: 'true', SHUTDOWN_GRACE_MS: '3000' };
    await using old = await startTestGateway({ ...shared, CAMOFLEET_GATEWAY_DRAIN_DELAY_MS: '500' });
    const viewer = await openViewer(old.port, await old.token(runner.port));
    await using successor = await startTestGateway({
      ...shared,
      HTTP_PORT: String(old.port),
      CAMOFLEET_GATEWAY_ID: 'successor',
    });
    expect(successor.port).toBe(old.port);
    const drained = old.gateway.drain();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(old.port, '/readyz')));
    const ids = answers.map(({ body }) => (JSON.parse(body) as { gateway: string }).gateway);
    expect(new Set(ids)).toEqual(new Set(['successor']));
    expect((await viewer.closed).code).toBe(1012);
    await drained;
  });

  test('ends at once when no socket is open', async () => {
    await using gateway = await startTestGateway();
    const began = performance.now();
    await gateway.gateway.drain();
    expect(performance.now() - began).toBeLessThan(200);
  });

  test('is asked for by POST on the internal listener, and by no page', async () => {
    await using gateway = await startTestGateway();
    const { internalPort, stopAsked } = gateway.gateway;
    const ofPage = { method: 'POST', headers: { origin: 'http://evil.example.com' } };
    expect((await ask(internalPort, '/admin/drain', ofPage)).status).toBe(403);
    expect((await ask(internalPort, '/admin/drain')).status).toBe(405);
    expect(stopAsked.aborted).toBe(false);
    expect((await ask(internalPort, '/admin/drain', { method: 'POST' })).status).toBe(202);
    expect(stopAsked.aborted).toBe(true);
    expect((await ask(gateway.port, '/admin/drain', { method: 'POST' })).status).toBe(404);
  });
});

describe('disposal', () => {
  test('ends what is open within a second: viewers that do not answer, attempts in their dial, half-closed peers', async () => {
    await using runner = await startTestRunner();
    await using silent = await startRawRunner(() => {});
    const gateway = await startTestGateway();
    const deaf = await openViewer(gateway.port, await gateway.token(runner.port));
    deaf.socket.pause();
    const dialling = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true });
    dialling.on('error', () => {}); // it is cut
    dialling.write(
      `GET /websockify?token=${await gateway.token(silent.port)} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await expect.poll(() => silent.connections).toBe(1);
    const began = performance.now();
    await gateway[Symbol.asyncDispose]();
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(gateway.lines.some((line) => line.includes('"cause":"draining"'))).toBe(true);
    deaf.socket.terminate();
    dialling.destroy();
  });

  test('tells of all that it has cut before it is over', async () => {
    await using silent = await startRawRunner(() => {});
    const gateway = await startTestGateway();
    const attempts = 10;
    const request = `GET /websockify?token=${await gateway.token(silent.port)} HTTP/1.1\r\nHost: a\r\n${HANDSHAKE}\r\n`;
    for (let count = 0; count < attempts; count += 1) {
      const dialling = connect({ port: gateway.port, host: '127.0.0.1' });
      dialling.on('error', () => {}).write(request); // it is cut
    }
    await expect.poll(() => silent.connections).toBe(attempts);
    await gateway[Symbol.asyncDispose]();
    expect(gateway.lines.filter((line) => line.includes('"code":"viewer_left"'))).toHaveLength(attempts);
  });
});
