import { describe, expect, test } from 'vitest';
import { forbiddingFrame, forbiddingPolicy, forbiddingScript } from '../../../src/diagnostics/checks/policy.ts';

const PAGE = new URL('https://fleet.example:8443/vnc/a');
const SOCKET = new URL('wss://fleet.example:8443/websockify?token=x');

const ALLOWING: readonly string[] = [
  '',
  "script-src 'self'",
  "default-src 'self'",
  "connect-src 'self'",
  'connect-src *',
  'connect-src wss:',
  'connect-src https:',
  'connect-src wss://fleet.example:8443',
  'connect-src https://fleet.example:8443',
  'connect-src WSS://Fleet.Example:8443',
  'connect-src fleet.example:8443',
  'connect-src *.example:*',
  'connect-src wss://*:8443',
  'connect-src wss://fleet.example:8443/websockify',
  "default-src 'none'; connect-src 'self'",
  "connect-src 'self', default-src *",
];

const FORBIDDING: readonly (readonly [policy: string, sources: string])[] = [
  ["default-src 'none'", "'none'"],
  ['connect-src', ''],
  ['connect-src fleet.example', 'fleet.example'],
  ['connect-src wss://fleet.example', 'wss://fleet.example'],
  ['connect-src wss://other.example:8443', 'wss://other.example:8443'],
  ['connect-src *.fleet.example:8443', '*.fleet.example:8443'],
  ["connect-src 'none'; connect-src *", "'none'"],
  ["connect-src *, default-src 'none'", "'none'"],
];

describe('the policy of a page', () => {
  test.each(ALLOWING)('%j allows the socket', (policy) => {
    expect(forbiddingPolicy(policy, SOCKET, PAGE)).toBeUndefined();
  });

  test.each(FORBIDDING)('%j forbids the socket', (policy, sources) => {
    expect(forbiddingPolicy(policy, SOCKET, PAGE)).toBe(sources);
  });

  test('of one host does not allow another', () => {
    expect(forbiddingPolicy("connect-src 'self'", new URL('wss://other.example/x'), PAGE)).toBe("'self'");
  });

  test('of https allows no socket in the clear', () => {
    expect(forbiddingPolicy('connect-src https:', new URL('ws://fleet.example:8443/x'), PAGE)).toBe('https:');
  });

  test('ports that are not written are those of the scheme', () => {
    const [page, socket] = [new URL('https://h.example/'), new URL('wss://h.example/w')];
    expect(forbiddingPolicy('connect-src wss://h.example:443', socket, page)).toBeUndefined();
    expect(forbiddingPolicy('connect-src h.example', socket, page)).toBeUndefined();
  });
});

describe('a script of a page', () => {
  const own = new URL('https://fleet.example:8443/vnc/~assets/a.js');
  const cdn = new URL('https://cdn.example/novnc/rfb.js');

  test.each<readonly [policy: string, script: URL, sources: string | undefined]>([
    ['', cdn, undefined],
    ["default-src 'self'", own, undefined],
    ["default-src 'self'", cdn, "'self'"],
    ["script-src 'self' https://cdn.example", cdn, undefined],
    ["default-src *; script-src 'self'", cdn, "'self'"],
    ["script-src 'none'; script-src-elem *", cdn, undefined],
    ["script-src 'nonce-abc'", cdn, undefined],
    ["script-src 'strict-dynamic' 'sha256-abc'", cdn, undefined],
    ["connect-src 'none'", cdn, undefined],
  ])('by %j', (policy, script, sources) => {
    expect(forbiddingScript(policy, script, PAGE)).toBe(sources);
  });
});

describe('the frame around a page', () => {
  const wall = new URL('https://wall.example/');

  test.each<readonly [policy: string, frameOptions: string, around: URL, header: string | undefined]>([
    ['', '', wall, undefined],
    ['', 'DENY', PAGE, 'X-Frame-Options: DENY'],
    ['', 'sameorigin', wall, 'X-Frame-Options: sameorigin'],
    ['', 'SAMEORIGIN', PAGE, undefined],
    ['', 'ALLOW-FROM https://other.example', wall, undefined],
    ["frame-ancestors 'self'", '', PAGE, undefined],
    ["frame-ancestors 'self'", '', wall, "Content-Security-Policy: frame-ancestors 'self'"],
    ["frame-ancestors 'none'", '', PAGE, "Content-Security-Policy: frame-ancestors 'none'"],
    ["frame-ancestors 'self' https://wall.example", 'DENY', wall, undefined],
    ["default-src 'none'", 'DENY', wall, 'X-Frame-Options: DENY'],
  ])('by %j and %j', (policy, frameOptions, around, header) => {
    expect(forbiddingFrame({ policy, frameOptions }, PAGE, around)).toBe(header);
  });
});
