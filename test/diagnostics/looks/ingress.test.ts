import { describe, expect, test } from 'vitest';
import { type Refusal, refuserOf } from '../../../src/diagnostics/looks/judge.ts';
import { looksAtIngress } from '../../../src/diagnostics/looks/ingress.ts';
import type { LookName } from '../../../src/diagnostics/looks/plan.ts';
import type { AccessLine } from '../../../src/diagnostics/logs/index.ts';
import type { DialFacts } from '../../../src/diagnostics/probe/facts.ts';

const AT = new URL('wss://h.example/vnc/desk/websockify');
const WITH_TOKEN = new URL('wss://h.example/websockify?token=ab;cde');
const INNER = new URL('ws://10.0.0.5:6900/vnc/desk/websockify');

function says(status: number, body = '', type = 'text/plain; charset=utf-8'): DialFacts {
  const stage = status === 101 ? 'upgrade' : 'http';
  return { stage, http: { status, headers: { 'content-type': type }, body, key: 'k', wantedAccept: 'a', tookMs: 1 } };
}

const OPEN = says(101);
const NO_ROUTE = says(404, '404 page not found\n');
const UI = says(200, '<!doctype html>', 'text/html');
const BAD_GATEWAY = says(502, 'Bad Gateway');
const BROKEN = says(500, 'Internal Server Error');
const SILENT: DialFacts = { stage: 'http', stop: 'silence' };
const ENDED: DialFacts = { stage: 'http', errorCode: 'ECONNRESET' };
const NO_TCP: DialFacts = { stage: 'tcp' };
const REFUSED: DialFacts = { stage: 'tcp', errorCode: 'ECONNREFUSED' };

const LINE: AccessLine = {
  line: 1,
  startedAt: '2026-11-23T15:31:49.123Z',
  status: 404,
  originStatus: 0,
  durationMs: 1,
  path: AT.pathname,
  router: undefined,
  service: undefined,
  serviceAddr: undefined,
  wsKey: 'k',
  accept: undefined,
  client: undefined,
};

type Looks = Partial<Record<LookName, DialFacts>>;
type More = Omit<Partial<Refusal>, 'facts' | 'seen'>;

function refusal(facts: DialFacts, looks: Looks, more: More = {}): Refusal {
  const seen = Object.entries(looks).map(([what, saw]) => {
    const url = what.startsWith('inner') ? INNER : AT;
    return { what: what as LookName, url, facts: saw };
  });
  return { url: AT, facts, seen, ...more };
}

/** A page of a proxy, with its name in a header or not. */
function page(status: number, server?: string, body = '<html><body><h1>no</h1></body></html>'): DialFacts {
  const { http } = says(status, body, 'text/html');
  return { stage: 'http', http: { ...http!, headers: { ...http!.headers, ...(server && { server }) } } };
}

const HAPROXY =
  '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>';

type Row = readonly [what: string, refused: Refusal, expected: string | undefined];

