import type { DialFacts } from '../probe/facts.js';
import { type Refusal, type Refuser, isDirect, isTaken, lookOf } from './judge.js';

type Http = NonNullable<DialFacts['http']>;

/** The upgrade is answered as a request without Upgrade is: somebody on the way took the header off. */
export function judgeStripped(refusal: Refusal): Refuser | undefined {
  const { http } = refusal.facts;
  if (!http || http.status >= 500) return undefined;
  const saw = `answered ${http.status}, as a plain request is`;
  const innerPlain = lookOf(refusal, 'inner-plain')?.facts.http;
  if (isTaken(lookOf(refusal, 'inner')) && innerPlain) {
    if (!isSame(http, innerPlain)) return undefined; // then it is not the gateway that answers
    const because = `${saw} at the gateway itself, which takes the upgrade when it is asked past the proxies`;
    return by(refusal, { confidence: 'proven', because });
  }
  const isAlike = isSame(http, lookOf(refusal, 'plain')?.facts.http);
  return isAlike && wantsUpgrade(http) && !isTaken(lookOf(refusal, 'path'))
    ? by(refusal, { confidence: 'likely', because: `${saw}, by a server that waits for an upgrade` })
    : undefined;
}

/** Where we are the ones who connected to the ingress, nobody stands in front of it. */
function by(refusal: Refusal, { because, ...rest }: Omit<Refuser, 'code'>): Refuser {
  if (!isDirect(refusal)) return { ...rest, because, code: 'CF-EDGE-UPGRADE' };
  return {
    code: 'CF-TRAEFIK-SWITCH',
    confidence: 'likely',
    because: `${because}; nobody stands in front of the ingress, says its access log`,
    remedy:
      'Take the headers middleware that sets Upgrade or Connection off the router of the socket (customRequestHeaders with an empty value removes them)',
  };
}

/** How websockify, which takes an upgrade at any path, says that it has no such file. */
const OF_WEBSOCKIFY = /Error code explanation: (?:HTTPStatus\.\w+|404) - /;

/** Words in which servers of sockets say that they saw no upgrade; the statuses are RFC 9110's. */
function wantsUpgrade({ status, headers, body }: Http): boolean {
  if (status === 405 || status === 426) return true;
  if (status === 404) return OF_WEBSOCKIFY.test(body);
  if (headers['sec-websocket-version'] !== undefined || /websocket/i.test(headers['upgrade'] ?? '')) return true;
  return status < 300 ? /"ready":\s*true/.test(body) : status === 400 && /upgrade|websocket/i.test(body);
}

function isSame(one: Http, other: Http | undefined): boolean {
  return other !== undefined && one.status === other.status && stable(one) === stable(other);
}

/** A body without what is of one request alone: ids, times, numbers. */
function stable({ body }: Http): string {
  return body.replaceAll(/"requestId":\s*"[^"]*"/g, '').replaceAll(/\d+/g, '0');
}
