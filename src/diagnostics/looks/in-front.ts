import type { DialFacts } from '../probe/facts.js';
import { type Refusal, type Refuser, isTaken, lookOf } from './judge.js';
import { isOfTraefik } from './redirect.js';

type Http = NonNullable<DialFacts['http']>;

/** Proxies by the `server` header of their own pages, and by the pages of those that send none. */
const OF_SERVER =
  /^(?:nginx|openresty|tengine|apache|caddy|envoy|istio-envoy|haproxy|varnish|cloudflare|awselb|akamai\w*|google frontend|bigip|sucuri\S*|litespeed|microsoft-azure\S*|imperva)\b/i;
const OF_BODY: readonly (readonly [RegExp, string])[] = [
  [/<center>(?:nginx|openresty)\b/i, 'nginx'],
  [
    /<html><body><h1>\d{3} [\s\S]*(?:No server is available|didn't respond|administrative rules|invalid request)/i,
    'HAProxy',
  ],
];

/** Statuses by which a proxy keeps somebody out, or says that it has no use for an upgrade. */
const REFUSING: ReadonlySet<number> = new Set([401, 403, 405, 406, 407, 413, 414, 431, 451]);
const TOO_MANY = 429;
/** It could not reach what is behind it. */
const BEHIND: ReadonlySet<number> = new Set([502, 503, 504]);

/** The page of a proxy that is not the gateway: in front of it, for the gateway takes the handshake or nobody else was asked. */
export function judgeInFront(refusal: Refusal): Refuser | undefined {
  const { http } = refusal.facts;
  if (!http || !lookOf(refusal, 'made-up') || http.body.trimStart().startsWith('{')) return undefined;
  const inner = lookOf(refusal, 'inner');
  if (inner && !isTaken(inner)) return undefined;
  if (http.status === TOO_MANY) return limited(http, refusal);
  if (refusal.line?.serviceAddr !== undefined) return undefined; // it went past the ingress
  const name = nameOf(http);
  if (name === undefined) return undefined;
  const beside = inner ? '; the gateway takes the same handshake of whoever dials it directly' : '';
  const because = `the answer is a page of ${name}${beside}`;
  const confidence = inner ? 'proven' : 'likely';
  if (REFUSING.has(http.status)) return { code: 'CF-EDGE-REFUSED', confidence, because };
  // Seen from outside alone it may as well be right about a gateway that is down.
  return inner && BEHIND.has(http.status) ? { code: 'CF-EDGE-BACKEND', confidence, because } : undefined;
}

/** A limit of requests: of Traefik by its bare words or its log, else of another proxy. */
function limited(http: Http, refusal: Refusal): Refuser {
  const { line } = refusal;
  const isOwn = isOfTraefik(http) || (line?.router !== undefined && line.serviceAddr === undefined);
  const after = http.headers['retry-after'] ?? http.headers['x-retry-in'];
  const because = `it is a limit of requests${after === undefined ? '' : `, to be asked again after ${after}`}`;
  return isOwn
    ? { code: 'CF-TRAEFIK-LIMIT', confidence: 'likely', because }
    : { code: 'CF-EDGE-REFUSED', confidence: 'likely', because, remedy: LIMITS };
}

const LIMITS =
  'A higher limit for the path of the socket, or none, in the proxy in front (nginx limit_req, limit_conn; HAProxy stick tables; rate limits of a CDN): a page opens several sockets at once, and viewers that reconnect come together';

/** The proxy whose own page an answer is; undefined where it does not say. */
export function nameOf({ headers, body }: Http): string | undefined {
  const { server = '' } = headers;
  if (OF_SERVER.test(server)) return server;
  return OF_BODY.find(([pattern]) => pattern.test(body))?.[1];
}
