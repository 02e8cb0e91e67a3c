import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Clock, type Result, err, ok } from '../core/index.js';
import type { GatewayConfig } from '../settings/index.js';
import type { Keyring } from '../tokens/index.js';
import type { Admission } from './admission.js';
import { type Caller, mayOpenFrom } from './caller.js';
import type { ControlChannel } from './control-channel.js';
import type { DataPath } from './data-path.js';
import { ENDS, type EndCause } from './ends.js';
import { sessionClosed, sessionOpened } from './events.js';
import type { LiveSessions } from './live-sessions.js';
import { type Refusal, announceRefusal, identity, sendRefusal, writeRefusal } from './refuse.js';
import { CALLERS_FAULT, type RefusalCode } from './refusals.js';
import { type Asked, type Target, resolveTarget } from './target.js';
import { type Upstream, openUpstream } from './upstream.js';

export interface AttemptDeps {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly admission: Admission;
  readonly live: LiveSessions;
  readonly control: ControlChannel;
  readonly dataPath: DataPath;
  readonly keyring: (() => Promise<Keyring>) | undefined;
  readonly isAllowed: (host: string, port: number) => boolean;
}

/** An upgrade as Node hands it over. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
}

/** On a runner's FIN or refusal, how long an announcement of control is waited for. */
const ANNOUNCEMENT_MS = 250;

/** `GET /websockify` without upgrade: what an upgrade would be told before dialling. */
export async function answerProbe(
  asked: Asked,
  caller: Caller,
  response: ServerResponse,
  deps: AttemptDeps,
): Promise<void> {
  const judged = await judge(asked, caller, deps);
  if (!judged.ok) {
    announceRefusal(judged.error, caller, deps);
    sendRefusal(response, judged.error.code, caller);
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end('{"ready":true}');
}

/** An upgrade: judge, dial, open RFB, and only then 101. Resolves when the socket has ended. */
export async function answerUpgrade(asked: Asked, caller: Caller, upgrade: Upgrade, deps: AttemptDeps): Promise<void> {
  const refuse = (refusal: Refusal): void => {
    announceRefusal(refusal, caller, deps);
    writeRefusal(upgrade.socket, refusal.code, caller);
  };
  const judged = await judge(asked, caller, deps);
  if (!judged.ok) return refuse(judged.error);
  const target = judged.value;
  const place = deps.admission.take();
  if (typeof place === 'string') return refuse({ ...known(target), code: place });
  try {
    const opened = await open(target, upgrade.socket, deps);
    if (!opened.ok) return refuse({ ...known(target), ...opened.error });
    const served = await serve(target, caller, upgrade, opened.value, deps);
    if (!served) refuse({ ...known(target), code: 'viewer_left' });
  } finally {
    place();
  }
}

/**
 * Everything that can be said before dialling: who asks, from where, for what. An address that failed too often is let
 * in with a good token alone: behind one proxy or one wall, the many must not pay for one.
 */
async function judge(asked: Asked, caller: Caller, deps: AttemptDeps): Promise<Result<Target, Refusal>> {
  const now = deps.clock.now();
  const places = deps.admission.peek();
  if (places !== 'ok') return err({ code: places });
  const blocked = deps.admission.isBlocked(caller.remote, now);
  const judged: Result<Target, Refusal> = mayOpenFrom(caller, deps.config.allowedOrigins)
    ? await resolveTarget(asked, {
        config: deps.config,
        keyring: deps.keyring,
        isAllowed: deps.isAllowed,
        isEnded: (session) => deps.control.isEnded(session),
        isRevoked: (claims) => deps.live.families.isRevoked(claims),
        nowMs: now,
      })
    : err({ code: 'origin_refused' });
  if (!blocked) return judged;
  const isGood = judged.ok ? judged.value.claims !== undefined : !CALLERS_FAULT.has(judged.error.code);
  return isGood ? judged : err({ code: 'too_many_failures' });
}

/** Redeems the token where it is good once, then dials. */
async function open(target: Target, viewer: Socket, deps: AttemptDeps): Promise<Result<Upstream, Refusal>> {
  const unredeemed = await redeem(target, deps);
  if (unredeemed) return err({ code: unredeemed });
  const gone = new AbortController();
  const onGone = (): void => gone.abort();
  if (viewer.destroyed) onGone();
  viewer.once('close', onGone);
  const opened = await openUpstream(target, deps.config, deps.clock, gone.signal);
  viewer.off('close', onGone);
  if (opened.ok) return ok(opened.value);
  return err({ ...opened.error, code: await afterFailedDial(opened.error.code, target, deps) });
}

/** Answers 101 and relays to the end; false when the viewer has left meanwhile. */
async function serve(
  target: Target,
  caller: Caller,
  { request, socket, head }: Upgrade,
  upstream: Upstream,
  deps: AttemptDeps,
): Promise<boolean> {
  const whyClosed = async (): Promise<EndCause> => {
    const fact = target.claims ? await deps.control.endOf(target.session, ANNOUNCEMENT_MS) : undefined;
    return fact && fact.reason !== 'crashed' ? 'session_ended' : 'upstream_closed';
  };
  const options = { rights: target.rights, limits: deps.config, whyClosed };
  const relay = await deps.dataPath.accept(request, socket, head, upstream, options);
  if (!relay) {
    upstream.socket.destroy();
    return false;
  }
  deps.live.add({ session: target.session, claims: target.claims, relay });
  const who = { ...identity(caller), ...known(target) };
  sessionOpened.publish({
    ...who,
    target: `${target.host}:${target.port}`,
    dialMs: round(upstream.dialMs),
    greetingMs: round(upstream.greetingMs),
    protocol: upstream.protocol,
    rights: target.rights,
  });
  const end = await relay.ended;
  sessionClosed.publish({ ...who, ...end, by: ENDS[end.cause].by });
  return true;
}

/** Redeems a token that is good once; undefined when all is well. */
async function redeem({ claims }: Target, deps: AttemptDeps): Promise<RefusalCode | undefined> {
  if (!claims?.once) return undefined;
  const redeemed = await deps.control.redeem(claims.jti, claims.exp);
  if (redeemed === undefined) return 'control_unreachable';
  return redeemed ? undefined : 'token_used';
}

/** A runner that refuses may just have released the session: control knows, and says so within its bound. */
async function afterFailedDial(code: RefusalCode, target: Target, deps: AttemptDeps): Promise<RefusalCode> {
  if (!target.claims || (code !== 'runner_refused' && code !== 'runner_reset')) return code;
  const fact = await deps.control.endOf(target.session, ANNOUNCEMENT_MS);
  return fact ? 'session_ended' : code;
}

function known({ session, token }: Target): { session: string; token?: string } {
  return { session, ...(token !== undefined && { token }) };
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
