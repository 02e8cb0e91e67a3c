import { describe, expect, test } from 'vitest';
import {
  judgeHandedOut,
  judgeIpv6,
  judgeName,
  judgePorts,
  judgeUnresolved,
} from '../../../src/diagnostics/doctor/checks/network.ts';
import { brief } from './support/brief.ts';

test.each([
  [[], 'pass'],
  [['port 8443 is held by process 7 (nginx)'], 'fail CF-HOST-PORT'],
])('ports with the problems %j are %s', (problems, words) => {
  expect(brief(judgePorts([8443], problems))).toBe(words);
});

test.each([
  [[8443, 5900], '32768\t60999\n', '\n', 'pass'],
  [
    [8443, 5900],
    '1024 65000',
    '',
    'warn CF-HOST-EPHEMERAL → sudo sysctl -w net.ipv4.ip_local_reserved_ports=8443,5900',
  ],
  [
    [8443, 5900],
    '1024 65000',
    '5900-5999',
    'warn CF-HOST-EPHEMERAL → sudo sysctl -w net.ipv4.ip_local_reserved_ports=8443',
  ],
  [[8443], '1024 65000', '80,8443', 'pass'],
  [[8443], undefined, undefined, 'skip this system has no net.ipv4.ip_local_port_range to read'],
])('the ports %j where the kernel hands out %j and keeps %j are %s', (ports, range, reserved, words) => {
  expect(brief(judgeHandedOut(ports, range, reserved))).toBe(words);
});

describe('the public name', () => {
  const LOOPBACK = { host: 'localhost', bind: '127.0.0.1' };
  const OPEN = { host: 'fleet.example.com', bind: '0.0.0.0' };

  test.each([
    [LOOPBACK, ['127.0.0.1', '::1'], 'pass', 'localhost is 127.0.0.1, ::1'],
    [OPEN, ['192.0.2.2'], 'pass', 'fleet.example.com is 192.0.2.2'],
    [
      OPEN,
      ['198.51.100.9'],
      'pass',
      'fleet.example.com is 198.51.100.9: no address of this host, so something stands in front of it',
    ],
    [
      { ...OPEN, bind: '127.0.0.1' },
      ['192.0.2.2'],
      'warn CF-HOST-NAME → public.bind: 0.0.0.0 in camofleet.yaml, or a proxy in front of it on this host',
      'fleet.example.com leads to 192.0.2.2, and the ingress listens on 127.0.0.1 alone',
    ],
  ])('%j that is %j is %s', (side, addresses, words, saw) => {
    const verdict = judgeName(side, addresses, ['192.0.2.2', '127.0.0.1']);
    expect(brief(verdict)).toBe(words);
    expect(verdict).toMatchObject({ saw });
  });

  test.each([
    ['ENOTFOUND', 'fail CF-DNS-NAME → An A or AAAA record for h, or for a try a line in /etc/hosts'],
    ['EAI_AGAIN', 'unknown h: the resolver of this host gave no answer (EAI_AGAIN)'],
  ])('that gives %s is %s', (code, words) => {
    expect(brief(judgeUnresolved('h', code))).toBe(words);
  });
});

describe('IPv6', () => {
  const ON = {
    table: '00000000000000000000000000000001 01 80 10 80 lo\n',
    own: ['192.0.2.2', '2001:db8::2'],
    platform: 'linux',
  };
  const OFF = { table: undefined, own: ['192.0.2.2'], platform: 'linux' };

  test.each([
    ['0.0.0.0', ['192.0.2.2'], ON, 'pass'],
    ['0.0.0.0', ['192.0.2.2'], OFF, 'pass'],
    ['::', ['192.0.2.2'], ON, 'pass'],
    ['::', ['192.0.2.2'], OFF, 'fail CF-HOST-IPV6'],
    [
      '0.0.0.0',
      ['192.0.2.2', '2001:db8::2'],
      ON,
      'warn CF-HOST-IPV6 → public.bind: "::" in camofleet.yaml, which takes IPv4 too, or no AAAA record',
    ],
    ['127.0.0.1', ['127.0.0.1', '::1'], { ...ON, own: ['::1'] }, 'pass'],
    ['::', [], { table: undefined, own: ['::1'], platform: 'darwin' }, 'pass'],
  ])('with public.bind %s and a name that is %j is right or wrong: case %#', (bind, addresses, facts, words) => {
    expect(brief(judgeIpv6({ host: 'h', bind }, addresses, facts))).toBe(words);
  });
});
