import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { lookAt, questionOf } from '../../src/health/look.ts';

async function startService(status: number, text: string): Promise<AsyncDisposable & { readonly port: string }> {
  const server = createServer((request, response) => {
    if (request.url !== '/never') response.writeHead(request.url === '/readyz' ? status : 404).end(text);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: String((server.address() as AddressInfo).port),
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

describe('where a service is asked', () => {
  test.each<[Parameters<typeof questionOf>, ReturnType<typeof questionOf>]>([
    [['gateway', {}], { host: '127.0.0.1', port: 6900, path: '/readyz', tls: false }],
    [['gateway', { HTTP_HOST: '::', HTTP_PORT: '7' }], { host: '::1', port: 7, path: '/readyz', tls: false }],
    [['control', { CONTROL_HOST: '10.0.0.7' }], { host: '10.0.0.7', port: 9000, path: '/health', tls: false }],
    [['runner', {}], { host: '127.0.0.1', port: 8071, path: '/readyz', tls: false }],
  ])('%j', (asked, where) => expect(questionOf(...asked)).toEqual(where));

  test('is TLS where the gateway ends it', () => {
    const files = { CAMOFLEET_GATEWAY_TLS_CERT_FILE: '/c', CAMOFLEET_GATEWAY_TLS_KEY_FILE: '/k' };
    expect(questionOf('gateway', files)).toMatchObject({ tls: true });
  });
});

describe('a service is well', () => {
  test('when it says so', async () => {
    await using service = await startService(200, '{"status":"ready"}');
    expect(await lookAt('gateway', { HTTP_PORT: service.port }, 5_000)).toEqual({
      isWell: true,
      words: '200 {"status":"ready"}',
    });
  });

  test('and not when it says otherwise, in its words, of which a thousand characters are shown', async () => {
    await using service = await startService(503, `{"status":"draining"}${'x'.repeat(100_000)}`);
    const { isWell, words } = await lookAt('gateway', { HTTP_PORT: service.port }, 5_000);
    expect({ isWell, words: words.slice(0, 25), length: words.length }).toEqual({
      isWell: false,
      words: '503 {"status":"draining"}',
      length: 1_000,
    });
  });

  test('and not when it does not answer in time, or is not there', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    expect(await lookAt('gateway', { HTTP_PORT: String(port) }, 50)).toMatchObject({
      isWell: false,
      words: expect.stringMatching(/abort|timeout/i),
    });
    silent.closeAllConnections();
    silent.close();
    await once(silent, 'close');
    expect(await lookAt('gateway', { HTTP_PORT: String(port) }, 5_000)).toMatchObject({
      isWell: false,
      words: expect.stringMatching(/ECONNREFUSED/),
    });
  });

  test('and not when its settings are wrong', async () => {
    expect(await lookAt('gateway', { HTTP_PORT: 'many' }, 50)).toMatchObject({
      isWell: false,
      words: expect.stringMatching(/HTTP_PORT/),
    });
  });
});
