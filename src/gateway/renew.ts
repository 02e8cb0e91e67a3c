import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Result, err, ok } from '../core/index.js';
import { type TokenClaims, openToken, sealToken } from '../tokens/index.js';
import type { AttemptDeps } from './attempt.js';
import type { Caller } from './caller.js';
import { announceRefusal, sendRefusal } from './refuse.js';
import { CALLERS_FAULT, type RefusalCode } from './refusals.js';

/**
 * `POST /vnc/{sid}/token`: a new token for a page whose socket is open, so that it can come back. Everything but the
 * times stays: id, session, grant, rights, target; what was good once has been redeemed. A token that has run out
 * meanwhile is good here, and only here, as long as its socket lives, at this gateway or at another.
 */
export async function renewToken(
  sid: string,
  caller: Caller,
  request: IncomingMessage,
  response: ServerResponse,
  deps: AttemptDeps,
): Promise<void> {
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const judged = await judgeRenewal(sid, token, deps);
  if (!judged.ok) {
    const code = (await isGuessing(judged.error, caller, deps)) ? 'too_many_failures' : judged.error;
    announceRefusal({ code, session: sid }, caller, deps);
    sendRefusal(response, code, caller);
    return;
  }
  const { claims, seal } = judged.value;
  const nowSeconds = Math.floor(deps.clock.now() / 1000);
  const { once: _once, ...kept } = claims;
  const renewed = { ...kept, iat: nowSeconds, exp: nowSeconds + (claims.exp - claims.iat) };
  const body = JSON.stringify({
    token: await seal(renewed),
    expires_at: new Date(renewed.exp * 1000).toISOString(),
    rights: renewed.rights,
  });
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(body);
}

/** Whether this is one failure too many of its address; good tokens pass all the same. */
async function isGuessing(code: RefusalCode, { remote }: Caller, deps: AttemptDeps): Promise<boolean> {
  return CALLERS_FAULT.has(code) && (await deps.admission.isBlocked(remote, deps.clock.now()));
}

interface Renewable {
  readonly claims: TokenClaims;
  readonly seal: (claims: TokenClaims) => Promise<string>;
}

async function judgeRenewal(
  sid: string,
  token: string | undefined,
  deps: AttemptDeps,
): Promise<Result<Renewable, RefusalCode>> {
  if (token === undefined || !deps.keyring) return err('token_invalid');
  const keyring = await deps.keyring();
  const opened = await openToken(token, keyring, { fleetId: deps.config.fleetId, nowMs: 0 });
  if (!opened.ok || opened.value.sid !== sid) return err('token_invalid');
  const claims = opened.value;
  if (deps.control.isEnded(sid)) return err('session_ended');
  if (deps.live.revocations.isRevoked(claims)) return err('rights_revoked');
  const isOpen = (await deps.admission.holds(claims.jti)) || (await deps.control.isViewed(sid, claims.jti));
  if (!isOpen) return err(isOpen === undefined ? 'control_unreachable' : 'token_expired');
  if (deps.live.revocations.isRevoked(claims)) return err('rights_revoked'); // meanwhile
  return ok({ claims, seal: (next) => sealToken(next, keyring) });
}
