import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Clock, type Result, err } from '../core/index.js';
import { problemOf, sendProblem } from '../http/index.js';
import type { GatewayConfig } from '../settings/index.js';
import type { Keyring } from '../tokens/index.js';
import type { Admission } from './admission.js';
import { type Caller, mayOpenFrom } from './caller.js';
import type { ControlChannel } from './control-channel.js';
import type { DataPath } from './data-path.js';
import { ENDS } from './ends.js';
import { sessionClosed, sessionOpened, sessionRefused } from './events.js';
import type { LiveSessions } from './live-sessions.js';
import { CALLERS_FAULT, REFUSALS, type RefusalCode } from './refusals.js';
import { type Asked, type Target, type TargetRefusal, resolveTarget } from './target.js';
import { openUpstream } from './upstream.js';

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

/** On a runner's FIN, how long an announcement of control is waited for. */
const ANNOUNCEMENT_MS = 250;
/** A gateway that is full or stopping is asked again after this. */
const RETRY_AFTER_S = '5';

/** Everything that can be said before dialling: who asks, from where, for what. */
async function judge(asked: Asked, caller: Caller, deps: AttemptDeps): Promise<Result<Target, TargetRefusal>> {
  const now = deps.clock.now();
  if (deps.admission.isBlocked(caller.remote, now)) return err({ code: 'too_many_failures' });
  const places = deps.admission.peek();
  if (places !== 'ok') return err({ code: places });
  if (!mayOpenFrom(caller, deps.config.allowedOrigins)) return err({ code: 'origin_refused' });
  return resolveTarget(asked, {
    config: deps.config,
    keyring: deps.keyring,
    isAllowed: deps.isAllowed,
    isEnded: (session) => deps.control.isEnded(session),
    nowMs: now,
  });
}

/** `GET /websockify` without upgrade: what an upgrade would be told before dialling. */
export async function answerProbe(
  asked: Asked,
  caller: Caller,
  response: ServerResponse,
  deps: AttemptDeps,
): Promise<void> {
  const judged = await judge(asked, caller, deps);
  if (judged.ok) {
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end('{"ready":true}');
    return;
  }
  const refusal = tellRefusal(judged.error, caller, deps);
  sendProblem(response, refusal, retryHeaders(refusal.status));
}

/** An upgrade: judge, dial, open RFB, and only then 101. */
export async function answerUpgrade(
  asked: Asked,
  caller: Caller,
  { request, socket, head }: { readonly request: IncomingMessage; readonly socket: Socket; readonly head: Buffer },
  deps: AttemptDeps,
): Promise<void> {
  const gone = new AbortController();
  const onGone = (): void => gone.abort();
  socket.once('close', onGone);
  socket.on('error', onGone);
  const refuse = (refusal: TargetRefusal & { saw?: string }): void => {
    const told = tellRefusal(refusal, caller, deps);
    writeRefusal(socket, told);
  };

  const judged = await judge(asked, caller, deps);
  if (!judged.ok) return refuse(judged.error);
  const target = judged.value;
  const known = { session: target.session, ...(target.token !== undefined && { token: target.token }) };
  const place = deps.admission.take();
  if (typeof place === 'string') return refuse({ code: place, ...known });

  const redeemed = await redeem(target, deps);
  if (redeemed) {
    place();
    return refuse({ code: redeemed, ...known });
  }
  const opened = await openUpstream(target, deps.config, deps.clock, gone.signal);
  if (!opened.ok || gone.signal.aborted) {
    place();
    if (opened.ok) opened.value.socket.destroy();
    return opened.ok
      ? undefined
      : refuse({ ...opened.error, code: await afterFailedDial(opened.error.code, target, deps), ...known });
  }
  socket.off('close', onGone);
  socket.off('error', onGone);
  const upstream = opened.value;
  const { config } = deps;
  const relay = await deps.dataPath.accept(request, socket, head, upstream, {
    rights: target.rights,
    pingIntervalMs: config.pingIntervalMs,
    readTimeoutMs: config.readTimeoutMs,
    writeTimeoutMs: config.writeTimeoutMs,
    idleTimeoutMs: config.idleTimeoutMs,
    whyClosed: async () => {
      const fact = target.claims ? await deps.control.endOf(target.session, ANNOUNCEMENT_MS) : undefined;
      return fact && fact.reason !== 'crashed' ? 'session_ended' : 'upstream_closed';
    },
  });
  deps.live.add({ session: target.session, claims: target.claims, relay });
  const who = { ...identity(caller), ...known };
  sessionOpened.publish({
    ...who,
    target: `${target.host}:${target.port}`,
    dialMs: round(upstream.dialMs),
    greetingMs: round(upstream.greetingMs),
    protocol: upstream.protocol,
    rights: target.rights,
  });
  const end = await relay.ended;
  place();
  sessionClosed.publish({ ...who, ...end, by: ENDS[end.cause].by });
}

/** Redeems a token that is good once; undefined when all is well. */
async function redeem(target: Target, deps: AttemptDeps): Promise<RefusalCode | undefined> {
  if (!target.claims?.once) return undefined;
  const redeemed = await deps.control.redeem(target.claims.jti, target.claims.exp);
  if (redeemed === undefined) return 'control_unreachable';
  return redeemed ? undefined : 'token_used';
}

/** A runner that refuses may just have released the session: control knows, and says so within its bound. */
async function afterFailedDial(code: RefusalCode, target: Target, deps: AttemptDeps): Promise<RefusalCode> {
  if (!target.claims || (code !== 'runner_refused' && code !== 'runner_reset')) return code;
  const fact = await deps.control.endOf(target.session, ANNOUNCEMENT_MS);
  return fact ? 'session_ended' : code;
}

interface Told {
  readonly status: number;
  readonly code: RefusalCode;
  readonly detail: string;
  readonly requestId: string;
}

/** Counts and announces a refusal. */
function tellRefusal(refusal: TargetRefusal & { readonly saw?: string }, caller: Caller, deps: AttemptDeps): Told {
  const { code, ...rest } = refusal;
  const { status, detail } = REFUSALS[code];
  if (CALLERS_FAULT.has(code)) deps.admission.failed(caller.remote, deps.clock.now());
  sessionRefused.publish({ ...identity(caller), ...rest, status, code });
  return { status, code, detail, requestId: caller.requestId };
}

/** Answers an upgrade with a refusal: a whole HTTP response on the raw socket. */
export function writeRefusal(socket: Socket, refusal: Told): void {
  if (socket.destroyed) return;
  const problem = problemOf(refusal);
  const body = JSON.stringify(problem);
  const headers = {
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    connection: 'close',
    ...retryHeaders(refusal.status),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${problem.title}\r\n${lines.join('')}\r\n${body}`);
  socket.resume(); // bytes that came with the upgrade must not keep the socket open
}

function retryHeaders(status: number): Record<string, string> {
  return status === 503 || status === 429 ? { 'retry-after': RETRY_AFTER_S } : {};
}

function identity(caller: Caller): { request: string; remote: string; wsKey?: string } {
  return {
    request: caller.requestId,
    remote: caller.remote,
    ...(caller.wsKey !== undefined && { wsKey: caller.wsKey }),
  };
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
