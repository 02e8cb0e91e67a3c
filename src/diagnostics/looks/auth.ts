import { type Refusal, type Refuser, lookOf } from './judge.js';

/** Statuses by which somebody asks who we are. */
const ASKING: ReadonlySet<number> = new Set([401, 403, 407]);

/** A refusal that a plain request meets as well is none of a gateway that waits for sockets; documents of ours are told apart before. */
export function judgeAuth(refusal: Refusal): Refuser | undefined {
  const { http } = refusal.facts;
  const plain = lookOf(refusal, 'plain')?.facts.http;
  if (!lookOf(refusal, 'made-up') || !http || !ASKING.has(http.status) || plain?.status !== http.status)
    return undefined;
  if (http.body !== plain.body || http.body.trimStart().startsWith('{')) return undefined;
  const asks = http.headers['www-authenticate'] === undefined ? '' : ', and asks for credentials';
  const because = `a request without an upgrade is answered ${http.status} as well${asks}: something in front of the gateway refuses`;
  return { code: 'CF-TRAEFIK-AUTH', confidence: 'likely', because };
}
