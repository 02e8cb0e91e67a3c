import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ServerHandshake } from '../../src/rfb/index.ts';
import type { TokenClaims } from '../../src/tokens/index.ts';
import { startTestControl } from './support/control.ts';
import { type LogLine, type TestGateway, startTestGateway } from './support/gateway.ts';
import { type RunnerConnection, SERVER_INIT, type TestRunner, startTestRunner } from './support/runner.ts';
import { type TestViewer, ask, openViewer } from './support/viewer.ts';

interface Stage {
  readonly runner: TestRunner;
  readonly gateway: TestGateway;
  readonly viewer: TestViewer;
  readonly connection: RunnerConnection;
}

let scope = new AsyncDisposableStack();
afterEach(async () => {
  await scope.disposeAsync();
  scope = new AsyncDisposableStack();
});

async function stage(
  env: Readonly<Record<string, string>> = {},
  options: { claims?: Partial<TokenClaims>; autoPong?: boolean } = {},
): Promise<Stage> {
  const runner = scope.use(await startTestRunner());
  const gateway = scope.use(await startTestGateway(env));
  const token = await gateway.token(runner.port, options.claims);
  const viewer = await openViewer(gateway.port, token, { autoPong: options.autoPong ?? true });
  const connection = await runner.next();
  await viewer.until(SERVER_INIT.length);
  return { runner, gateway, viewer, connection };
}

/** The one line that a socket's end leaves; the metrics say the same. */
async function theEnd(gateway: TestGateway): Promise<LogLine> {
  const [line] = await gateway.log('session.closed');
  await new Promise((resolve) => setTimeout(resolve, 50)); // a second line would come behind the first
  expect(await gateway.log('session.closed')).toHaveLength(1);
  const { body } = await ask(gateway.gateway.internalPort, '/metrics');
  const closed = body.split('\n').filter((text) => text.startsWith('camofleet_gateway_closed_total'));
  expect(closed).toEqual([`camofleet_gateway_closed_total{cause="${String(line!['cause'])}"} 1`]);
  expect(body).toContain(`camofleet_gateway_bytes_total{direction="down"} ${String(line!['bytesDown'])}\n`);
  expect(body).toContain('camofleet_gateway_sessions 0\n');
  return line!;
}

/** Waits until as much waits at the runner as can, and nothing moves any more. */
async function untilStuck({ socket }: RunnerConnection): Promise<void> {
  await expect.poll(() => socket.writableLength, { timeout: 10_000 }).toBeGreaterThan(2_000_000);
  for (let before = -1; before !== socket.bytesWritten - socket.writableLength; ) {
    before = socket.bytesWritten - socket.writableLength;
    await new Promise((resolve) => setTimeout(resolve, 600));
  }
}

