import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  certificates,
  choices,
  durationMs,
  fileText,
  header,
  hostPort,
  pageUrl,
  resolution,
  socketUrl,
} from '../../src/cli/flag-values.ts';

const dir = mkdtempSync(join(tmpdir(), 'camofleet-flags-'));
afterAll(() => rmSync(dir, { recursive: true }));

const usage = (message: RegExp): unknown =>
  expect.objectContaining({ code: 'CF_USAGE', message: expect.stringMatching(message) });

describe('a duration', () => {
  test.each([
    ['0s', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
    ['1h30m', 5_400_000],
    ['45', 45_000],
  ])('%s', (text, ms) => expect(durationMs(text, '--duration')).toBe(ms));

  test.each(['', 'x', '-1s', '1d', '1 s', 's', '1h 30m', '1e3s'])('%j is told what is wanted', (text) => {
    expect(() => durationMs(text, '--duration')).toThrow(usage(/^--duration takes 30s, 5m or 1h30m, not "/));
  });
});

describe('a choice', () => {
  const known = ['still', 'moving', 'watch-only'] as const;
  test('is in the order of what there is, each once', () => {
    expect(choices('watch-only, still,still', known, '--modes')).toEqual(['still', 'watch-only']);
  });
  test.each(['', 'still,', 'stil', 'all'])('%j names what there is', (text) => {
    expect(() => choices(text, known, '--modes')).toThrow(usage(/^--modes takes still, moving, watch-only, not "/));
  });
});

describe('a URL', () => {
  test('of a socket or of a page', () => {
    expect(socketUrl(new URL('wss://h/'), '--url')?.host).toBe('h');
    expect(pageUrl(new URL('http://h/'), '--page')?.host).toBe('h');
    expect(socketUrl(undefined, '--url')).toBeUndefined();
  });
  test('with another scheme is told which are taken', () => {
    expect(() => socketUrl(new URL('https://h/'), '--url')).toThrow(
      usage(/^--url takes a ws:\/\/ or wss:\/\/ URL, not https:\/\/$/),
    );
    expect(() => pageUrl(new URL('wss://h/'), '--page')).toThrow(usage(/^--page takes a http:/));
  });
});

describe('a host and port', () => {
  test.each([
    ['10.0.0.7:5901', '10.0.0.7', 5901],
    ['host.example:1', 'host.example', 1],
    ['[::1]:65535', '::1', 65_535],
  ])('%s', (text, host, port) => expect(hostPort(text, '--rfb')).toEqual({ host, port }));

  test.each(['h', 'h:', ':1', 'h:0', 'h:65536', '::1:5900', 'h:1x'])('%j is told what is wanted', (text) => {
    expect(() => hostPort(text, '--rfb')).toThrow(usage(/^--rfb takes HOST:PORT/));
  });

  test.each([
    ['h.example:443:127.0.0.1', 'h.example:443', '127.0.0.1'],
    ['h:0443:[::1]', 'h:443', '::1'],
    ['h:1:fe80::1', 'h:1', 'fe80::1'],
  ])('is resolved by %s', (text, name, address) => {
    expect(resolution(text, '--resolve')).toEqual([name, address]);
  });

  test.each(['h:1', 'h:1:name', 'h::127.0.0.1', ':1:127.0.0.1'])('%j is no resolution', (text) => {
    expect(() => resolution(text, '--resolve')).toThrow(usage(/^--resolve takes HOST:PORT:ADDR/));
  });
});

describe('a header', () => {
  test.each([
    ['Cookie: a=b; c=d', ['cookie', 'a=b; c=d']],
    ['X-Empty:', ['x-empty', '']],
  ])('%s', (text, pair) => expect(header(text, '--header')).toEqual(pair));

  test.each(['no colon', ': value', 'bad name: x', 'X: a\r\nY: b', 'X: \u0000'])('%j is refused', (text) => {
    expect(() => header(text, '--header')).toThrow(usage(/^--header takes 'Name: value'/));
  });

  test('that is refused does not show its value', () => {
    expect(() => header('Authorization: CANARY\u0000', '--header')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('CANARY') }),
    );
  });
});

describe('a file', () => {
  test('is read, or the flag is named', async () => {
    writeFileSync(join(dir, 'a'), 'text');
    expect(await fileText(join(dir, 'a'), '--password-file')).toBe('text');
    expect(await fileText(undefined, '--password-file')).toBeUndefined();
    await expect(fileText(join(dir, 'none'), '--password-file')).rejects.toThrow(
      usage(/^--password-file .*none cannot be read: ENOENT/),
    );
  });

  test('of an authority must hold a certificate', async () => {
    writeFileSync(join(dir, 'b'), 'no certificate');
    await expect(certificates(join(dir, 'b'), '--ca')).rejects.toThrow(usage(/holds no certificate in PEM$/));
  });
});
