import { type Socket, connect } from 'node:net';
import { type Clock, type Result, err, errorText, ok } from '../core/index.js';
import { ClientHandshake, type ClientHandshakeEvent, SECURITY_NONE } from '../rfb/index.js';
import type { RefusalCode } from './refusals.js';
import type { Target } from './target.js';

/** A runner that has said yes: through SecurityResult, waiting for ClientInit, paused. */
export interface Upstream {
  readonly socket: Socket;
  /** Bytes that came behind SecurityResult. */
  readonly rest: Buffer;
  readonly dialMs: number;
  readonly greetingMs: number;
  /** RFB version of the runner, `003.008`. */
  readonly protocol: string;
}

interface Refused {
  readonly code: RefusalCode;
  readonly saw: string;
}

interface Limits {
  readonly connectTimeoutMs: number;
  readonly greetingTimeoutMs: number;
}

/** A runner whose host has vanished is asked after so long without a byte; Node then asks ten times, a second apart. */
const KEEPALIVE_MS = 15_000;

/** Dials a target and opens RFB up to SecurityResult. An abort means that the viewer has left. */
export function openUpstream(
  target: Target,
  limits: Limits,
  clock: Clock,
  signal: AbortSignal,
): Promise<Result<Upstream, Refused>> {
  return new Promise((resolve) => {
    const began = clock.monotonic();
    const handshake = new ClientHandshake({
      until: 'authenticated',
      ...(target.password !== undefined && { password: target.password }),
    });
    const socket = connect({
      host: target.host,
      port: target.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEPALIVE_MS,
    });
    let dialMs: number | undefined;
    let protocol = '';
    let timer = setTimeout(
      () => refuse('runner_timeout', `no TCP answer within ${limits.connectTimeoutMs} ms`),
      limits.connectTimeoutMs,
    );

    const settle = (result: Result<Upstream, Refused>): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('connect', onConnect).off('data', onData).off('end', onEnd).off('error', onError);
      socket.on('error', () => {}); // whoever takes the socket listens anew; a refused one is gone
      if (!result.ok) socket.destroy();
      resolve(result);
    };
    const refuse = (code: RefusalCode, saw: string): void => settle(err({ code, saw }));
    const onAbort = (): void => refuse('viewer_left', `the viewer left while we waited for ${handshake.waitingFor}`);
    const onError = (error: Error): void =>
      refuse(dialMs === undefined ? dialCode(error) : 'runner_reset', errorText(error));
    const onEnd = (): void => refuse('runner_reset', `the runner closed before ${handshake.waitingFor}`);
    const onConnect = (): void => {
      dialMs = clock.monotonic() - began;
      clearTimeout(timer);
      timer = setTimeout(
        () => refuse('greeting_timeout', `waited ${limits.greetingTimeoutMs} ms for ${handshake.waitingFor}`),
        limits.greetingTimeoutMs,
      );
    };
    const onData = (bytes: Buffer): void => {
      for (const event of handshake.feed(bytes)) {
        if (event.type === 'send') socket.write(event.bytes);
        if (event.type === 'version') protocol = event.version;
        const refusal = refusalOf(event, target);
        if (refusal) return refuse(refusal.code, refusal.saw);
        if (event.type === 'authenticated') {
          socket.pause();
          const greetingMs = clock.monotonic() - began - (dialMs ?? 0);
          return settle(ok({ socket, rest: handshake.takeRest(), dialMs: dialMs ?? 0, greetingMs, protocol }));
        }
      }
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    socket.on('connect', onConnect).on('data', onData).on('end', onEnd).on('error', onError);
  });
}

function refusalOf(event: ClientHandshakeEvent, target: Target): Refused | undefined {
  switch (event.type) {
    case 'malformed':
      return { code: 'runner_not_rfb', saw: `wanted ${event.want}, got ${event.got}` };
    case 'refused':
      return event.at === 'result'
        ? { code: wrongPassword(target), saw: `the runner refused the password: ${event.reason}` }
        : { code: 'runner_reset', saw: `the runner refused: ${event.reason}` };
    case 'noCommonSecurity':
      return { code: 'runner_auth', saw: `the runner offers security types ${event.types.join(', ')}` };
    case 'authenticated':
      // Every session has a password: whoever lets us in without asking for it is somebody else on a slot used again.
      return event.security === SECURITY_NONE && target.claims && target.password !== undefined
        ? { code: 'session_ended', saw: 'the runner did not ask for the password of this session' }
        : undefined;
    default:
      return undefined;
  }
}

/** A token's password that is refused is the password of a session that has ended; an open identity's is set wrong. */
function wrongPassword(target: Target): RefusalCode {
  return target.claims ? 'session_ended' : 'runner_auth';
}

function dialCode(error: Error): RefusalCode {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ECONNREFUSED') return 'runner_refused';
  if (code === 'ECONNRESET') return 'runner_reset';
  return code === 'ETIMEDOUT' ? 'runner_timeout' : 'runner_unreachable';
}
