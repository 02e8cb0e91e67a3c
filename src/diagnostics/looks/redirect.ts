import { nodeHttp } from '../../core/index.js';
import { type Refusal, type Refuser, isDirect, isTaken, lookOf } from './judge.js';

type Kind = 'secure' | 'port' | 'loop' | 'moved' | 'elsewhere';

const REMEDIES: Readonly<Record<Exclude<Kind, 'elsewhere'>, string>> = {
  secure:
    'Hand out the final URL, wss:// (noVNC: encrypt=1), and exempt the router of the socket from the redirect to https',
  port: 'port of redirectScheme in Traefik must be the public port, where that is not 443 (and forwardedHeaders.trustedIPs must name what ends TLS in front of it); or exempt the router of the socket from it',
  loop: 'entryPoints.<name>.forwardedHeaders.trustedIPs in Traefik with the address of the outer TLS terminator; applications must take X-Forwarded-Proto wss as secure',
  moved:
    'Hand out the final wss:// URL, that which the redirect points to, or exempt the router of the socket from the redirect',
};

const WORDS: Readonly<Record<Kind, string>> = {
  secure: 'the same place by TLS',
  port: 'the same place at another port',
  loop: 'the very same place, so it does not know that TLS ended in front of it',
  moved: 'another path of the same place',
  elsewhere: 'another place',
};

/** A redirect instead of 101: no browser follows it. One to elsewhere is a login. */
export function judgeRedirect(refusal: Refusal): Refuser | undefined {
  const { facts, url } = refusal;
  const { http } = facts;
  const to = lookOf(refusal, 'redirected');
  if (!http || !to) return undefined;
  const kind = kindOf(url, to.url, isTaken(to));
  const plain = lookOf(refusal, 'plain')?.facts.http;
  const opens = isTaken(to) ? ', and there the socket opens' : '';
  const because = `${http.status} to ${WORDS[kind]} (${to.url.protocol}//${to.url.host}${to.url.pathname})${opens}${onlyUpgrades(plain?.status)}`;
  if (kind === 'elsewhere') return { code: 'CF-TRAEFIK-AUTH', confidence: 'likely', because };
  const code = isOfTraefik(http) || isDirect(refusal) ? 'CF-TRAEFIK-REDIRECT' : 'CF-EDGE-REDIRECT';
  return { code, confidence: 'likely', because, remedy: REMEDIES[kind] };
}

function onlyUpgrades(status: number | undefined): string {
  return status === undefined || (status >= 300 && status < 400) ? '' : `; a plain request is answered ${status}`;
}

function kindOf(from: URL, to: URL, opens: boolean): Kind {
  if (to.hostname !== from.hostname) return 'elsewhere';
  if (!samePath(from, to)) return opens || withSlash(from, to) ? 'moved' : 'elsewhere';
  if (to.protocol !== from.protocol) return 'secure';
  if (to.port !== from.port) return 'port';
  return to.pathname === from.pathname ? 'loop' : 'moved';
}

function samePath(from: URL, to: URL): boolean {
  return to.pathname === from.pathname;
}

function withSlash(from: URL, to: URL): boolean {
  return to.pathname.replace(/\/$/, '') === from.pathname.replace(/\/$/, '');
}

/** Traefik says the bare text of the status; every other body is of another hop. A proxy in front may have put its name on it. */
export function isOfTraefik({ status, body }: NonNullable<Refusal['facts']['http']>): boolean {
  return body !== '' && body.trim() === (nodeHttp().STATUS_CODES[status] ?? '');
}
