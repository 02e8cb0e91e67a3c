import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, randomId } from '../core/index.js';
import { sendProblem } from '../http/index.js';
import { type Keyring, openToken, sealToken } from '../tokens/index.js';
import type { Caller } from './caller.js';
import type { ControlChannel } from './control-channel.js';
import type { LiveSessions } from './live-sessions.js';
import { REFUSALS, type RefusalCode } from './refusals.js';

interface RenewDeps {
  readonly clock: Clock;
  readonly fleetId: string;
  readonly keyring: (() => Promise<Keyring>) | undefined;
  readonly live: LiveSessions;
  readonly control: ControlChannel;
}

/**
 * `POST /vnc/{sid}/token`: a new token for a page whose socket is open, so that it can come back. Everything but id and
 * times stays: session, grant, rights, target. A token that has run out meanwhile is good here, and only here, as long
 * as its socket lives.
 */
export async function renewToken(
  sid: string,
  caller: Caller,
  request: IncomingMessage,
  response: ServerResponse,
  deps: RenewDeps,
): Promise<void> {
  const refuse = (code: RefusalCode): void => {
    const { status, detail } = REFUSALS[code];
    sendProblem(response, { status, code, detail, requestId: caller.requestId });
  };
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined || !deps.keyring) return refuse('token_invalid');
  const keyring = await deps.keyring();
  const opened = await openToken(token, keyring, { fleetId: deps.fleetId, nowMs: 0 });
  if (!opened.ok || opened.value.sid !== sid) return refuse('token_invalid');
  const claims = opened.value;
  if (deps.control.isEnded(sid)) return refuse('session_ended');
  if (!deps.live.isOpen(sid, claims.jti)) return refuse('token_expired');
  const nowSeconds = Math.floor(deps.clock.now() / 1000);
  const { once: _once, ...kept } = claims;
  const renewed = { ...kept, jti: randomId(), iat: nowSeconds, exp: nowSeconds + (claims.exp - claims.iat) };
  const body = JSON.stringify({
    token: await sealToken(renewed, keyring),
    expires_at: new Date(renewed.exp * 1000).toISOString(),
  });
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(body);
}
