import { describe, expect, test } from 'vitest';
import { isHost, isLoopback, isNetwork, urlHost } from '../../src/core/index.ts';

describe('loopback', () => {
  test.each([
    '127.0.0.1',
    '127.255.1.2',
    '::1',
    '[::1]',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    'localhost',
    'LocalHost',
  ])('is %s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });

  test.each([
    '',
    '0.0.0.0',
    '::',
    '128.0.0.1',
    '::ffff:10.0.0.1',
    '127.0.0.1.example.com',
    'localhost.example.com',
    '127.0.0.1:80',
    '127.0.0.999',
  ])('is not %j', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});

describe('a host', () => {
  test.each(['localhost', 'fleet.example.com', 'fleet.example.com.', 'a_b', 'A', '10.0.0.7', '::1', '2001:db8::7'])(
    'is %s',
    (text) => {
      expect(isHost(text)).toBe(true);
    },
  );

  test.each([
    '',
    ' ',
    'a b',
    'a/b',
    'a?b',
    'a#b',
    'a@b',
    'a:80',
    '[::1]',
    'fe80::1%eth0',
    '1.2.3',
    '999.1.1.1',
    'a.0x1',
    'bücher.example',
    'a.'.repeat(127),
  ])('is not %j, which a URL reads otherwise', (text) => {
    expect(isHost(text)).toBe(false);
  });

  test.each([
    ['::1', '[::1]'],
    ['127.0.0.1', '127.0.0.1'],
    ['localhost', 'localhost'],
  ])('%s stands before a port as %s', (host, written) => {
    expect(urlHost(host)).toBe(written);
    expect(new URL(`http://${urlHost(host)}:81`).port).toBe('81');
  });
});

describe('a network', () => {
  test.each(['10.0.0.7', '10.0.0.0/8', '0.0.0.0/0', '10.0.0.7/32', '::1', '::/0', '2001:db8::/32', '::1/128'])(
    'is %s',
    (text) => {
      expect(isNetwork(text)).toBe(true);
    },
  );

  test.each([
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '::/129',
    'example.com',
    'example.com/8',
    '10.0.0/8',
  ])('is not %j', (text) => {
    expect(isNetwork(text)).toBe(false);
  });
});
