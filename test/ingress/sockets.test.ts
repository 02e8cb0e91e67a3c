import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import { closedPort } from '../gateway/support/runner.ts';
import {
  ACCEPT,
  type TestIngress,
  type TestService,
  WS_KEY,
  handshake,
  startTestIngress,
  startTestService,
  until,
} from './support/ingress.ts';

/** A socket through the ingress, and the service's end of it. */
async function open(
  ingress: TestIngress,
  gateway: TestService,
  path = '/websockify?token=canary',
  headers: readonly string[] = [],
): Promise<{ viewer: TLSSocket; service: Socket; received: () => string }> {
  const viewer = await ingress.dial();
  const chunks: Buffer[] = [];
  viewer.on('data', (chunk: Buffer) => chunks.push(chunk));
  viewer.on('error', () => {});
  const received = (): string => Buffer.concat(chunks).toString('latin1');
  viewer.write(handshake(path, headers));
  const service = await gateway.upgraded();
  await until(() => received().includes('\r\n\r\n'), 'the 101');
  return { viewer, service, received };
}

test('a socket carries bytes both ways', async () => {
  await using gateway = await startTestService();
  await using ingress = await startTestIngress({ gateway: gateway.port });
  const { viewer, service, received } = await open(ingress, gateway);
  expect(received()).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
  expect(received()).toContain(ACCEPT);
  const up: Buffer[] = [];
  service.on('data', (chunk: Buffer) => up.push(chunk));
  viewer.write('from the viewer');
  service.write('from the service');
  await until(() => Buffer.concat(up).toString() === 'from the viewer', 'bytes at the service');
  await until(() => received().endsWith('from the service'), 'bytes at the viewer');
  viewer.destroy();
});

test('bytes that come with the handshake are not lost', async () => {
  await using gateway = await startTestService();
  await using ingress = await startTestIngress({ gateway: gateway.port });
  const viewer = await ingress.dial();
  viewer.write(`${handshake('/websockify?token=t')}early`);
  const service = await gateway.upgraded();
  const [first] = (await once(service, 'data')) as [Buffer];
  expect(first.toString()).toBe('early');
  viewer.destroy();
});

test('the service of a socket sees wss and no forged address', async () => {
  await using gateway = await startTestService();
  await using ingress = await startTestIngress({ gateway: gateway.port });
  const { viewer } = await open(ingress, gateway, '/vnc/abc', ['X-Forwarded-For: 203.0.113.9']);
  expect(gateway.seen[0]).toMatchObject({ url: '/vnc/abc' });
  expect(gateway.seen[0]?.headers).toMatchObject({
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'wss',
    'x-forwarded-host': 'localhost:8443',
    'sec-websocket-key': WS_KEY,
  });
  viewer.destroy();
});

test('the line of a socket is written when it has ended, with status 0 and its lifetime', async () => {
  await using gateway = await startTestService();
  await using ingress = await startTestIngress({ gateway: gateway.port });
  const { viewer } = await open(ingress, gateway, '/websockify?token=canary', ['X-Request-Id: r-1']);
  await new Promise((resolve) => setTimeout(resolve, 120));
  expect(ingress.lines()).toEqual([]);
  viewer.end();
  const line = await ingress.line();
  expect(line).toMatchObject({
    DownstreamStatus: 0,
    OriginStatus: 0,
    RequestPath: '/websockify',
    RouterName: 'websockify@embedded',
    ServiceName: 'gateway@embedded',
    'request_Sec-Websocket-Key': WS_KEY,
    'origin_Sec-Websocket-Accept': ACCEPT,
    'downstream_Sec-Websocket-Accept': ACCEPT,
    origin_Upgrade: 'websocket',
    'request_X-Request-Id': 'r-1',
  });
  expect(line['Duration']).toBeGreaterThan(100e6);
  expect(JSON.stringify(line)).not.toMatch(/canary/);
  expect(ingress.lines()).toHaveLength(1);
});

test('the end of one side ends the other', async () => {
  await using gateway = await startTestService();
  await using ingress = await startTestIngress({ gateway: gateway.port });
  const first = await open(ingress, gateway);
  first.viewer.end();
  await once(first.service, 'end');
  first.service.end();

  const second = await open(ingress, gateway);
  second.service.end('last words');
  await once(second.viewer, 'end');
  expect(second.received()).toMatch(/last words$/);
  await until(() => ingress.lines().length === 2, 'two lines');
});

test('a socket that the service closes first has its line, whatever its viewer still says', async () => {
  await using gateway = await startTestService();
  await using ingress = await startTestIngress({ gateway: gateway.port });
  const { viewer, service } = await open(ingress, gateway);
  const talk = setInterval(() => viewer.writable && viewer.write(Buffer.alloc(65_536)), 1);
  service.end();
  service.destroy();
  await once(viewer, 'end');
  clearInterval(talk);
  viewer.end();
  await until(() => ingress.lines().length === 1, 'the line');
});

test('a reset at one side ends the other', async () => {
  await using gateway = await startTestService();
  await using ingress = await startTestIngress({ gateway: gateway.port });
  const first = await open(ingress, gateway);
  first.service.resetAndDestroy();
  await once(first.viewer, 'close');

  const second = await open(ingress, gateway);
  second.service.resume();
  const ended = once(second.service, 'end');
  second.viewer.destroy();
  await ended;
  await until(() => ingress.lines().length === 2, 'two lines');
});