/** Lets time pass for the gateway without skipping a turn of its ticker. */
async function passTime(gateway: TestGateway, ms: number, stepMs = ms): Promise<void> {
  for (let passed = 0; passed < ms; passed += stepMs) {
    gateway.clock.pass(stepMs);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

describe('a socket ends with one cause, one code and one line', () => {
  test('viewer_closed: with the code of the viewer', async () => {
    const { gateway, viewer, connection } = await stage();
    viewer.socket.close(1001, 'away');
    await viewer.closed;
    expect(await theEnd(gateway)).toMatchObject({ cause: 'viewer_closed', by: 'viewer', code: 1001 });
    await expect.poll(() => connection.socket.destroyed).toBe(true);
  });

  test('viewer_closed: a close frame without a code has none', async () => {
    const { gateway, viewer } = await stage();
    viewer.socket.close();
    expect(await theEnd(gateway)).toMatchObject({ cause: 'viewer_closed', code: null });
  });

  test('viewer_lost: the connection breaks without a close frame', async () => {
    const { gateway, viewer, connection } = await stage();
    viewer.socket.terminate();
    expect(await theEnd(gateway)).toMatchObject({ cause: 'viewer_lost', by: 'viewer', code: null });
    await expect.poll(() => connection.socket.destroyed).toBe(true);
  });

  test('viewer_lost: the viewer half-closes, and its socket is ended', async () => {
    const { gateway, viewer } = await stage();
    viewer.raw.end();
    expect(await theEnd(gateway)).toMatchObject({ cause: 'viewer_lost' });
    expect((await viewer.closed).code).toBe(1006);
  });

  test('viewer_lost: the viewer half-closes behind a burst, all of which reaches the runner, and then its end', async () => {
    const { gateway, viewer, connection } = await stage();
    const last = Buffer.alloc(3_000_000, 7);
    const ended = once(connection.socket, 'end');
    viewer.send(last);
    viewer.raw.end();
    await ended;
    expect(connection.received().equals(last)).toBe(true);
    expect(await theEnd(gateway)).toMatchObject({ cause: 'viewer_lost', bytesUp: last.length });
  });

  test('viewer_lost: pongs stop, though the connection stands', async () => {
    const { gateway, viewer } = await stage({}, { autoPong: false });
    await passTime(gateway, 61_000);
    expect(await theEnd(gateway)).toMatchObject({ cause: 'viewer_lost', detail: expect.stringContaining('60000 ms') });
    expect((await viewer.closed).code).toBe(1006);
  });

  test('upstream_closed: the FIN of the runner, behind all that it sent', async () => {
    const { gateway, viewer, connection } = await stage();
    const last = Buffer.alloc(3_000_000, 7);
    connection.socket.end(last);
    expect(await viewer.closed).toEqual({ code: 4502, reason: 'the runner closed the stream' });
    expect(viewer.received().length).toBe(SERVER_INIT.length + last.length);
    expect(await theEnd(gateway)).toMatchObject({ cause: 'upstream_closed', by: 'runner', code: 4502 });
  });

  test('upstream_lost: the reset of the runner', async () => {
    const { gateway, viewer, connection } = await stage();
    connection.socket.resetAndDestroy();
    expect((await viewer.closed).code).toBe(4504);
    expect(await theEnd(gateway)).toMatchObject({
      cause: 'upstream_lost',
      by: 'runner',
      code: 4504,
      detail: expect.stringContaining('ECONNRESET'),
    });
  });

  test('idle: only with pings off, and no byte either way', async () => {
    const { gateway, viewer, connection } = await stage({ WS_PING_INTERVAL_MS: '0' });
    await passTime(gateway, 299_000);
    connection.socket.write('x');
    await viewer.until(SERVER_INIT.length + 1);
    await passTime(gateway, 299_000);
    expect(viewer.socket.readyState).toBe(viewer.socket.OPEN);
    await passTime(gateway, 2_000);
    expect((await viewer.closed).code).toBe(4408);
    const line = await theEnd(gateway);
    expect(line).toMatchObject({ cause: 'idle', by: 'gateway', code: 4408 });
    expect(line['longestSilenceMs']).toBeGreaterThan(299_000);
  });

  test('slow_viewer: what waits for the viewer does not leave', async () => {
    const { gateway, viewer, connection } = await stage();
    viewer.socket.pause();
    connection.socket.write(Buffer.alloc(30_000_000));
    await untilStuck(connection);
    await passTime(gateway, 15_500);
    expect(await theEnd(gateway)).toMatchObject({ cause: 'slow_viewer', by: 'gateway', code: 4413 });
    viewer.socket.resume();
    expect((await viewer.closed).code).toBe(4413);
  });

  test('slow_viewer: the runner gives up while it is not read', async () => {
    const { gateway, viewer, connection } = await stage({ WS_WRITE_TIMEOUT_MS: '60000' });
    viewer.socket.pause();
    connection.socket.write(Buffer.alloc(30_000_000));
    await untilStuck(connection);
    await passTime(gateway, 25_000);
    connection.socket.resetAndDestroy();
    viewer.socket.resume();
    expect((await viewer.closed).code).toBe(4413);
    expect(await theEnd(gateway)).toMatchObject({ cause: 'slow_viewer' });
  });

  test('protocol_error: a text frame', async () => {
    const { gateway, viewer } = await stage();
    viewer.socket.send('text');
    expect((await viewer.closed).code).toBe(1002);
    expect(await theEnd(gateway)).toMatchObject({ cause: 'protocol_error', code: 1002, detail: 'a text frame' });
  });

  test('protocol_error: a frame without a mask', async () => {
    const { gateway, viewer } = await stage();
    viewer.raw.write(Buffer.from([0x82, 0x01, 0x00]));
    expect((await viewer.closed).code).toBe(1002);
    expect(await theEnd(gateway)).toMatchObject({ cause: 'protocol_error', code: 1002 });
  });

  test('protocol_error: a frame that is too long has the code that went over the wire', async () => {
    const { gateway, viewer } = await stage();
    viewer.raw.write(Buffer.from([0x82, 0xff, 0, 0x20, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]));
    expect((await viewer.closed).code).toBe(1009);
    expect(await theEnd(gateway)).toMatchObject({ cause: 'protocol_error', code: 1009 });
  });

  test('protocol_error: a viewer that never opens RFB', async () => {
    const runner = scope.use(await startTestRunner());
    const gateway = scope.use(await startTestGateway());
    const viewer = await openViewer(gateway.port, await gateway.token(runner.port), { silent: true });
    await passTime(gateway, 10_500);
    expect((await viewer.closed).code).toBe(1002);
    expect(await theEnd(gateway)).toMatchObject({
      cause: 'protocol_error',
      detail: expect.stringContaining('ClientInit'),
    });
  });

  test('internal: a bug of ours ends the socket that it meets, and no other', async () => {
    const runner = scope.use(await startTestRunner());
    const gateway = scope.use(await startTestGateway());
    const other = await openViewer(gateway.port, await gateway.token(runner.port, { jti: 'jti-2' }));
    const neighbour = await runner.next();
    const viewer = await openViewer(gateway.port, await gateway.token(runner.port), { silent: true });
    vi.spyOn(ServerHandshake.prototype, 'feed').mockImplementationOnce(() => {
      throw new Error('a bug');
    });
    viewer.send(Buffer.from('RFB 003.008\n'));
    expect(await viewer.closed).toEqual({ code: 1011, reason: 'internal error' });
    const [line] = await gateway.log('session.closed');
    expect(line).toMatchObject({ cause: 'internal', by: 'gateway', code: 1011, detail: 'a bug' });
    neighbour.socket.write('alive');
    await other.until(SERVER_INIT.length + 5);
    const { body } = await ask(gateway.gateway.internalPort, '/metrics');
    expect(body).toContain('camofleet_gateway_closed_total{cause="internal"} 1\n');
  });

  test('draining: the gateway is told to stop', async () => {
    const { gateway, viewer } = await stage({ CAMOFLEET_GATEWAY_DRAIN_DELAY_MS: '0' });
    await gateway.gateway.drain();
    expect(await viewer.closed).toEqual({ code: 1012, reason: 'the gateway restarts' });
    expect(await theEnd(gateway)).toMatchObject({ cause: 'draining', by: 'gateway', code: 1012 });
  });

  test('session_ended: control says so, within a second', async () => {
    const control = scope.use(await startTestControl());
    const { gateway, viewer } = await stage(control.env);
    await control.followed;
    const began = performance.now();
    control.history.announce('session.ended', ended('released'));
    expect((await viewer.closed).code).toBe(4410);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(await theEnd(gateway)).toMatchObject({ cause: 'session_ended', by: 'control', detail: 'over' });
  });

  test('session_ended: the word of control comes behind the FIN of the runner', async () => {
    const control = scope.use(await startTestControl());
    const { gateway, viewer, connection } = await stage(control.env);
    await control.followed;
    connection.socket.end();
    setTimeout(() => control.history.announce('session.ended', ended('expired')), 100);
    expect((await viewer.closed).code).toBe(4410);
    expect(await theEnd(gateway)).toMatchObject({ cause: 'session_ended' });
  });

  test('upstream_closed: a crash that control announces leaves the cause to what was seen', async () => {
    const control = scope.use(await startTestControl());
    const { gateway, viewer, connection } = await stage(control.env);
    await control.followed;
    control.history.announce('session.ended', ended('crashed'));
    connection.socket.end();
    expect((await viewer.closed).code).toBe(4502);
    expect(await theEnd(gateway)).toMatchObject({ cause: 'upstream_closed' });
  });

  test('rights_revoked: by token, by grant and by session', async () => {
    const control = scope.use(await startTestControl());
    for (const named of [{ jti: 'jti-1' }, { grant: 'grant-2' }, {}]) {
      const claims = named.jti ? {} : named.grant ? { jti: 'jti-2', grant: 'grant-2' } : { jti: 'jti-3' };
      const { gateway, viewer } = await stage(control.env, { claims });
      await control.followed;
      await new Promise((resolve) => setTimeout(resolve, 100)); // the stream of this gateway, too
      control.history.announce('rights.revoked', { session: 'session-1', ...named, at: new Date().toISOString() });
      expect((await viewer.closed).code).toBe(4403);
      expect(await gateway.log('session.closed')).toMatchObject([
        { cause: 'rights_revoked', by: 'control', code: 4403 },
      ]);
      const { body } = await ask(gateway.gateway.internalPort, '/metrics');
      expect(body).toContain('camofleet_gateway_closed_total{cause="rights_revoked"} 1\n');
    }
  });
});

describe('a socket lives', () => {
  test('on a still screen with a viewer that only watches, as long as pongs come', async () => {
    const { gateway, viewer, connection } = await stage();
    await passTime(gateway, 400_000, 20_000);
    connection.socket.write('still here');
    await viewer.until(SERVER_INIT.length + 10);
    viewer.socket.close(1000);
    const line = await theEnd(gateway);
    expect(line).toMatchObject({ cause: 'viewer_closed', pingP99Ms: expect.any(Number) });
    expect(line['longestSilenceMs']).toBeGreaterThan(390_000);
  }, 20_000);

  test('while control is unreachable, and new ones open by token alone', async () => {
    const control = await startTestControl();
    const { gateway, viewer, runner, connection } = await stage(control.env);
    await control.followed;
    await control[Symbol.asyncDispose]();
    await expect.poll(async () => (await gateway.log('control.state', 2)).at(-1)!['connected']).toBe(false);
    (await openViewer(gateway.port, await gateway.token(runner.port))).socket.terminate();
    connection.socket.write('alive');
    await viewer.until(SERVER_INIT.length + 5);
  });
});

function ended(reason: string): object {
  return { session: 'session-1', reason, detail: 'over', at: new Date().toISOString() };
}
