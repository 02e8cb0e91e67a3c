import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Acknowledgements, connectionKey, retransmitted } from '../../src/gateway/relay/acknowledgements.ts';
import { Session } from '../../src/gateway/session.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const LIMITS = { pingIntervalMs: 0, readTimeoutMs: 60_000, writeTimeoutMs: 15_000, idleTimeoutMs: 10_000_000 };

/** A line of /proc/net/tcp. */
function line(remote: string, queue: string, sentAgain: string): string {
  return `   1: 0100007F:B6ED ${remote} 01 ${queue}:00000000 01:00000014 ${sentAgain}     0        0 1622300 1 000000009adcf2f0 20 4 30 10 -1\n`;
}

describe('the table of connections', () => {
  test.each([
    ['127.0.0.1', 5_900, '46829 0100007F:170C'],
    ['10.213.4.2', 80, '46829 0204D50A:0050'],
    ['::1', 5_900, '46829 00000000000000000000000001000000:170C'],
    ['2001:db8::ff00:42:8329', 65_535, '46829 B80D01200000000000FF000029834200:FFFF'],
  ])('names %s:%i as it does', (address, port, key) => {
    expect(connectionKey(46_829, address, port)).toBe(key);
    expect(retransmitted(HEAD + line(key.split(' ')[1]!, '00000008', '00000002'))).toEqual([key]);
  });

  test('has what waits and was sent again, and nothing else', () => {
    const table = [
      HEAD,
      line('0100007F:170C', '00000008', '00000000'),
      line('0100007F:170D', '00000000', '00000001'),
      line('0100007F:170E', '00000008', '0000000A'),
    ].join('');
    expect(retransmitted(table)).toEqual(['46829 0100007F:170E']);
  });

  test.each([['', 'nonsense', '\0\xff', line('0100007F:170E', '00000008', '0000000A').slice(0, 60)]])(
    'that is none (%j) has nothing',
    (text) => {
      expect(retransmitted(text)).toEqual([]);
    },
  );
});

describe('a socket that is asked about', () => {
  test.concurrent.each([
    ['unacknowledged where the table says so', (remote: string) => line(remote, '00000008', '00000001'), true],
    ['acknowledged where it does not', (remote: string) => line(remote, '00000000', '00000000'), false],
    ['acknowledged where there is no table', () => undefined, false],
  ])('is %s', async (_name, write, wanted) => {
    const dir = mkdtempSync(join(tmpdir(), 'camofleet-table-'));
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket: Socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const remote = connectionKey(1, '127.0.0.1', port).split(' ')[1]!;
    const local = socket.localPort!.toString(16).toUpperCase().padStart(4, '0');
    const text = write(remote)?.replace('B6ED', local);
    if (text !== undefined) writeFileSync(join(dir, 'tcp'), HEAD + text);
    const answer = await new Promise((resolve) => new Acknowledgements([join(dir, 'tcp')]).ask(socket, resolve));
    expect(answer).toBe(wanted);
    socket.destroy();
    server.close();
    rmSync(dir, { recursive: true });
  });
});

describe('a session', () => {
  test('asks only about bytes that went to a runner which says nothing, and ends when they are unacknowledged for long', () => {
    const session = new Session(LIMITS, 0);
    session.viewerOpened();
    expect(session.isRunnerUnheard(50_000)).toBe(false);
    session.viewerBytes(8, 50_000);
    expect(session.isRunnerUnheard(60_000)).toBe(false);
    expect(session.isRunnerUnheard(65_001)).toBe(true);
    session.runnerAcknowledged(true, 65_001);
    expect(session.isRunnerUnheard(200_000)).toBe(false);
    session.viewerBytes(8, 200_000);
    session.runnerBytes(1, 230_000);
    expect(session.isRunnerUnheard(250_000)).toBe(false);
    session.viewerBytes(8, 250_000);
    session.runnerAcknowledged(false, 310_000);
    expect(session.end).toBeUndefined();
    session.viewerBytes(8, 310_000);
    session.runnerAcknowledged(false, 310_001);
    expect(session.end).toMatchObject({ cause: 'upstream_lost', code: 4504 });
  });
});
