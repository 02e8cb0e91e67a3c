import { describe, expect, test } from 'vitest';
import { CODES, type Code } from '../../src/diagnostics/codes.ts';
import { type Surroundings, blameFor, hopOf } from '../../src/diagnostics/blame.ts';
import type { DialFacts } from '../../src/diagnostics/probe/facts.ts';
import { REFUSALS } from '../../src/gateway/refusals.ts';

const PUBLIC: Surroundings = { vantage: 'public' };
const TLS = { authorized: false, protocol: 'TLSv1.3', subject: 'x', validTo: '', tookMs: 1 };

function answered(status: number, body = ''): DialFacts {
  return { stage: 'http', http: { status, headers: {}, body, key: 'k', wantedAccept: 'a', tookMs: 1 } };
}

function problem(code: string, status = 401): DialFacts {
  return answered(status, JSON.stringify({ status, title: 'x', detail: 'y', code, requestId: 'z' }));
}

type Row = readonly [what: string, facts: DialFacts, around: Surroundings, expected: string];

const ROWS: readonly Row[] = [
  ['the name is not known', { stage: 'dns' }, PUBLIC, 'CF-DNS-NAME proven'],
  ['refused in public', { stage: 'tcp', errorCode: 'ECONNREFUSED' }, PUBLIC, 'CF-TRAEFIK-DOWN likely'],
  [
    'refused at the gateway',
    { stage: 'tcp', errorCode: 'ECONNREFUSED' },
    { vantage: 'gateway' },
    'CF-GATEWAY-DOWN likely',
  ],
  [
    'refused at the runner',
    { stage: 'tcp', errorCode: 'ECONNREFUSED' },
    { vantage: 'rfb' },
    'CF-RUNNER-REFUSED likely',
  ],
  ['no answer', { stage: 'tcp' }, PUBLIC, 'CF-NETWORK-SILENT likely'],
  ['no answer of the kernel', { stage: 'tcp', errorCode: 'ETIMEDOUT' }, { vantage: 'rfb' }, 'CF-NETWORK-SILENT likely'],
  ['no route', { stage: 'tcp', errorCode: 'EHOSTUNREACH' }, PUBLIC, 'CF-NETWORK-UNREACHABLE likely'],
  ['no TLS there', { stage: 'tls' }, PUBLIC, 'CF-TLS-HANDSHAKE likely'],
  ['expired', { stage: 'tls', tls: { ...TLS, problem: 'CERT_HAS_EXPIRED' } }, PUBLIC, 'CF-TLS-EXPIRED proven'],
  [
    'other name',
    { stage: 'tls', tls: { ...TLS, problem: 'ERR_TLS_CERT_ALTNAME_INVALID' } },
    PUBLIC,
    'CF-TLS-NAME proven',
  ],
  [
    'unknown authority',
    { stage: 'tls', tls: { ...TLS, problem: 'SELF_SIGNED_CERT_IN_CHAIN' } },
    PUBLIC,
    'CF-TLS-TRUST proven',
  ],
  ['no answer of HTTP', { stage: 'http' }, PUBLIC, 'CF-GATEWAY-SILENT possible'],
  ['no answer of HTTP at the gateway', { stage: 'http' }, { vantage: 'gateway' }, 'CF-GATEWAY-SILENT likely'],
  [
    'no answer, though the gateway does',
    { stage: 'http' },
    { ...PUBLIC, innerOpens: true },
    'CF-TRAEFIK-SILENT likely',
  ],
  [
    'closed, though the gateway is well',
    { stage: 'http', errorCode: 'ECONNRESET' },
    { ...PUBLIC, innerOpens: true },
    'CF-TRAEFIK-SILENT likely',
  ],
  ['closed instead of an answer', { stage: 'http', errorCode: 'ECONNRESET' }, PUBLIC, 'CF-GATEWAY-UPGRADE possible'],
  ['no route of the ingress', answered(404), PUBLIC, 'CF-TRAEFIK-ROUTE likely'],
  ['no route, though the gateway is well', answered(404), { ...PUBLIC, innerOpens: true }, 'CF-TRAEFIK-ROUTE proven'],
  ['a page instead of a socket', answered(200, '<html>'), PUBLIC, 'CF-TRAEFIK-ROUTE likely'],
  ['a redirect', answered(302), PUBLIC, 'CF-TRAEFIK-ROUTE likely'],
  ['404 of a gateway without our documents', answered(404), { vantage: 'gateway' }, 'CF-GATEWAY-UPGRADE likely'],
  ['502', answered(502, 'Bad Gateway'), PUBLIC, 'CF-GATEWAY-DOWN likely'],
  [
    '502, and the gateway does not open either',
    answered(502),
    { ...PUBLIC, innerOpens: false },
    'CF-GATEWAY-DOWN likely',
  ],
  ['502, though the gateway is well', answered(502), { ...PUBLIC, innerOpens: true }, 'CF-TRAEFIK-BACKEND proven'],
  ['504, though the gateway is well', answered(504), { ...PUBLIC, innerOpens: true }, 'CF-TRAEFIK-BACKEND proven'],
  ['a login in front', answered(401, '401 Unauthorized'), PUBLIC, 'CF-TRAEFIK-AUTH possible'],
  [
    'a login in front of a gateway that is well',
    answered(403),
    { ...PUBLIC, innerOpens: true },
    'CF-TRAEFIK-AUTH proven',
  ],
  ['another refusal', answered(500), PUBLIC, 'CF-GATEWAY-UPGRADE likely'],
  ['a document of somebody else', answered(418, '{"code":"teapot"}'), PUBLIC, 'CF-GATEWAY-UPGRADE likely'],
  ['a wrong 101', { stage: 'upgrade' }, PUBLIC, 'CF-GATEWAY-UPGRADE likely'],
  ['no greeting', { stage: 'greeting', stop: 'silence' }, PUBLIC, 'CF-RUNNER-SILENT likely'],
  ['no RFB', { stage: 'greeting', stop: 'malformed' }, PUBLIC, 'CF-RUNNER-NOT-RFB likely'],
  [
    '101, then an end: a relay whose dial failed',
    { stage: 'greeting', stop: 'ended' },
    PUBLIC,
    'CF-RUNNER-REFUSED likely',
  ],
  [
    'an end instead of the raw greeting',
    { stage: 'greeting', stop: 'ended' },
    { vantage: 'rfb' },
    'CF-RUNNER-CLOSED likely',
  ],
  ['a wrong password', { stage: 'security', stop: 'refused' }, PUBLIC, 'CF-RUNNER-AUTH likely'],
  ['silence behind the greeting', { stage: 'security', stop: 'silence' }, PUBLIC, 'CF-RUNNER-SILENT likely'],
  ['an end behind the greeting', { stage: 'security', stop: 'ended' }, PUBLIC, 'CF-RUNNER-ONE-SHOT likely'],
  [
    'an end behind the security types',
    { stage: 'security', stop: 'ended', rfb: { types: [1] } },
    PUBLIC,
    'CF-RUNNER-CLOSED likely',
  ],
  ['rubbish behind the greeting', { stage: 'security', stop: 'malformed' }, PUBLIC, 'CF-RUNNER-NOT-RFB likely'],
  ['no ServerInit', { stage: 'serverInit', stop: 'silence' }, PUBLIC, 'CF-RUNNER-FRAME likely'],
  ['no frame', { stage: 'frame', stop: 'silence' }, PUBLIC, 'CF-RUNNER-FRAME likely'],
  ['a frame that is none', { stage: 'frame', stop: 'malformed' }, PUBLIC, 'CF-RUNNER-NOT-RFB likely'],
];

