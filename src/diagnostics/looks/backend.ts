import type { DialFacts } from '../probe/facts.js';
import { type Refusal, type Refuser, type Seen, lookOf } from './judge.js';
import { isOfTraefik } from './redirect.js';

type Http = NonNullable<DialFacts['http']>;

/** The gateway, dialled by both schemes past the ingress. */
interface Sides {
  readonly tls: DialFacts;
  readonly plain: DialFacts;
}

/** How servers of TLS answer a request in the clear. */
const OF_TLS_SERVER = /to (?:an? )?HTTPS (?:server|port)|plain HTTP request|speaking plain HTTP/i;

/** TLS is spoken to a plaintext port behind the ingress, or the reverse, or to a certificate that it does not trust. */
export function judgeBackend(refusal: Refusal): Refuser | undefined {
  const { http } = refusal.facts;
  if (!http || (http.status !== 400 && http.status < 500)) return undefined;
  const sides = sidesOf(refusal);
  if (sides?.tls.http) return toTlsPort(http, sides, refusal);
  if (sides?.plain.http) return toPlainPort(http, sides, refusal);
  if (http.status === 400 && OF_TLS_SERVER.test(http.body))
    return {
      code: 'CF-TRAEFIK-SCHEME',
      confidence: 'likely',
      because: 'a TLS server behind the ingress says that it got plaintext',
    };
  return undefined;
}

/** Undefined where nobody can look, and where the ingress leads to another port of that host. */
function sidesOf(refusal: Refusal): Sides | undefined {
  const seen = (['inner', 'inner-other-scheme'] as const).map((what) => lookOf(refusal, what));
  const tls = seen.find((one) => one?.url.protocol === 'wss:');
  const plain = seen.find((one) => one?.url.protocol === 'ws:');
  return tls && plain && !isElsewhere(tls, refusal) ? { tls: tls.facts, plain: plain.facts } : undefined;
}

function isElsewhere({ url }: Seen, { line }: Refusal): boolean {
  const address = line?.serviceAddr ?? url.host;
  return address.startsWith(`${url.hostname}:`) && address !== url.host;
}

/** The gateway speaks TLS. */
function toTlsPort(http: Http, { tls, plain }: Sides, refusal: Refusal): Refuser | undefined {
  if (tls.http?.status === http.status) return undefined; // it says the same when it is understood
  const isPassedOn = plain.http?.status === http.status;
  if (isPassedOn || (!plain.http && http.status >= 502)) {
    const saw = plain.http ? `answers ${plain.http.status}` : 'answers nothing';
    return {
      code: 'CF-TRAEFIK-SCHEME',
      confidence: isPassedOn ? 'proven' : 'likely',
      because: `the gateway speaks TLS; to plaintext it ${saw}, and the ingress says ${http.status}`,
    };
  }
  if (!failsAlways(http, refusal)) return undefined;
  const problem = tls.tls?.authorized === false ? ` (${tls.tls.problem})` : '';
  return {
    code: 'CF-TRAEFIK-SCHEME',
    confidence: 'likely',
    because: `the gateway speaks TLS, and the ingress says ${http.status} to every request at once, as it does to a certificate that it does not trust${problem}`,
    remedy:
      'serversTransport with rootCAs (or insecureSkipVerify: true) on the service of the gateway in Traefik; serverName where its certificate has another name',
  };
}

/** The gateway speaks plaintext. */
function toPlainPort(http: Http, { tls, plain }: Sides, refusal: Refusal): Refuser | undefined {
  if (tls.tls || plain.http?.status === http.status || !failsAlways(http, refusal)) return undefined;
  return {
    code: 'CF-TRAEFIK-SCHEME',
    confidence: 'likely',
    because: 'the gateway speaks plaintext and knows no TLS; the ingress says 500 to every request at once',
    remedy: 'loadBalancer.servers.url of the service in Traefik with http:// (label loadbalancer.server.scheme=http)',
  };
}

/** A plain request fails as well, so it is not the upgrade that the ingress cannot carry. */
function failsAlways(http: Http, refusal: Refusal): boolean {
  return http.status === 500 && isOfTraefik(http) && lookOf(refusal, 'plain')?.facts.http?.status === 500;
}
