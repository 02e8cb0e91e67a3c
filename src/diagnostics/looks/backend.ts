import type { DialFacts } from '../probe/facts.js';
import { type Refusal, type Refuser, isTaken, lookOf } from './judge.js';
import { isOfTraefik } from './redirect.js';

/** How servers of TLS answer a request in the clear. */
const OF_TLS_SERVER = /to (?:an? )?HTTPS (?:server|port)|plain HTTP request|speaking plain HTTP/i;

/** TLS is spoken to a plaintext port behind the ingress, or the reverse, or to a certificate that it does not trust. */
export function judgeBackend(refusal: Refusal): Refuser | undefined {
  const { http } = refusal.facts;
  if (!http) return undefined;
  const inner = lookOf(refusal, 'inner');
  const other = lookOf(refusal, 'inner-other-scheme')?.facts;
  const isFault = http.status === 400 || http.status >= 500;
  if (inner && isTaken(inner) && other && isFault)
    return inner.url.protocol === 'wss:' ? toTlsPort(http, inner.facts, other) : toPlainPort(http, other, refusal);
  if (http.status === 400 && OF_TLS_SERVER.test(http.body))
    return {
      code: 'CF-TRAEFIK-SCHEME',
      confidence: 'likely',
      because: 'a TLS server behind the ingress says that it got plaintext',
    };
  return undefined;
}

/** The gateway speaks TLS. */
function toTlsPort(http: NonNullable<DialFacts['http']>, inner: DialFacts, plain: DialFacts): Refuser | undefined {
  const isPassedOn = plain.http?.status === http.status;
  const isBadGateway = !plain.http && http.status >= 502;
  if (isPassedOn || isBadGateway) {
    const saw = plain.http ? `answers ${plain.http.status}` : 'answers nothing';
    return {
      code: 'CF-TRAEFIK-SCHEME',
      confidence: isPassedOn ? 'proven' : 'likely',
      because: `the gateway speaks TLS; to plaintext it ${saw}, and the ingress says ${http.status}`,
    };
  }
  if (http.status < 500 || inner.tls?.authorized !== false) return undefined;
  return {
    code: 'CF-TRAEFIK-SCHEME',
    confidence: 'likely',
    because: `the gateway opens by TLS with a certificate that is not trusted (${inner.tls.problem}), and the ingress says ${http.status}`,
    remedy: `serversTransport with rootCAs (or insecureSkipVerify: true) on the service of the gateway in Traefik; serverName where its certificate has another name`,
  };
}

/** The gateway speaks plaintext; a plain request fails as well, so it is not the upgrade that the ingress cannot carry. */
function toPlainPort(http: NonNullable<DialFacts['http']>, other: DialFacts, refusal: Refusal): Refuser | undefined {
  const plain = lookOf(refusal, 'plain')?.facts.http;
  if (other.tls || http.status !== 500 || !isOfTraefik(http) || plain?.status !== 500) return undefined;
  return {
    code: 'CF-TRAEFIK-SCHEME',
    confidence: 'likely',
    because: 'the gateway opens in plaintext and knows no TLS; the ingress says 500 to every request at once',
    remedy: 'loadBalancer.servers.url of the service in Traefik with http:// (label loadbalancer.server.scheme=http)',
  };
}