const ROUTES: readonly Row[] = [
  [
    'the answer for a path that nobody has, though the gateway takes it',
    refusal(NO_ROUTE, { 'made-up': NO_ROUTE, inner: OPEN }),
    'CF-TRAEFIK-ROUTE proven',
  ],
  ['the same seen from outside alone', refusal(NO_ROUTE, { 'made-up': NO_ROUTE }), 'CF-TRAEFIK-ROUTE likely'],
  [
    'the log says that no router took it',
    refusal(NO_ROUTE, { 'made-up': UI }, { line: LINE }),
    'CF-TRAEFIK-ROUTE proven',
  ],
  ['a page, as for every path', refusal(UI, { 'made-up': UI }), 'CF-TRAEFIK-ROUTE likely'],
  ['a page, though the gateway takes it', refusal(UI, { 'made-up': UI, inner: OPEN }), 'CF-TRAEFIK-ROUTE proven'],
  [
    'another service, says the log',
    refusal(
      UI,
      { 'made-up': UI, inner: OPEN },
      {
        line: {
          ...LINE,
          status: 200,
          originStatus: 200,
          router: 'ui@file',
          service: 'ui@file',
          serviceAddr: '10.0.0.9:80',
        },
      },
    ),
    'CF-TRAEFIK-ROUTE proven',
  ],
  ['a page of its own for this path alone', refusal(UI, { 'made-up': NO_ROUTE }), undefined],
  ['a refusal that a made-up path does not meet', refusal(says(403), { 'made-up': NO_ROUTE }), undefined],
  [
    'SNI and Host of different TLS options',
    refusal(says(421, 'Misdirected Request\n'), { 'made-up': says(421) }),
    'CF-TRAEFIK-ROUTE likely',
  ],
  [
    'a service without a server, though the gateway takes it',
    refusal(says(503, 'no available server\n'), { 'made-up': NO_ROUTE, inner: OPEN }),
    'CF-TRAEFIK-SERVERS proven',
  ],
  [
    'a service without a server, seen from outside alone',
    refusal(says(503, 'no available server\n'), { 'made-up': NO_ROUTE }),
    'CF-TRAEFIK-SERVERS likely',
  ],
  [
    'a service without a server, and the gateway is down indeed',
    refusal(says(503, 'no available server\n'), { 'made-up': NO_ROUTE, inner: REFUSED }),
    undefined,
  ],
  [
    'a service without a server, says the log, and the gateway is down indeed',
    refusal(says(503), { 'made-up': NO_ROUTE, inner: REFUSED }, { line: { ...LINE, status: 503, router: 'vnc@file' } }),
    undefined,
  ],
  [
    'a service without a server, says the log',
    refusal(says(503), { 'made-up': NO_ROUTE }, { line: { ...LINE, status: 503, router: 'vnc@file' } }),
    'CF-TRAEFIK-SERVERS likely',
  ],
  [
    'a gateway that says the words of Go itself',
    refusal(NO_ROUTE, { 'made-up': NO_ROUTE, inner: NO_ROUTE }),
    undefined,
  ],
  [
    'the words of Go from a service, says the log',
    refusal(
      NO_ROUTE,
      { 'made-up': NO_ROUTE },
      { line: { ...LINE, originStatus: 404, router: 'vnc@file', serviceAddr: '10.0.0.5:6900' } },
    ),
    undefined,
  ],
  [
    'a middleware answered, says the log',
    refusal(
      says(403, 'Forbidden'),
      { 'made-up': says(403, 'Forbidden') },
      { line: { ...LINE, status: 403, router: 'vnc@file' } },
    ),
    'CF-TRAEFIK-AUTH proven',
  ],
  [
    'a middleware limits, says the log',
    refusal(says(429), { 'made-up': says(429) }, { line: { ...LINE, status: 429, router: 'vnc@file' } }),
    'CF-TRAEFIK-LIMIT proven',
  ],
  [
    'the service refused by itself, says the log',
    refusal(
      says(403),
      { 'made-up': NO_ROUTE },
      { line: { ...LINE, status: 403, originStatus: 403, router: 'vnc@file', serviceAddr: '10.0.0.5:6900' } },
    ),
    undefined,
  ],
];

const SWITCHES: readonly Row[] = [
  [
    'only the upgrade fails, and the gateway takes it',
    refusal(BROKEN, { 'made-up': NO_ROUTE, plain: says(426), inner: OPEN }),
    'CF-TRAEFIK-SWITCH proven',
  ],
  [
    'only the upgrade fails, from outside alone',
    refusal(BROKEN, { 'made-up': NO_ROUTE, plain: says(200) }),
    'CF-TRAEFIK-SWITCH likely',
  ],
  [
    'a gateway that fails by itself',
    refusal(BROKEN, { 'made-up': NO_ROUTE, plain: says(426), inner: BROKEN }),
    undefined,
  ],
  [
    'a 500 with the words of somebody else',
    refusal(says(500, 'oops'), { 'made-up': NO_ROUTE, plain: says(200) }),
    undefined,
  ],
];

