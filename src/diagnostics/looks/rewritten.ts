import { type Refusal, type Refuser, isTaken, lookOf } from './judge.js';

const REMEDY =
  "Take stripPrefix, addPrefix and replacePath off the socket's router, or give the gateway the path that is left: what viewers ask for must be what it knows";

/** A service knows no such path, and the gateway takes the socket at that very path: on the way it became another. */
export function judgeRewritten(refusal: Refusal): Refuser | undefined {
  const { facts, url } = refusal;
  const inner = lookOf(refusal, 'inner');
  const { http } = facts;
  if (!http || http.status !== 404 || !inner || !isTaken(inner) || inner.url.pathname !== url.pathname)
    return undefined;
  if (!http.body.trimStart().startsWith('{') || http.body.includes('unknown_id')) return undefined;
  return {
    code: 'CF-TRAEFIK-ROUTE',
    confidence: 'likely',
    because: `a service behind the ingress knows no such path; the gateway takes the same handshake at ${url.pathname}, so the path was changed on the way`,
    remedy: REMEDY,
  };
}
