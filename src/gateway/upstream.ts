import { type Socket, connect } from 'node:net';
import { type Clock, type Result, err, errorText, ok } from '../core/index.js';
import { ClientHandshake, type ClientHandshakeEvent } from '../rfb/index.js';
import type { RefusalCode } from './refusals.js';
import type { Target } from './target.js';

/** A runner that has said yes: through SecurityResult, waiting for ClientInit, paused. */
export interface Upstream {
  readonly socket: Socket;
  /** Bytes that came behind SecurityResult. */
  readonly rest: Buffer;
  readonly dialMs: number;
  readonly greetingMs: number;
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

/** Dials a target and opens RFB up to SecurityResult. An abort ends the attempt without a trace. */
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
    const socket = connect({ host: target.host, port: target.port, noDelay: true });
    let dialMs: number | undefined;
    let protocol = '';
    let timer = setTimeout(
      () => refuse('runner_timeout', `no TCP answer within ${limits.connectTimeoutMs} ms`),
      limits.connectTimeoutMs,
    );

    const settle = (result: Result<Upstream, Refused>): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.removeAllListeners();
      socket.on('error', () => {}); // whoever takes the socket listens anew; a refused one is gone
      if (!result.ok) socket.destroy();
      resolve(result);
    };
    const refuse = (code: RefusalCode, saw: string): void => settle(err({ code, saw }));
    const onAbort = (): void => refuse('runner_reset', 'the viewer left first');
    signal.addEventListener('abort', onAbort, { once: true });

    socket.once('connect', () => {
      dialMs = clock.monotonic() - began;
      clearTimeout(timer);
      timer = setTimeout(
        () => refuse('greeting_timeout', `waited ${limits.greetingTimeoutMs} ms for ${handshake.waitingFor}`),
        limits.greetingTimeoutMs,
      );
    });
    socket.on('error', (error) => refuse(dialMs === undefined ? dialCode(error) : 'runner_reset', errorText(error)));
    socket.on('end', () => refuse('runner_reset', `the runner closed before ${handshake.waitingFor}`));
    socket.on('data', (bytes: Buffer) => {
      for (const event of handshake.feed(bytes)) {
        if (event.type === 'send') socket.write(event.bytes);
        if (event.type === 'version') protocol = event.version;
        const refusal = refusalOf(event, target);
        if (refusal) {
          refuse(refusal.code, refusal.saw);
          return;
        }
        if (event.type === 'authenticated') {
          socket.pause();
          const greetingMs = clock.monotonic() - began - (dialMs ?? 0);
          settle(ok({ socket, rest: handshake.takeRest(), dialMs: dialMs ?? 0, greetingMs, protocol }));
          return;
        }
      }
    });
  });
}

function refusalOf(event: ClientHandshakeEvent, target: Target): Refused | undefined {
  switch (event.type) {
    case 'malformed':
      return { code: 'runner_not_rfb', saw: `wanted ${event.want}, got ${event.got}` };
    case 'refused':
      return event.at === 'result'
        ? authRefusal(target, event.reason)
        : { code: 'runner_reset', saw: `the runner refused: ${event.reason}` };
    case 'noCommonSecurity':
      return authRefusal(target, `the runner offers security types ${event.types.join(', ')}`);
    default:
      return undefined;
  }
}

/** A token's password that is refused is the password of a session that has ended; an open identity's is set wrong. */
function authRefusal(target: Target, saw: string): Refused {
  return { code: target.claims ? 'session_ended' : 'runner_auth', saw };
}

function dialCode(error: Error): RefusalCode {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ECONNREFUSED') return 'runner_refused';
  if (code === 'ECONNRESET') return 'runner_reset';
  return code === 'ETIMEDOUT' ? 'runner_timeout' : 'runner_unreachable';
}
