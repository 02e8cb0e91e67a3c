import { once } from 'node:events';
import { expect, test } from 'vitest';
import { closedPort } from '../gateway/support/runner.ts';
import { get, startTestIngress, startTestService, until } from './support/ingress.ts';

test('a request reaches its service without the prefix of the API', async () => {
  await using control = await startTestService();
  await using ingress = await startTestIngress({ control: control.port });
  const answer = await ingress.ask(get('/api/sessions?rights=view'));
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer).toMatch(/body/);
  expect(control.seen[0]).toMatchObject({ url: '/sessions?rights=view' });
  expect(control.seen[0]?.headers).toMatchObject({ host: 'localhost:8443', 'x-forwarded-prefix': '/api' });
});

test('forwarded headers say what the ingress saw, whatever the caller claims', async () => {
  await using control = await startTestService();
  await using ingress = await startTestIngress({ control: control.port });
  await ingress.ask(
    get('/ui/', [
      'X-Forwarded-For: 203.0.113.9',
      'X-Forwarded-Host: evil.example',
      'X-Forwarded-Proto: http',
      'X-Forwarded-Prefix: /evil',
      'X-Real-Ip: 203.0.113.9',
      'x-forwarded-server: evil',
    ]),
  );
  const { headers } = control.seen[0]!;
  expect(headers).toMatchObject({
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-host': 'localhost:8443',
    'x-forwarded-port': '8443',
    'x-forwarded-proto': 'https',
    'x-real-ip': '127.0.0.1',
  });
  expect(JSON.stringify(headers)).not.toMatch(/evil|203\.0\.113/);
});

test('an unknown path is answered as Traefik answers it, and asks no service', async () => {
  await using control = await startTestService();
  await using ingress = await startTestIngress({ control: control.port, gateway: control.port });
  const answer = await ingress.ask(get('/metrics?secret=canary'));
  expect(answer).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
  expect(answer).toMatch(/404 page not found\n/);
  expect(control.seen).toHaveLength(0);
  const line = await ingress.line();
  expect(line).toMatchObject({ DownstreamStatus: 404, OriginStatus: 0, RequestPath: '/metrics' });
  expect(line).not.toHaveProperty('RouterName');
  expect(line).not.toHaveProperty('ServiceAddr');
});

test('the access log has the fields of Traefik and never the query', async () => {
  await using control = await startTestService();
  await using ingress = await startTestIngress({ control: control.port });
  await ingress.ask(get('/api/sessions?token=canary', ['X-Request-Id: r-1', 'Authorization: Bearer canary']));
  const line = await ingress.line();
  expect(line).toMatchObject({
    ClientAddr: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    ClientHost: '127.0.0.1',
    DownstreamContentSize: 4,
    DownstreamStatus: 200,
    OriginStatus: 200,
    RequestAddr: 'localhost:8443',
    RequestMethod: 'GET',
    RequestPath: '/api/sessions',
    RequestProtocol: 'HTTP/1.1',
    RouterName: 'api@embedded',
    ServiceAddr: `127.0.0.1:${control.port}`,
    ServiceName: 'control@embedded',
    ServiceURL: `http://127.0.0.1:${control.port}`,
    StartUTC: expect.stringMatching(/^\d{4}-.*Z$/),
    TLSVersion: '1.3',
    'request_X-Request-Id': 'r-1',
  });
  expect(line['Duration']).toBeTypeOf('number');
  expect(JSON.stringify(line)).not.toMatch(/canary/);
});

test('a dead service is a 502', async () => {
  await using ingress = await startTestIngress({ control: await closedPort() });
  expect(await ingress.ask(get('/ui/'))).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n[^]*Bad Gateway/);
  expect(await ingress.line()).toMatchObject({ DownstreamStatus: 502, OriginStatus: 0, RouterName: 'ui@embedded' });
});

test('a service that does not answer in time is a 504', async () => {
  await using control = await startTestService(() => {});
  await using ingress = await startTestIngress({ control: control.port, responseHeaderTimeoutMs: 100 });
  expect(await ingress.ask(get('/ui/'))).toMatch(/^HTTP\/1\.1 504 Gateway Timeout\r\n/);
  expect(await ingress.line()).toMatchObject({ DownstreamStatus: 504 });
});

test('a service that drops its answer half way drops the caller, not the ingress', async () => {
  await using control = await startTestService((_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half', () => response.destroy());
  });
  await using ingress = await startTestIngress({ control: control.port });
  expect(await ingress.ask(get('/ui/'))).toMatch(/half$/);
  expect(await ingress.ask(get('/nowhere'))).toMatch(/404/);
});

test('a caller that goes away ends the request at the service', async () => {
  await using control = await startTestService(() => {});
  await using ingress = await startTestIngress({ control: control.port });
  const socket = await ingress.dial();
  socket.write(get('/ui/'));
  await until(() => control.seen.length === 1, 'the request at the service');
  const gone = once(control.seen[0]!.socket, 'close');
  socket.destroy();
  await gone;
  expect(await ingress.line()).toMatchObject({ DownstreamStatus: 499 });
});

test('headers beyond the bound are refused', async () => {
  await using control = await startTestService();
  await using ingress = await startTestIngress({ control: control.port });
  expect(await ingress.ask(get('/ui/', [`X-Long: ${'x'.repeat(40_000)}`]))).toMatch(/^HTTP\/1\.1 431 /);
  expect(control.seen).toHaveLength(0);
});