const QUERIES: readonly Row[] = [
  [
    'it opens with %3B, and at the gateway as it is',
    refusal(says(404), { encoded: OPEN, inner: OPEN }, { url: WITH_TOKEN }),
    'CF-TRAEFIK-QUERY proven',
  ],
  [
    'it opens with %3B, from outside alone',
    refusal(BAD_GATEWAY, { encoded: OPEN }, { url: WITH_TOKEN }),
    'CF-TRAEFIK-QUERY likely',
  ],
  [
    'the gateway says the same when it gets an &',
    refusal(says(403), { encoded: says(403), inner: OPEN, 'inner-split': says(403) }, { url: WITH_TOKEN }),
    'CF-TRAEFIK-QUERY likely',
  ],
  [
    'the gateway itself does not take a ;',
    refusal(says(403), { encoded: OPEN, inner: says(403) }, { url: WITH_TOKEN }),
    undefined,
  ],
];

const WAITS = { ...LINE, status: 499, originStatus: 499, router: 'vnc@file', serviceAddr: '10.0.0.9:6900' };

const UNANSWERED: readonly Row[] = [
  [
    'it waits, and the gateway takes the same of us',
    refusal(SILENT, { inner: OPEN }, { isAlive: true, line: WAITS }),
    'CF-TRAEFIK-UNREACHABLE likely',
  ],
  [
    'it waits for an address where nobody answers TCP',
    refusal(SILENT, {}, { isAlive: true, line: WAITS, beyond: NO_TCP }),
    'CF-TRAEFIK-UNREACHABLE likely',
  ],
  [
    'it waits for an address that answers us',
    refusal(SILENT, {}, { isAlive: true, line: WAITS, beyond: says(404) }),
    'CF-TRAEFIK-UNREACHABLE likely',
  ],
  [
    'it waits for an address that accepts and says nothing',
    refusal(SILENT, {}, { isAlive: true, line: WAITS, beyond: SILENT }),
    'CF-GATEWAY-SILENT likely',
  ],
  ['it waits, and nobody knows for whom', refusal(SILENT, {}, { isAlive: true }), 'CF-GATEWAY-SILENT likely'],
  ['it does not answer for itself', refusal(SILENT, { inner: OPEN }, { isAlive: false }), undefined],
  [
    'the gateway is silent for us as well: its own dial says more',
    refusal(SILENT, { inner: SILENT }, { isAlive: true }),
    undefined,
  ],
  ['it ended instead', refusal(ENDED, { inner: OPEN }, { isAlive: true }), undefined],
];

const DIALS = { ...LINE, status: 502, originStatus: 502, router: 'vnc@file', serviceAddr: '10.0.0.5:6999' };
const LATE = says(504, 'Gateway Timeout');
const ASKS = says(401, '401 Unauthorized\n');

const NO_PATH = says(404, '{"code":"not_found"}', 'application/problem+json');
const NO_ID = says(404, '{"code":"unknown_id"}', 'application/problem+json');

const BEHIND: readonly Row[] = [
  [
    'the gateway knows no such path, and takes it when it is asked itself',
    refusal(NO_PATH, { 'made-up': NO_PATH, inner: OPEN }),
    'CF-TRAEFIK-ROUTE likely',
  ],
  ['a gateway that knows no such path', refusal(NO_PATH, { inner: NO_PATH }), 'CF-VIEWER-PATH likely'],
  ['another gateway that knows no such id', refusal(NO_ID, { 'made-up': NO_PATH, inner: OPEN }), undefined],
  [
    'it dials another port than that of the gateway',
    refusal(BAD_GATEWAY, { inner: OPEN }, { line: DIALS }),
    'CF-TRAEFIK-BACKEND proven',
  ],
  [
    'it dials the very port of the gateway',
    refusal(BAD_GATEWAY, { inner: OPEN }, { line: { ...DIALS, serviceAddr: INNER.host } }),
    undefined,
  ],
  ['504, though the gateway takes it', refusal(LATE, { inner: OPEN }), 'CF-TRAEFIK-UNREACHABLE likely'],
  [
    '504 with a line of its log',
    refusal(LATE, { inner: OPEN }, { line: { ...DIALS, status: 504 } }),
    'CF-TRAEFIK-UNREACHABLE proven',
  ],
  ['504, and the gateway is silent for us as well', refusal(LATE, { inner: SILENT }), undefined],
  [
    'a plain request is refused in the same words',
    refusal(ASKS, { 'made-up': NO_ROUTE, plain: ASKS }),
    'CF-TRAEFIK-AUTH likely',
  ],
  ['a plain request is answered otherwise', refusal(says(403), { 'made-up': says(403), plain: says(405) }), undefined],
];

