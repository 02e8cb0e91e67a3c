import type { DialFacts } from '../probe/facts.js';
import { type Refusal, type Refuser, isTaken, lookOf } from './judge.js';

type Http = NonNullable<DialFacts['http']>;

/** What Go's router, and so Traefik's, says where nothing matches. */
const NO_ROUTE = '404 page not found';
/** What Traefik says where a service has no server, or none that its health check likes. */
const NO_SERVER = 'no available server';

const MISDIRECTED =
  'The same tls.options on every router of this host, and one name in SNI and Host: Traefik answers 421 where the two belong to different options';
const PRIORITY =
  "An explicit priority on the socket's router, above that of the catch-all, and a rule that matches its path; where it was dropped, Traefik's log and its API say why";

/** No router takes the handshake, or one that leads elsewhere does: it is answered as a path is that nobody has. */
export function judgeRoute(refusal: Refusal): Refuser | undefined {
  const { facts, url } = refusal;
  const { http } = facts;
  const nowhere = lookOf(refusal, 'made-up')?.facts.http;
  if (!http || !nowhere) return undefined;
  const confidence = isTaken(lookOf(refusal, 'inner')) ? 'proven' : 'likely';
  if (http.status === 421) {
    const because = 'SNI and Host belong to different tls.options';
    return { code: 'CF-TRAEFIK-ROUTE', confidence, because, remedy: MISDIRECTED };
  }
  if (http.body.trim() === NO_SERVER) return noServer(refusal);
  if (!isAlike(http, nowhere) || isOfGateway(refusal, http)) return undefined;
  if (http.status === 404 && http.body.trim() === NO_ROUTE)
    return { code: 'CF-TRAEFIK-ROUTE', confidence, because: `no live router matches ${url.pathname}` };
  if (!isPage(http)) return undefined;
  const because = `the handshake is answered as a path is that nobody has (${http.status} ${typeOf(http)}): a catch-all router took it`;
  return { code: 'CF-TRAEFIK-ROUTE', confidence, because, remedy: PRIORITY };
}

/** A router took it, and its service is empty; a health check that is right about a gateway that is down is no fault of it. */
function noServer(refusal: Refusal): Refuser | undefined {
  const inner = lookOf(refusal, 'inner');
  if (inner && !isTaken(inner)) return undefined;
  const because = inner
    ? 'its service has no server, though the gateway takes the same handshake'
    : 'its service has no server, or none that its health check likes';
  return { code: 'CF-TRAEFIK-SERVERS', confidence: inner ? 'proven' : 'likely', because };
}

/** The gateway itself says so, when it is asked directly or by the log of the ingress. */
function isOfGateway(refusal: Refusal, { status }: Http): boolean {
  const inner = lookOf(refusal, 'inner');
  if (inner && !isTaken(inner)) return inner.facts.http?.status === status;
  return status === 404 && refusal.line?.serviceAddr !== undefined;
}

/** The same kind of answer; pages may quote the path that was asked for. */
function isAlike(one: Http, other: Http): boolean {
  return one.status === other.status && typeOf(one) === typeOf(other);
}

/** A user interface, or a server of files: no socket's answer. */
function isPage(http: Http): boolean {
  return http.status < 300 || (typeOf(http) === 'text/html' && (http.status === 404 || http.status === 405));
}

function typeOf({ headers }: Http): string {
  return (headers['content-type'] ?? 'no type').replace(/;.*$/s, '');
}
