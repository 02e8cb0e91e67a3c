import { describe, expect, test } from 'vitest';
import { type Refusal, refuserOf } from '../../../src/diagnostics/looks/judge.ts';
import type { LookName } from '../../../src/diagnostics/looks/plan.ts';
import { parseAccessLog } from '../../../src/diagnostics/logs/index.ts';
import type { DialFacts } from '../../../src/diagnostics/probe/facts.ts';

const URL_WSS = new URL('wss://h.example:8443/websockify?token=x');
const URL_WS = new URL('ws://h.example:8080/websockify');

interface Said {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function says(status: number, { body = '', headers = {} }: Said = {}): DialFacts {
  const stage = status === 101 ? 'upgrade' : 'http';
  return { stage, http: { status, headers: { ...headers }, body, key: 'k', wantedAccept: 'a', tookMs: 1 } };
}

const OPEN = says(101);
const NOTHING: DialFacts = { stage: 'http', errorCode: 'ECONNRESET' };
const NO_TLS: DialFacts = { stage: 'tls' };
const PLAINTEXT: DialFacts = { stage: 'tls', isPlaintext: true };
const TLS = { authorized: true, problem: undefined, protocol: 'TLSv1.3', subject: 'h', validTo: '', tookMs: 1 };

type Looks = Partial<Record<LookName, DialFacts | readonly [url: string, facts: DialFacts]>>;

function refusal(url: URL, facts: DialFacts, looks: Looks): Refusal {
  const seen = Object.entries(looks).map(([what, found]) => {
    const [where, saw] = Array.isArray(found) ? (found as [string, DialFacts]) : [url.href, found as DialFacts];
    return { what: what as LookName, url: new URL(where), facts: saw };
  });
  return { url, facts, seen };
}

const moved = (location: string, body = 'Found'): DialFacts => says(302, { headers: { location }, body });
const nginx = { headers: { server: 'nginx' }, body: '<html>301</html>' };
const INNER_WS = 'ws://10.0.0.5:6900/websockify';
const INNER_WSS = 'wss://10.0.0.5:6900/websockify';

const JSON_TYPE = { 'content-type': 'application/json' };

type Row = readonly [what: string, refused: Refusal, expected: string];

const ROWS: readonly Row[] = [
  [
    'a service without servers, and no gateway runs',
    { ...refusal(URL_WSS, says(503, { body: 'no available server' }), {}), ended: 'gateway-1 exited with code 137' },
    'CF-GATEWAY-DOWN proven: ',
  ],
  [
    'a redirect to the same place without the port, by Traefik',
    refusal(URL_WSS, moved('https://h.example/websockify'), { redirected: ['wss://h.example/websockify', NOTHING] }),
    'CF-TRAEFIK-REDIRECT likely: port of redirectScheme',
  ],
  [
    'a redirect to itself: it does not know that TLS ended in front',
    refusal(URL_WSS, moved(URL_WSS.href), { redirected: [URL_WSS.href, moved(URL_WSS.href)], plain: says(200) }),
    'CF-TRAEFIK-REDIRECT likely: entryPoints.<name>.forwardedHeaders.trustedIPs',
  ],
  [
    'a redirect to TLS, by nginx',
    refusal(URL_WS, says(301, nginx), { redirected: ['wss://h.example/websockify', OPEN] }),
    'CF-EDGE-REDIRECT likely: Hand out the final URL, wss://',
  ],
  [
    'a redirect to the path with a slash',
    refusal(URL_WS, says(301, nginx), { redirected: ['ws://h.example:8080/websockify/', OPEN] }),
    'CF-EDGE-REDIRECT likely: Hand out the final wss:// URL',
  ],
  [
    'a redirect to a login',
    refusal(URL_WSS, moved('https://id.example/login'), { redirected: ['wss://id.example/login', says(404)] }),
    'CF-TRAEFIK-AUTH likely: ',
  ],
  [
    'the answer of a server that waits for an upgrade',
    refusal(URL_WS, says(405), { plain: says(405) }),
    'CF-EDGE-UPGRADE likely: ',
  ],
  [
    'the answer that the gateway gives to a plain request',
    refusal(URL_WS, says(404, { body: 'no' }), {
      plain: says(404, { body: 'no' }),
      inner: [INNER_WS, OPEN],
      'inner-plain': [INNER_WS, says(404, { body: 'no' })],
    }),
    'CF-EDGE-UPGRADE proven: ',
  ],
  [
    'plaintext to a gateway that speaks TLS',
    refusal(URL_WS, says(502, { body: 'Bad Gateway' }), {
      inner: [INNER_WSS, { ...OPEN, tls: TLS }],
      'inner-other-scheme': [INNER_WS, NOTHING],
    }),
    'CF-TRAEFIK-SCHEME likely: ',
  ],
  [
    'plaintext to a gateway that says that it wants TLS',
    refusal(URL_WS, says(400, { body: 'x' }), {
      inner: [INNER_WSS, { ...OPEN, tls: TLS }],
      'inner-other-scheme': [INNER_WS, says(400, { body: 'x' })],
    }),
    'CF-TRAEFIK-SCHEME proven: ',
  ],
  [
    'a TLS server behind the ingress, where nobody can look',
    refusal(URL_WS, says(400, { body: 'Client sent an HTTP request to an HTTPS server.' }), { plain: says(400) }),
    'CF-TRAEFIK-SCHEME likely: ',
  ],
  [
    'TLS to a gateway that speaks plaintext',
    refusal(URL_WS, says(500, { body: 'Internal Server Error' }), {
      plain: says(500, { body: 'Internal Server Error' }),
      inner: [INNER_WS, OPEN],
      'inner-other-scheme': [INNER_WSS, NO_TLS],
    }),
    'CF-TRAEFIK-SCHEME likely: loadBalancer.servers.url of the service in Traefik with http://',
  ],
  [
    'TLS to a gateway whose certificate is not trusted',
    refusal(URL_WS, says(500, { body: 'Internal Server Error' }), {
      plain: says(500, { body: 'Internal Server Error' }),
      inner: [INNER_WSS, { ...OPEN, tls: { ...TLS, authorized: false, problem: 'SELF_SIGNED' } }],
      'inner-other-scheme': [INNER_WS, NOTHING],
    }),
    'CF-TRAEFIK-SCHEME likely: serversTransport with rootCAs',
  ],
  [
    'the same 502, and a gateway that says it by its own scheme as well',
    refusal(URL_WS, says(502), {
      inner: [INNER_WSS, { ...says(502), tls: TLS }],
      'inner-other-scheme': [INNER_WS, NOTHING],
    }),
    'undefined',
  ],
  [
    'what websockify says to a plain request',
    refusal(URL_WS, says(404, { body: 'Error code explanation: 404 - Nothing matches' }), {
      plain: says(404, { body: 'Error code explanation: 404 - Nothing matches' }),
    }),
    'CF-EDGE-UPGRADE likely: ',
  ],
  [
    'another path that opens',
    refusal(URL_WS, says(404), { path: ['ws://h.example:8080/vnc/websockify', OPEN] }),
    'CF-VIEWER-PATH proven: Hand out /vnc/websockify',
  ],
  [
    'a document that says that there is no such path',
    refusal(URL_WS, says(404, { body: '{"detail":"Not Found"}', headers: { 'content-type': 'application/json' } }), {}),
    'CF-VIEWER-PATH likely: ',
  ],
  [
    'another path that opens, though the gateway takes this one: only a prefix is lost',
    refusal(URL_WS, says(404), {
      inner: [INNER_WS, OPEN],
      path: ['ws://h.example:8080/fleet/websockify', OPEN],
    }),
    'CF-VIEWER-PATH proven: Hand out /fleet/websockify',
  ],
  [
    'a document that an unknown id gets, and a path that nobody has does not',
    refusal(URL_WS, says(404, { body: '{"error":"unknown session"}', headers: JSON_TYPE }), {
      'made-up': ['ws://h.example:8080/nothing', says(404, { body: '{"error":"no path"}', headers: JSON_TYPE })],
    }),
    'undefined',
  ],
  ['wss:// to a plaintext port', refusal(URL_WSS, PLAINTEXT, { 'other-scheme': OPEN }), 'CF-TLS-SCHEME proven: '],
  [
    'bytes in front of every request',
    refusal(URL_WSS, PLAINTEXT, { 'other-scheme': says(400) }),
    'CF-TRAEFIK-SCHEME likely: entryPoints.websecure.proxyProtocol.trustedIPs',
  ],
  [
    'ws:// to a TLS port',
    refusal(URL_WS, NOTHING, { 'other-scheme': { ...OPEN, tls: TLS } }),
    'CF-TLS-SCHEME proven: ',
  ],
];

describe('an upgrade that was lost where nobody stands in front of the ingress', () => {
  const lost = refusal(URL_WS, { ...says(426), localPort: 54_321 }, { plain: says(426) });
  const [line] = parseAccessLog([
    JSON.stringify({
      DownstreamStatus: 426,
      OriginStatus: 426,
      ClientAddr: '127.0.0.1:54321',
      ServiceAddr: '10.0.0.5:6900',
    }),
  ]);

  test('was lost there', () => {
    expect(refuserOf({ ...lost, line })).toMatchObject({ code: 'CF-TRAEFIK-SWITCH', confidence: 'likely' });
  });

  test('was lost in front where somebody else connected to it', () => {
    const other = { ...line!, client: '10.0.0.9:40000' };
    expect(refuserOf({ ...lost, line: other })).toMatchObject({ code: 'CF-EDGE-UPGRADE' });
  });
});

describe('a refusal', () => {
  test.each(ROWS)('%s', (_what, refused, expected) => {
    const refuser = refuserOf(refused);
    expect(`${refuser?.code} ${refuser?.confidence}: ${refuser?.remedy ?? ''}`).toContain(expected);
  });

  test.each<readonly [string, Refusal]>([
    [
      'another path that opens, though the gateway takes this one',
      refusal(URL_WS, says(404), { inner: [INNER_WS, OPEN], path: ['ws://h.example:8080/other', OPEN] }),
    ],
    [
      '405 where the gateway says something else to a plain request',
      refusal(URL_WS, says(405), {
        plain: says(405),
        inner: [INNER_WS, OPEN],
        'inner-plain': [INNER_WS, says(426)],
      }),
    ],
    ['a TLS alert, though the port answers plaintext as well', refusal(URL_WSS, NO_TLS, { 'other-scheme': says(404) })],
    [
      'a 401 that a plain request gets as well',
      refusal(URL_WS, says(401, { body: '401 Unauthorized' }), { plain: says(401, { body: '401 Unauthorized' }) }),
    ],
  ])('%s is not laid to scheme or upgrade', (_what, refused) => {
    expect(refuserOf(refused)?.code ?? '').not.toMatch(/SCHEME|UPGRADE|PATH/);
  });
});
