import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  bearerMatches,
  closeListener,
  closeServer,
  corsHeaders,
  isPreflight,
  listen,
  problemOf,
  readKeyFile,
  sendProblem,
} from '../../src/http/index.ts';

const dir = mkdtempSync(join(tmpdir(), 'camofleet-http-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function keyFile(name: string, text: string, mode = 0o600): string {
  const file = join(dir, name);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

describe('a key file', () => {
  test('is read without its line end', () => {
    expect(readKeyFile(keyFile('key', 'secret\n'))).toBe('secret');
  });

  test('that is not named is no key', () => {
    expect(readKeyFile('')).toBeUndefined();
  });

  test.each([
    ['that the group can read', () => keyFile('group', 'secret', 0o640), 'chmod 600'],
    ['that all can read', () => keyFile('all', 'secret', 0o604), 'chmod 600'],
    ['that is empty', () => keyFile('empty', ' \n'), 'is empty, a key is wanted'],
    ['that is not there', () => join(dir, 'absent'), 'cannot be read: ENOENT'],
    ['that is a folder', () => dir, 'cannot be read'],
  ])('%s is an error that names it', (_name, make, words) => {
    const file = make();
    if (file === dir) chmodSync(dir, 0o700);
    expect(() => readKeyFile(file)).toThrow(expect.objectContaining({ code: 'CF_KEYS_INVALID' }));
    expect(() => readKeyFile(file)).toThrow(words);
    expect(() => readKeyFile(file)).toThrow(file);
  });
});

test.each([
  ['Bearer right', true],
  ['bearer right', true],
  ['Bearer  right', false],
  ['Bearer wrong', false],
  ['Bearer right ', false],
  ['Bearer ', false],
  ['Basic right', false],
  ['right', false],
  ['', false],
  [undefined, false],
])('the bearer %j opens: %j', (authorization, opens) => {
  expect(bearerMatches(authorization, 'right')).toBe(opens);
});

test('an empty key is opened by nothing', () => {
  expect(bearerMatches('Bearer ', '')).toBe(false);
  expect(bearerMatches(undefined, '')).toBe(false);
});

describe('a page of another origin', () => {
  const allowed = ['https://fleet.example'];
  const preflight = {
    method: 'OPTIONS',
    headers: { origin: 'https://fleet.example', 'access-control-request-method': 'POST' },
  };

  test('that is named may read, and is told beforehand what it may send', () => {
    expect(corsHeaders({ method: 'GET', headers: { origin: 'https://fleet.example' } }, allowed)).toEqual({
      'access-control-allow-origin': 'https://fleet.example',
      vary: 'Origin',
    });
    expect(corsHeaders(preflight, allowed)).toMatchObject({
      'access-control-allow-methods': 'GET, POST, DELETE',
      'access-control-allow-headers': 'Authorization, Content-Type',
    });
    expect(isPreflight(preflight)).toBe(true);
  });

  test.each([['https://evil.example'], ['https://fleet.example.evil.example'], ['null'], [undefined]])(
    'that is %j is told nothing',
    (origin) => {
      expect(corsHeaders({ ...preflight, headers: { ...preflight.headers, origin } }, allowed)).toEqual({});
    },
  );

  test('that just says OPTIONS asks nothing beforehand', () => {
    expect(isPreflight({ method: 'OPTIONS', headers: {} })).toBe(false);
    expect(isPreflight({ method: 'GET', headers: preflight.headers })).toBe(false);
  });
});

describe('a problem document', () => {
  test('has the title of its status', () => {
    const refusal = { status: 410, code: 'session_ended', detail: 'the session has ended', requestId: 'r1' };
    expect(problemOf(refusal)).toEqual({ ...refusal, title: 'Gone' });
    expect(problemOf({ ...refusal, status: 599 }).title).toBe('Error');
  });

  test('goes out with its type, never kept by a cache', async () => {
    const server = createServer((_request, response) =>
      sendProblem(response, { status: 503, code: 'full', detail: 'no place', requestId: 'r1' }, { 'retry-after': '5' }),
    );
    const { port } = await listen(server, '127.0.0.1', 0, 'TEST_PORT');
    const answer = await fetch(`http://127.0.0.1:${port}/`);
    expect(answer.status).toBe(503);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'retry-after': '5',
    });
    expect(await answer.json()).toMatchObject({ title: 'Service Unavailable', code: 'full' });
    await closeServer(server);
  });
});

describe('listening', () => {
  test('on a port that is taken is an error that names address, port and setting', async () => {
    const holder = createTcpServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const error: unknown = await listen(createTcpServer(), '127.0.0.1', port, 'TEST_PORT').catch((caught) => caught);
    expect(error).toMatchObject({ code: 'CF_PORT_TAKEN', facts: { host: '127.0.0.1', port, setting: 'TEST_PORT' } });
    expect(String(error)).toMatch(new RegExp(`cannot listen on 127.0.0.1:${port} \\(TEST_PORT\\): .*EADDRINUSE`));
    await closeListener(holder);
  });

  test('on an address that is not ours says so', async () => {
    const failed = listen(createTcpServer(), '192.0.2.1', 0, 'TEST_HOST');
    await expect(failed).rejects.toThrow(/192\.0\.2\.1:0 \(TEST_HOST\): .*EADDRNOTAVAIL/);
  });

  test('on an IPv6 address that is not ours writes it in brackets', async () => {
    await expect(listen(createTcpServer(), '2001:db8::1', 8070, 'TEST_HOST')).rejects.toThrow('[2001:db8::1]:8070');
  });
});

describe('closing', () => {
  test('ends requests that hang, and idle connections', async () => {
    const server = createServer(() => {}); // never answers
    const { port } = await listen(server, '127.0.0.1', 0, 'TEST_PORT');
    const idle = connect(port, '127.0.0.1');
    const hanging = fetch(`http://127.0.0.1:${port}/`).catch(() => 'cut');
    await once(server, 'request');
    const began = performance.now();
    await closeServer(server);
    expect(performance.now() - began).toBeLessThan(2_000);
    expect(await hanging).toBe('cut');
    idle.destroy();
  });

  test.each([
    ['a server', () => closeServer(createServer())],
    ['a listener', () => closeListener(createTcpServer())],
  ])('%s that never listened comes back', async (_name, close) => {
    await close();
  });
});