const IN_FRONT: readonly Row[] = [
  [
    'nginx refuses, the gateway does not',
    refusal(page(403, 'nginx/1.22.1'), { 'made-up': page(403, 'nginx/1.22.1'), inner: OPEN }),
    'CF-EDGE-REFUSED proven',
  ],
  [
    'a CDN refuses, and nobody can look behind it',
    refusal(page(403, 'cloudflare'), { 'made-up': page(403, 'cloudflare') }),
    'CF-EDGE-REFUSED likely',
  ],
  [
    'nginx cannot reach what is behind it',
    refusal(page(502, 'nginx'), { 'made-up': page(502, 'nginx'), inner: OPEN }),
    'CF-EDGE-BACKEND proven',
  ],
  [
    'HAProxy has no server, and sends no name',
    refusal(page(503, undefined, HAPROXY), { 'made-up': page(503, undefined, HAPROXY), inner: OPEN }),
    'CF-EDGE-BACKEND proven',
  ],
  [
    'nginx cannot reach what is behind it, which may be down',
    refusal(page(502, 'nginx'), { 'made-up': page(502, 'nginx') }),
    undefined,
  ],
  [
    'nginx cannot reach what is behind it, and the gateway does not answer us, either',
    refusal(page(502, 'nginx'), { 'made-up': page(502, 'nginx'), inner: REFUSED }),
    undefined,
  ],
  [
    'a service behind the ingress that has a name as well, says the log',
    refusal(
      page(405, 'nginx'),
      { 'made-up': NO_ROUTE, inner: OPEN },
      { line: { ...LINE, status: 405, originStatus: 405, router: 'ui@file', serviceAddr: INNER.host } },
    ),
    undefined,
  ],
  ['the ingress limits', refusal(says(429, 'Too Many Requests'), { 'made-up': says(429) }), 'CF-TRAEFIK-LIMIT likely'],
  ['a proxy limits', refusal(page(429, 'nginx'), { 'made-up': page(429, 'nginx') }), 'CF-EDGE-REFUSED likely'],
];

describe('whose refusal it is at an ingress', () => {
  test.each([...IN_FRONT, ...BEHIND, ...ROUTES, ...SWITCHES, ...QUERIES, ...UNANSWERED])(
    '%s',
    (_what, refused, expected) => {
      const found = refuserOf(refused);
      expect(found && `${found.code} ${found.confidence}`).toBe(expected);
    },
  );

  test('of a query no character is told, only how many were left', () => {
    const because = refuserOf(refusal(says(404), { encoded: OPEN }, { url: WITH_TOKEN }))?.because;
    expect(because).toContain('2 of 6 characters');
    expect(because).not.toMatch(/ab|cde/);
  });
});

describe('looks at an ingress', () => {
  const target = { kind: 'socket', url: WITH_TOKEN, origin: undefined, headers: {} } as const;

  test('repeat the very same only where a session may be known elsewhere', () => {
    const again = (facts: DialFacts): number =>
      looksAtIngress(target, facts, undefined).filter(({ what }) => what === 'again').length;
    expect(again(says(404))).toBeGreaterThan(1);
    expect(again(says(500))).toBe(0);
    expect(again(says(401, '{"code":"token_used"}'))).toBe(0);
  });

  test('ask with %3B where the query holds a ;, and hand the token to nobody else', () => {
    const looks = looksAtIngress(target, says(403), { ...target, url: INNER });
    expect(looks.find(({ what }) => what === 'encoded')?.target.url.search).toBe('?token=ab%3Bcde');
    expect(looks.find(({ what }) => what === 'made-up')?.target.url.search).toBe('');
  });

  test('are none where the dial did not come to an answer of HTTP', () => {
    expect(looksAtIngress(target, { stage: 'tls' }, undefined)).toEqual([]);
  });
});