/** Codes of the gateway that tell a hop by themselves. */
const PROBLEMS: readonly (readonly [problem: string, code: Code])[] = [
  ['token_expired', 'CF-GATEWAY-TOKEN'],
  ['token_used', 'CF-GATEWAY-TOKEN'],
  ['unknown_id', 'CF-GATEWAY-ID'],
  ['origin_refused', 'CF-GATEWAY-ORIGIN'],
  ['target_refused', 'CF-GATEWAY-TARGET'],
  ['too_many_failures', 'CF-GATEWAY-LIMIT'],
  ['at_capacity', 'CF-GATEWAY-FULL'],
  ['draining', 'CF-GATEWAY-DRAINING'],
  ['session_ended', 'CF-CONTROL-RELEASED'],
  ['rights_revoked', 'CF-CONTROL-REVOKED'],
  ['control_unreachable', 'CF-CONTROL-API'],
  ['runner_refused', 'CF-RUNNER-REFUSED'],
  ['runner_not_rfb', 'CF-RUNNER-NOT-RFB'],
  ['runner_auth', 'CF-RUNNER-AUTH'],
  ['greeting_timeout', 'CF-RUNNER-SILENT'],
];

describe('who is to blame for a dial', () => {
  test.each(ROWS)('%s', (_what, facts, around, expected) => {
    const { code, confidence, hop } = blameFor(facts, around);
    expect(`${code} ${confidence}`).toBe(expected);
    expect(hop).toBe(CODES[code].hop);
  });

  test.each(PROBLEMS)('the document of the gateway proves it: %s', (code, expected) => {
    expect(blameFor(problem(code), { ...PUBLIC, innerOpens: true })).toMatchObject({
      code: expected,
      confidence: 'proven',
    });
  });

  test('every refusal of the gateway is known', () => {
    const unknown = Object.entries(REFUSALS).filter(
      ([code, { status }]) => blameFor(problem(code, status), PUBLIC).confidence !== 'proven',
    );
    expect(unknown).toEqual([]);
  });

  test('a code carries its hop in its name', () => {
    for (const [code, { hop }] of Object.entries(CODES))
      expect(`${code} ${hopOf(code as Code)}`).toBe(`${code} ${hop}`);
  });
});
