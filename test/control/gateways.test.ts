import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, expect, test } from 'vitest';
import { startTestControl } from './support/control.ts';

/** Answers `/readyz` as a gateway that takes sockets, or one that drains. */
async function startGateway(address: string, port: number, status: number): Promise<AsyncDisposable> {
  const server = createServer((_request, response) => void response.writeHead(status).end());
  server.listen(port, address);
  await once(server, 'listening');
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

describe('what the ingress is told of the gateways', () => {
  const port = randomInt(20_000, 32_000);
  const env = { CAMOFLEET_CONTROL_GATEWAYS_URL: `http://gateway-edge:${port}` };
  const healthCheck = { path: '/readyz', interval: '1000ms', timeout: '500ms' };

  const told = async (resolve: (host: string) => Promise<readonly string[]>): Promise<unknown> => {
    await using control = await startTestControl([], env, resolve);
    const { status, body } = await control.askInternal('GET', '/ingress/gateways', { key: null });
    expect(status).toBe(200);
    return (body as { http: { services: { gateway: { loadBalancer: object } } } }).http.services.gateway.loadBalancer;
  };
  const servers = (...hosts: readonly string[]) => hosts.map((host) => ({ url: `http://${host}:${port}` }));

  test('is each that takes sockets, and how the ingress asks them itself between two looks', async () => {
    await using scope = new AsyncDisposableStack();
    scope.use(await startGateway('127.0.0.5', port, 200));
    scope.use(await startGateway('127.0.0.6', port, 200));
    scope.use(await startGateway('127.0.0.7', port, 503));
    const asked: string[] = [];
    const answer = await told(async (host) => {
      asked.push(host);
      return ['127.0.0.6', '127.0.0.8', '127.0.0.7', '127.0.0.5'];
    });
    expect(answer).toEqual({ serversTransport: 'fleet@file', servers: servers('127.0.0.5', '127.0.0.6'), healthCheck });
    expect(asked).toEqual(['gateway-edge']);
  });

  test('is the one that there is, whether it takes sockets or not: its own answer says why', async () => {
    expect(await told(async () => ['127.0.0.5'])).toEqual({
      serversTransport: 'fleet@file',
      servers: servers('127.0.0.5'),
    });
  });

  test('is all of them where none takes sockets', async () => {
    expect(await told(async () => ['127.0.0.6', '127.0.0.5'])).toEqual({
      serversTransport: 'fleet@file',
      servers: servers('127.0.0.5', '127.0.0.6'),
      healthCheck,
    });
  });

  test('is the name itself where it does not resolve', async () => {
    expect(await told(() => Promise.reject(new Error('ENOTFOUND')))).toEqual({
      serversTransport: 'fleet@file',
      servers: servers('gateway-edge'),
    });
  });

  test('is nothing where no name is set', async () => {
    await using control = await startTestControl([]);
    expect((await control.askInternal('GET', '/ingress/gateways', { key: null })).status).toBe(404);
  });
});
