import { describe, expect, test } from 'vitest';
import {
  parseLocalAddresses,
  parseOpenFiles,
  parseSockets,
  parseState,
  parseWork,
} from '../../../src/diagnostics/host/proc.ts';

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const row = (local: string, state: string, inode: number): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0000000000000000 100 0 0 10 0`;

describe('the sockets that the kernel lists', () => {
  test.each([
    ['0100007F:170C', '127.0.0.1'],
    ['00000000:170C', '0.0.0.0'],
    ['07002D0A:170C', '10.45.0.7'],
    ['00000000000000000000000000000000:170C', '::'],
    ['00000000000000000000000001000000:170C', '::1'],
    ['0000000000000000FFFF00000100007F:170C', '127.0.0.1'],
    ['B80D0120000000000000000001000000:170C', '2001:db8::1'],
  ])('%s is %s', (local, address) => {
    expect(parseSockets(`${HEAD}\n${row(local, '0A', 42)}\n`)).toEqual([
      { address, port: 5_900, state: 'listen', inode: 42 },
    ]);
  });

  test('have a state, and lines that are none are skipped', () => {
    const text = [HEAD, row('0100007F:170C', '01', 7), row('0100007F:170C', '06', 0), 'nonsense', ''].join('\n');
    expect(parseSockets(text).map(({ state }) => state)).toEqual(['established', 'other']);
  });
});

test('addresses of a network namespace are those that are local to it', () => {
  const trie = `Main:
  +-- 0.0.0.0/0 3 0 5
     +-- 10.9.0.0/24 2 0 2
        |-- 10.9.0.0
           /24 link UNICAST
        |-- 10.9.0.7
           /32 host LOCAL
        |-- 10.9.0.255
           /32 link BROADCAST
     |-- 127.0.0.1
        /32 host LOCAL
`;
  expect([...parseLocalAddresses(trie)]).toEqual(['10.9.0.7', '127.0.0.1']);
});

test('the limit of open files is the soft one', () => {
  const limits = (soft: string): string =>
    `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${soft}   524288   files\n`;
  expect(parseOpenFiles(limits('1024'))).toBe(1_024);
  expect(parseOpenFiles(limits('unlimited'))).toBe(Number.POSITIVE_INFINITY);
  expect(parseOpenFiles('')).toBeUndefined();
});

test('the state of a process counts from behind its name, whatever that holds', () => {
  const stat = (name: string): string => `42 (${name}) T 1 42 42 0 -1 4194304 1 2 3 4 150 50 0 0 20 0 1 0 99 0`;
  expect(parseState(stat('x11vnc'))).toBe('T');
  expect(parseState(stat('a ) S (b'))).toBe('T');
  expect(parseState('')).toBeUndefined();
});

test('work is what a process ran, and what it waited for a processor', () => {
  expect(parseWork('1500 500 7\n')).toBe(2_000);
  expect(parseWork('')).toBeUndefined();
});
