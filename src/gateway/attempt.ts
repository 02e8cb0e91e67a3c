import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Clock, type Result, err, ok } from '../core/index.js';
import type { GatewayConfig } from '../settings/index.js';
import type { Keyring } from '../tokens/index.js';
import type { Door } from './admission.js';
import { type Caller, mayOpenFrom } from './caller.js';
import type { ControlChannel } from './control-channel.js';
import type { DataPath, Handshake } from './data-path.js';
import { ENDS, type EndCause } from './ends.js';
import { sessionClosed, sessionOpened } from './events.js';
import type { LiveSessions } from './live-sessions.js';
import type { ViewerSocket } from './relay/index.js';
import { type Refusal, announceRefusal, identity, sendRefusal, writeRefusal } from './refuse.js';
import { CALLERS_FAULT, type RefusalCode } from './refusals.js';
import { type Asked, type Target, resolveTarget } from './target.js';
import { Dial, type Upstream } from './upstream.js';

export interface AttemptDeps {
  readonly config: GatewayConfig;
  readonly clock: Clock;
  readonly admission: Door;
  readonly live: LiveSessions;
  readonly control: ControlChannel;
  readonly dataPath: DataPath;
  readonly keyring: (() => Promise<Keyring>) | undefined;
  readonly isAllowed: (host: string, port: number) => boolean;
}

/** An upgrade that is being judged. */
export interface Upgrade {
  readonly viewer: ViewerSocket;
  readonly handshake: Handshake;
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

/** An upgrade: judge, dial, open RFB, and only then 101. Resolves when it is open, or refused. */
export async function answerUpgrade(asked: Asked, caller: Caller, upgrade: Upgrade, deps: AttemptDeps): Promise<void> {
  const { viewer } = upgrade;
  const judged = await judge(asked, caller, deps);
  if (!judged.ok) return refuse(judged.error, viewer, caller, deps);
  const target = judged.value;
  const place = await deps.admission.take(target.claims?.jti);
  if (typeof place === 'string') return refuse({ ...known(target), code: place }, viewer, caller, deps);
  try {
    const opened = await open(target, viewer.socket, deps);
    if (opened.ok && serve(target, caller, upgrade, opened.value, place, deps)) return;
    place();
    refuse({ ...known(target), ...(opened.ok ? { code: 'viewer_left' } : opened.error) }, viewer, caller, deps);
  } catch (bug) {
    place();
    throw bug;
  }
}

function refuse(refusal: Refusal, viewer: ViewerSocket, caller: Caller, deps: AttemptDeps): void {
  announceRefusal(refusal, caller, deps);
  writeRefusal(viewer, refusal.code, caller);
}

/**
 * Everything that can be said before dialling: who asks, from where, for what. An address that failed too often is let
 * in with a good token alone: behind one proxy or one wall, the many must not pay for one.
 */
async function judge(asked: Asked, caller: Caller, deps: AttemptDeps): Promise<Result<Target, Refusal>> {
  const now = deps.clock.now();
  const places = deps.admission.peek();
  if (places !== 'ok') return err({ code: places });
  const judged: Result<Target, Refusal> = mayOpenFrom(caller, deps.config.allowedOrigins)
    ? await resolveTarget(asked, {
        config: deps.config,
        keyring: deps.keyring,
        isAllowed: deps.isAllowed,
        isEnded: (session) => deps.control.isEnded(session),
        isRevoked: (claims) => deps.live.revocations.isRevoked(claims),
        nowMs: now,
      })
    : err({ code: 'origin_refused' });
  const isGood = judged.ok ? judged.value.claims !== undefined : !CALLERS_FAULT.has(judged.error.code);
  if (isGood || !(await deps.admission.isBlocked(caller.remote, now))) return judged;
  return err({ code: 'too_many_failures' });
}

/** Redeems the token where it is good once, then dials. */
async function open(target: Target, viewer: Socket, deps: AttemptDeps): Promise<Result<Upstream, Refusal>> {
  const unredeemed = await redeem(target, deps);
  if (unredeemed) return err({ code: unredeemed });
  const dial = new Dial(target, deps.config, deps.clock, deps.dataPath.fromRunners);
  viewer.on('close', dial.cancel).on('end', dial.cancel);
  if (viewer.destroyed || viewer.readableEnded) dial.cancel();
  const opened = await dial.result;
  viewer.off('close', dial.cancel).off('end', dial.cancel);
  if (opened.ok) return ok(opened.value);
  return err({ ...opened.error, code: await afterFailedDial(opened.error.code, target, deps) });
}

/** Answers 101 and relays; the place is given back at the end. False when the viewer has left meanwhile. */
function serve(
  target: Target,
  caller: Caller,
  { viewer, handshake }: Upgrade,
  upstream: Upstream,
  place: () => void,
  deps: AttemptDeps,
): boolean {
  const { dataPath, control, config, live } = deps;
  const options = { rights: target.rights, limits: config, whyClosed: () => whyClosed(target, control) };
  const relay = dataPath.accept(viewer, handshake, upstream, options);
  if (!relay) {
    upstream.socket.destroy();
    return false;
  }
  const leave = live.add({ session: target.session, claims: target.claims, relay });
  const who = { ...identity(caller), ...known(target) };
  sessionOpened.publish({
    ...who,
    target: `${target.host}:${target.port}`,
    dialMs: round(upstream.dialMs),
    greetingMs: round(upstream.greetingMs),
    protocol: upstream.protocol,
    rights: target.rights,
  });
  void relay.ended.then((end) => {
    leave();
    place();
    sessionClosed.publish({ ...who, ...end, by: ENDS[end.cause].by });
  });
  return true;
}

/** On a runner's FIN: what control has announced, if it has. */
async function whyClosed({ claims, session }: Target, control: ControlChannel): Promise<EndCause> {
  const fact = claims ? await control.endOf(session, ANNOUNCEMENT_MS) : undefined;
  return fact && fact.reason !== 'crashed' ? 'session_ended' : 'upstream_closed';
}

/** Redeems a token that is good once; undefined when all is well. */
async function redeem({ claims }: Target, deps: AttemptDeps): Promise<RefusalCode | undefined> {
  if (!claims?.once) return undefined;
  const redeemed = await deps.control.redeem(claims);
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
