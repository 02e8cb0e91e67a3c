import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CheckContext } from '../../../src/diagnostics/checks/context.ts';
import { healthCheck } from '../../../src/diagnostics/checks/health.ts';
import type { DialFacts } from '../../../src/diagnostics/probe/facts.ts';
import { askHealth } from '../../../src/diagnostics/probe/health.ts';

const OPTIONS = { ca: undefined, insecure: false, resolve: new Map(), signal: new AbortController().signal };
const SILENT: DialFacts = { stage: 'greeting', stop: 'silence', failure: 'waited in vain for the RFB greeting' };

async function listen(status: number): Promise<number> {
  const server = createServer((_request, response) => response.writeHead(status).end('x')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

function check(facts: DialFacts, ...urls: readonly string[]) {
  const context = {
    front: { dial: async () => ({ facts, stream: undefined }) },
    health: urls.map((url) => new URL(url)),
    askHealth: (url: URL) => askHealth(url, OPTIONS),
  } as unknown as CheckContext;
  return healthCheck.run(context);
}

describe('a health check that others rely on', () => {
  test('is told of when it is green and no picture can be seen', async () => {
    const port = await listen(200);
    const http = await check(SILENT, `http://127.0.0.1:${port}/healthz`);
    expect(http).toMatchObject({ status: 'fail', code: 'CF-CONTROL-HEALTH', confidence: 'proven' });
    expect('saw' in http && http.saw).toContain(`127.0.0.1:${port}/healthz says HTTP 200, and tests HTTP alone`);
    expect('saw' in http && http.saw).toContain('the real path fails at the RFB greeting');
    const tcp = await check(SILENT, `tcp://127.0.0.1:${port}`);
    expect('saw' in tcp && tcp.saw).toContain('tests TCP alone');
  });

  test('is well when it is red then, or when the picture can be seen', async () => {
    const url = `http://127.0.0.1:${await listen(503)}/`;
    expect(await check(SILENT, url)).toMatchObject({ status: 'pass', saw: expect.stringContaining('red') });
    expect(await check({ stage: 'open' }, url)).toMatchObject({ status: 'pass' });
  });

  test('that nobody answers is red', async () => {
    expect(await askHealth(new URL('tcp://127.0.0.1:1'), OPTIONS)).toMatchObject({ isGreen: false });
    expect(await askHealth(new URL('http://127.0.0.1:1/'), OPTIONS)).toMatchObject({ isGreen: false });
  });
});