test('a viewer that is gone leaves no socket half open at a service that goes on writing', async () => {
  await using gateway = await startTestService();
  await using ingress = await startTestIngress({ gateway: gateway.port });
  const { viewer, service } = await open(ingress, gateway);
  const cut = new Promise((resolve) => service.once('close', resolve));
  const writing = setInterval(() => service.write(Buffer.alloc(100_000)), 5);
  viewer.destroy();
  await cut;
  clearInterval(writing);
});

test('a viewer that does not read stops the service from writing', async () => {
  await using gateway = await startTestService();
  await using ingress = await startTestIngress({ gateway: gateway.port });
  const { viewer, service } = await open(ingress, gateway);
  viewer.pause();
  const chunk = Buffer.alloc(1_000_000);
  let accepted = 0;
  while (accepted < 100) {
    accepted += 1;
    if (service.write(chunk)) continue;
    const drained = await Promise.race([
      once(service, 'drain').then(() => true),
      new Promise((resolve) => setTimeout(() => resolve(false), 300)),
    ]);
    if (drained === false) break;
  }
  expect(accepted).toBeLessThan(60);
  viewer.destroy();
});

test('many sockets leave no listeners behind', async () => {
  await using gateway = await startTestService();
  await using ingress = await startTestIngress({ gateway: gateway.port });
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  try {
    const opened = [];
    for (let at = 0; at < 15; at += 1) opened.push(await open(ingress, gateway));
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings.map(({ message }) => message)).toEqual([]);
    for (const { viewer } of opened) viewer.destroy();
  } finally {
    process.off('warning', onWarning);
  }
});

test('a handshake to a dead service is a 502', async () => {
  await using ingress = await startTestIngress({ gateway: await closedPort() });
  expect(await ingress.ask(handshake('/websockify?token=t'))).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n/);
  expect(await ingress.line()).toMatchObject({ DownstreamStatus: 502, RouterName: 'websockify@embedded' });
});

test('a handshake that is not answered in time is a 504', async () => {
  await using gateway = await startSilentService();
  await using ingress = await startTestIngress({ gateway: gateway.port, responseHeaderTimeoutMs: 100 });
  expect(await ingress.ask(handshake('/websockify?token=t'))).toMatch(/^HTTP\/1\.1 504 Gateway Timeout\r\n/);
  expect(await ingress.line()).toMatchObject({ DownstreamStatus: 504 });
});

test('a refusal of the service reaches the caller as it is', async () => {
  await using gateway = await startSilentService((socket) =>
    socket.end('HTTP/1.1 410 Gone\r\ncontent-type: application/problem+json\r\ncontent-length: 2\r\n\r\n{}'),
  );
  await using ingress = await startTestIngress({ gateway: gateway.port });
  const answer = await ingress.ask(handshake('/websockify?token=t'));
  expect(answer).toMatch(/^HTTP\/1\.1 410 Gone\r\n[^]*application\/problem\+json[^]*\{\}$/);
  expect(await ingress.line()).toMatchObject({ DownstreamStatus: 410, OriginStatus: 410 });
});

test('a handshake on an unknown path is a 404', async () => {
  await using ingress = await startTestIngress({});
  expect(await ingress.ask(handshake('/socket'))).toMatch(/^HTTP\/1\.1 404 Not Found\r\n[^]*404 page not found\n$/);
  expect(await ingress.line()).toMatchObject({ DownstreamStatus: 404 });
});

test('plain HTTP on the TLS port does not stop the ingress', async () => {
  await using gateway = await startTestService();
  await using ingress = await startTestIngress({ gateway: gateway.port });
  const plain = connect(ingress.port, '127.0.0.1').on('error', () => {});
  plain.write('GET / HTTP/1.1\r\n\r\n');
  await once(plain, 'close');
  const { viewer } = await open(ingress, gateway);
  viewer.destroy();
});

test('a stop accepts no more, waits its grace for open sockets, and then cuts them', async () => {
  await using gateway = await startTestService();
  const ingress = await startTestIngress({ gateway: gateway.port, graceTimeoutMs: 300 });
  const { viewer } = await open(ingress, gateway);
  const cut = once(viewer, 'close');
  const began = performance.now();
  const stopped = ingress[Symbol.asyncDispose]();
  await expect(ingress.dial()).rejects.toThrow('ECONNREFUSED');
  await cut;
  expect(performance.now() - began).toBeGreaterThan(250);
  await stopped;
});

test('a stop without open sockets is immediate', async () => {
  const ingress = await startTestIngress({ graceTimeoutMs: 10_000 });
  const began = performance.now();
  await ingress[Symbol.asyncDispose]();
  expect(performance.now() - began).toBeLessThan(2_000);
});

/** Takes connections and, when a request has come, does what it is told; nothing by default. */
async function startSilentService(
  answer: (socket: Socket) => void = () => {},
): Promise<AsyncDisposable & { readonly port: number }> {
  const { startRawRunner } = await import('../gateway/support/runner.ts');
  return startRawRunner((socket) => socket.once('data', () => answer(socket)));
}
