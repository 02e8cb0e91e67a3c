import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { rfbAnswers, rfbGreets } from '../../src/runner/readiness.ts';
import { closedPort, startTestRunner as startRfbServer } from '../gateway/support/runner.ts';

const PASSWORD = 'canarypw';

async function startServer(serve: (socket: Socket) => void): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: async () => void server.close() };
}

function ask(port: number, signal = new AbortController().signal): Promise<true | string> {
  return rfbAnswers('127.0.0.1', port, PASSWORD, signal);
}

describe('an RFB server is ready', () => {
  test('when it asks for the password, takes it and sends ServerInit', async () => {
    await using server = await startRfbServer({ password: PASSWORD });
    expect(await ask(server.port)).toBe(true);
  });

  test('and not when it has another password, in its own words', async () => {
    await using server = await startRfbServer({ password: 'other' });
    expect(await ask(server.port)).toBe('refused: authentication failed');
  });

  test('and not when it lets everybody in', async () => {
    await using server = await startRfbServer({ password: undefined });
    expect(await ask(server.port)).toBe('it asks for no password');
  });

  test.each<[string, (socket: Socket) => void, string | RegExp]>([
    ['speaks HTTP', (socket) => socket.end('HTTP/1.1 400 Bad\r\n\r\n'), /^wanted RFB .*, got "HTTP/],
    ['hangs up at once', (socket) => socket.end(), 'the connection closed before the RFB greeting'],
    ['hangs up in the greeting', (socket) => socket.end('RFB 003'), 'the connection closed before the RFB greeting'],
    [
      'hangs up behind the greeting',
      (socket) => socket.end('RFB 003.008\n'),
      'the connection closed before the security types',
    ],
    ['resets', (socket) => socket.resetAndDestroy(), /ECONNRESET|the connection closed/],
    ['offers what we do not speak', (socket) => socket.end('RFB 003.008\n\x01\x13'), 'offers security types 19'],
    ['refuses with a reason', (socket) => socket.end('RFB 003.008\n\x00\x00\x00\x00\x04full'), 'refused: full'],
  ])('and not when it %s', async (_name, serve, words) => {
    await using server = await startServer(serve);
    expect(await ask(server.port)).toMatch(words);
  });

  test('and not when nothing listens', async () => {
    expect(await ask(await closedPort())).toMatch(/ECONNREFUSED/);
  });

  test('and is not waited for longer than 2 s, even when it dribbles', async () => {
    const timers: NodeJS.Timeout[] = [];
    await using server = await startServer((socket) => {
      timers.push(setInterval(() => socket.write('R'), 100));
    });
    const began = performance.now();
    const answer = await ask(server.port);
    for (const timer of timers) clearInterval(timer);
    expect(answer).toMatch(/within 2000 ms|^wanted RFB/);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test('or its asker stops waiting', async () => {
    await using server = await startServer(() => {});
    expect(await ask(server.port, AbortSignal.timeout(100))).toBe('no RFB greeting in time');
  });
});

describe('the greeting of an RFB server', () => {
  const greets = (port: number, ms = 5_000): Promise<true | string> =>
    rfbGreets('127.0.0.1', port, AbortSignal.timeout(ms));

  test('is read, and no password is shown', async () => {
    const heard: Buffer[] = [];
    await using server = await startServer((socket) => {
      socket.on('data', (bytes) => heard.push(bytes));
      socket.write('RFB 003.008\n');
    });
    expect(await greets(server.port)).toBe(true);
    expect(Buffer.concat(heard).length).toBeLessThanOrEqual(12);
  });

  test.each<[string, (socket: Socket) => void, string | RegExp]>([
    ['another protocol', (socket) => socket.end('HTTP/1.1 400 Bad\r\n\r\n'), /^wanted RFB .*, got "HTTP/],
    ['the end', (socket) => socket.end('RFB'), 'the connection closed before the RFB greeting'],
  ])('is not %s', async (_name, serve, words) => {
    await using server = await startServer(serve);
    expect(await greets(server.port)).toMatch(words);
  });

  test('is not waited for longer than is asked', async () => {
    await using server = await startServer(() => {});
    expect(await greets(server.port, 50)).toBe('no RFB greeting in time');
  });

  test('does not come from where nothing listens', async () => {
    expect(await greets(await closedPort())).toMatch(/ECONNREFUSED/);
  });
});
