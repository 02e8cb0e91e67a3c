import type { Confidence } from '../../report/index.js';
import type { Code } from '../codes.js';
import type { AccessLine } from '../logs/index.js';
import type { DialFacts } from '../probe/facts.js';
import { judgeAgain } from './again.js';
import { judgeAuth } from './auth.js';
import { judgeBackend } from './backend.js';
import { judgeBehind } from './behind.js';
import { judgeInFront } from './in-front.js';
import { judgeLogged, surer } from './logged.js';
import type { LookName } from './plan.js';
import { judgeQuery } from './query.js';
import { judgeRedirect } from './redirect.js';
import { judgeRewritten } from './rewritten.js';
import { judgeRoute } from './route.js';
import { judgeStripped } from './stripped.js';
import { judgeSwitch } from './switching.js';
import { judgeUnanswered } from './unanswered.js';

/** What a second look saw. */
export interface Seen {
  readonly what: LookName;
  readonly url: URL;
  readonly facts: DialFacts;
  /** The server behind the ingress that it went to, where a log says it. */
  readonly server?: string | undefined;
}

/** The dial that was refused, and every second look at it. */
export interface Refusal {
  readonly url: URL;
  readonly facts: DialFacts;
  readonly seen: readonly Seen[];
  /** What the ingress wrote of the dial, where its log is at hand. */
  readonly line?: AccessLine | undefined;
  /** Whether the first server on the way answers what it need not pass on; undefined where nobody asked. */
  readonly isAlive?: boolean | undefined;
  /** How every gateway has ended, where its engine says that none runs. */
  readonly ended?: string | undefined;
  /** A look at the address that the line names, where the gateway's own is not known. */
  readonly beyond?: DialFacts | undefined;
}

/** Whose refusal it is, with what says so. */
export interface Refuser {
  readonly code: Code;
  readonly confidence: Confidence;
  /** What the second looks saw, in words. */
  readonly because: string;
  readonly remedy?: string;
}

/** Who refused, where second looks tell more than the refusal itself; undefined where they do not. */
export function refuserOf(refusal: Refusal): Refuser | undefined {
  const refuser = judged(refusal);
  return refuser && surer(refuser, refusal);
}

function judged(refusal: Refusal): Refuser | undefined {
  return (
    judgeScheme(refusal) ??
    judgeEnded(refusal) ??
    judgeQuery(refusal) ??
    judgeAgain(refusal) ??
    judgeRedirect(refusal) ??
    judgeStripped(refusal) ??
    judgeBackend(refusal) ??
    judgePath(refusal) ??
    judgeRewritten(refusal) ??
    judgeInFront(refusal) ??
    judgeLogged(refusal) ??
    judgeBehind(refusal) ??
    judgeAuth(refusal) ??
    judgeRoute(refusal) ??
    judgeSwitch(refusal) ??
    judgeUnanswered(refusal)
  );
}

/** What the ingress says of a service in which nobody is. */
const EMPTY: ReadonlySet<number | undefined> = new Set([502, 503, 504]);

/** Whoever started the gateways says that none is left: the ingress is right about them. */
function judgeEnded({ facts: { http }, ended }: Refusal): Refuser | undefined {
  if (ended === undefined || !EMPTY.has(http?.status)) return undefined;
  return { code: 'CF-GATEWAY-DOWN', confidence: 'proven', because: `no gateway runs: ${ended}` };
}

export function lookOf({ seen }: Refusal, what: LookName): Seen | undefined {
  return seen.find((one) => one.what === what);
}

/** Whether an upgrade was taken there. */
export function isTaken(one: Seen | undefined): boolean {
  return one?.facts.http?.status === 101;
}

/** The ingress wrote down that we ourselves connected to it: nothing stands in front. */
export function isDirect({ facts: { localPort }, line }: Refusal): boolean {
  return localPort !== undefined && line?.client?.endsWith(`:${localPort}`) === true;
}

/** The port speaks TLS and was dialled without, or the reverse. */
function judgeScheme(refusal: Refusal): Refuser | undefined {
  const { url, facts } = refusal;
  const other = lookOf(refusal, 'other-scheme')?.facts;
  if (!other) return undefined;
  if (url.protocol === 'ws:') {
    const isTls =
      other.http?.status === 101 || (other.tls !== undefined && !facts.http && facts.errorCode !== undefined); // a port of TLS is not silent
    return isTls
      ? { code: 'CF-TLS-SCHEME', confidence: 'proven', because: 'the same port speaks TLS, and the URL says ws://' }
      : undefined;
  }
  if (other.http?.status === 101)
    return {
      code: 'CF-TLS-SCHEME',
      confidence: 'proven',
      because: 'the same port takes the socket in plaintext: no certificate is missing there, its listener has no TLS',
    };
  if (!facts.isPlaintext || !other.http) return undefined;
  // Bytes in front of the first request spoil it in plaintext as they spoil TLS.
  if (other.http.status === 400)
    return {
      code: 'CF-TRAEFIK-SCHEME',
      confidence: 'likely',
      because: 'the same port answers 400 in plaintext, whatever it is asked: something in front sends bytes first',
      remedy: TRUST_PROXY,
    };
  const because = `the same port answers HTTP ${other.http.status} in plaintext`;
  return { code: 'CF-TLS-SCHEME', confidence: 'proven', because };
}

const TRUST_PROXY =
  'entryPoints.websecure.proxyProtocol.trustedIPs in Traefik with the address of the balancer, or take send-proxy off the balancer';

/** The same socket opens at another path: this one lost a prefix, or holds it twice. */
function judgePath(refusal: Refusal): Refuser | undefined {
  const { url, facts } = refusal;
  const inner = lookOf(refusal, 'inner');
  // A gateway that takes this very path says that it is right: then no more than a prefix can be missing.
  const isRight = inner !== undefined && isTaken(inner) && inner.url.pathname === url.pathname;
  const opened = refusal.seen.find(
    (one) => one.what === 'path' && isTaken(one) && (!isRight || one.url.pathname.endsWith(url.pathname)),
  );
  if (opened) {
    const where = opened.url.pathname === url.pathname ? 'with the query of the gateway' : `at ${opened.url.pathname}`;
    return {
      code: 'CF-VIEWER-PATH',
      confidence: 'proven',
      because: `the path is ${url.pathname}; the same socket opens ${where}`,
      remedy: `Hand out ${opened.url.pathname}: noVNC's path=${opened.url.pathname.slice(1)}, built once from the public base or relative to the page`,
    };
  }
  const { http } = facts;
  // Where the gateway takes it, or the path is known and the id is not, the path is right.
  if (http?.status !== 404 || !isOfService(http) || isTaken(inner)) return undefined;
  const madeUp = lookOf(refusal, 'made-up');
  if (madeUp && withoutPath(madeUp) !== withoutPath({ url, facts })) return undefined;
  return {
    code: 'CF-VIEWER-PATH',
    confidence: 'likely',
    because: `the path is ${url.pathname}; the service behind the proxies says that it has no such path`,
  };
}

/** Status and document, whatever path they name. */
function withoutPath({ url, facts: { http } }: Pick<Seen, 'url' | 'facts'>): string {
  return `${http?.status} ${http?.body.replaceAll(url.pathname, '').replaceAll(/"requestId":\s*"[^"]*"/g, '')}`;
}

/** A document that no proxy writes by itself. */
function isOfService({ headers, body }: NonNullable<DialFacts['http']>): boolean {
  return /json/.test(headers['content-type'] ?? '') && !/unknown_id/.test(body);
}
