import { channel } from '../core/index.js';
import type { EndCause } from './ends.js';
import type { RefusalCode } from './refusals.js';

interface Attempt {
  /** Public session id or open identity; absent while it is not known. */
  readonly session?: string;
  readonly request: string;
  /** Sec-WebSocket-Key: the id that joins client, Traefik and gateway. */
  readonly wsKey?: string;
  readonly remote: string;
  /** First 8 characters of the token's SHA-256. */
  readonly token?: string;
}

export interface SessionRefused extends Attempt {
  readonly status: number;
  readonly code: RefusalCode;
  /** What was seen, for operators; never sent to the viewer. */
  readonly saw?: string;
}

export interface SessionOpened extends Attempt {
  readonly target: string;
  readonly dialMs: number;
  readonly greetingMs: number;
  /** RFB version of the runner. */
  readonly protocol: string;
  readonly rights: 'control' | 'view';
}

export interface SessionClosed extends Attempt {
  readonly cause: EndCause;
  readonly by: string;
  readonly code: number | null;
  readonly durationMs: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly longestSilenceMs: number;
  readonly pingP99Ms: number | null;
  readonly detail?: string;
}

export const listening = channel<{ port: number; internalPort: number; identity: string }>('gateway.listening');
/** Before it listened: how many sessions the gateway opened with itself; `problem`: why it stopped early. */
export const warmedUp = channel<{ sessions: number; ms: number; problem?: string }>('gateway.warmed_up');
export const draining = channel<{ sessions: number; graceMs: number }>('gateway.draining');
export const openIdentity = channel<{ host: string; why: string }>('identity.open');
export const controlState = channel<{ connected: boolean; why: string; level: 'info' | 'warn' }>('control.state');
export const keyProblem = channel<{ problem: string }>('token.keys');
/** A bug of ours: what was thrown where nothing should throw. */
export const gatewayProblem = channel<{ request: string; problem: string }>('gateway.problem');
export const certificateRenewed = channel<{ file: string }>('certificate.renewed');
export const certificateProblem = channel<{ problem: string }>('certificate.problem');
export const workerStarted = channel<{ worker: number; pid: number }>('gateway.worker.started');
/** A worker that ended unasked; `sessions`: the sockets that ended with it. */
export const workerEnded = channel<{ worker: number; pid: number; how: string; sessions: number }>(
  'gateway.worker.ended',
);
export const sessionRefused = channel<SessionRefused>('session.refused');
export const sessionOpened = channel<SessionOpened>('session.opened');
export const sessionClosed = channel<SessionClosed>('session.closed');

export const GATEWAY_CHANNELS = [
  { channel: listening, level: 'info' },
  { channel: warmedUp, level: 'info' },
  { channel: draining, level: 'info' },
  { channel: workerStarted, level: 'info' },
  { channel: workerEnded, level: 'error' },
  { channel: openIdentity, level: 'warn' },
  { channel: controlState, level: 'info' },
  { channel: keyProblem, level: 'error' },
  { channel: gatewayProblem, level: 'error' },
  { channel: certificateRenewed, level: 'info' },
  { channel: certificateProblem, level: 'error' },
  { channel: sessionRefused, level: 'warn' },
  { channel: sessionOpened, level: 'info' },
  { channel: sessionClosed, level: 'info' },
] as const;
