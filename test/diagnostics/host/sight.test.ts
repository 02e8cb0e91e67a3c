import { once } from 'node:events';
import { type AddressInfo, type Server, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { isLate, sightOf } from '../../../src/diagnostics/host/sight.ts';
import type { DialFacts } from '../../../src/diagnostics/probe/facts.ts';

const NEVER = new AbortController().signal;
const SILENT: DialFacts = { stage: 'greeting', stop: 'silence', tcp: { address: '127.0.0.1', tookMs: 1 } };

async function listen(greetingMs: number): Promise<number> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    setTimeout(() => socket.destroyed || socket.write('RFB 003.008\n'), greetingMs);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe('the sight of an RFB server on this machine', () => {
  test('says where it listens, and whose process it is', async () => {
    const port = await listen(0);
    const sight = await sightOf({ host: '127.0.0.2', port }, { stage: 'tcp', errorCode: 'ECONNREFUSED' }, NEVER);
    expect(sight.port?.listening).toMatchObject([{ address: '127.0.0.1', port }]);
    expect(sight.owner).toMatchObject({ pid: process.pid, openFiles: expect.any(Number) });
    expect(sight.lateGreetingMs).toBeUndefined();
  });

  test('waits for the greeting of a server that is at work, and of no other', async () => {
    const idle = await sightOf({ host: '127.0.0.1', port: await listen(60_000) }, SILENT, NEVER);
    expect(idle.busy).toBeLessThan(0.5);
    expect(idle.lateGreetingMs).toBeUndefined();
    const port = await listen(1_500);
    const work = setInterval(() => {
      const until = performance.now() + 90;
      while (performance.now() < until);
    }, 100);
    const busy = await sightOf({ host: '127.0.0.1', port }, SILENT, NEVER);
    clearInterval(work);
    expect(busy.busy).toBeGreaterThanOrEqual(0.5);
    expect(busy.lateGreetingMs).toBeGreaterThan(1_000);
  });

  test('of an address that is none of ours is not there', async () => {
    const sight = await sightOf({ host: '192.0.2.1', port: 5_901 }, { stage: 'tcp' }, NEVER);
    expect(sight).toMatchObject({ port: undefined, owner: undefined });
  });
});

test.each([
  [{ greetingMs: 3_000 }, 2, true],
  [{ greetingMs: 3_000 }, 400, false],
  [{ greetingMs: 300 }, 1, false],
  [{}, 1, false],
])('a greeting %o after TCP in %d ms: late is %s', (rfb, tookMs, late) => {
  expect(isLate({ stage: 'open', rfb, tcp: { address: 'x', tookMs } })).toBe(late);
});
