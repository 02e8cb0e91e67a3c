import type { ServerResponse } from 'node:http';
import type { Clock } from '../core/index.js';
import { problemOf, sendProblem } from '../http/index.js';
import type { Door } from './admission.js';
import type { Caller } from './caller.js';
import { destroyAfter } from './destroy-after.js';
import { sessionRefused } from './events.js';
import { CALLERS_FAULT, REFUSALS, type RefusalCode } from './refusals.js';
import type { ViewerSocket } from './relay/index.js';

/** A refusal as it was decided: what is known of the attempt, and what was seen, for operators. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly session?: string;
  readonly token?: string;
  readonly saw?: string;
}

interface Told {
  readonly status: number;
  readonly code: RefusalCode;
  readonly detail: string;
  readonly requestId: string;
}

/** A gateway that is full or stopping, and an address that failed too often, may ask again after this. */
const RETRY_AFTER_S = '5';
/** A refused peer has this long to take the answer and to let go. */
const LINGER_MS = 2_000;

/** Announces a refused attempt and counts it against its address. */
export function announceRefusal(
  refusal: Refusal,
  caller: Caller,
  deps: { readonly admission: Door; readonly clock: Clock },
): void {
  const { code, ...known } = refusal;
  if (CALLERS_FAULT.has(code)) deps.admission.failed(caller.remote, deps.clock.now());
  sessionRefused.publish({ ...identity(caller), ...known, status: REFUSALS[code].status, code });
}

/** Answers a plain request. */
export function sendRefusal(response: ServerResponse, code: RefusalCode, caller: Caller): void {
  const told = tell(code, caller);
  sendProblem(response, told, extraHeaders(told));
}

/** Answers an upgrade: a whole HTTP response on the raw socket, which then closes whether or not the peer does. */
export function writeRefusal(viewer: ViewerSocket, code: RefusalCode, caller: Caller): void {
  const { socket } = viewer;
  if (socket.destroyed) return;
  const told = tell(code, caller);
  const problem = problemOf(told);
  const body = JSON.stringify(problem);
  const headers = {
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    connection: 'close',
    ...extraHeaders(told),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${problem.status} ${problem.title}\r\n${lines.join('')}\r\n${body}`);
  viewer.discard(); // what it sent and sends must neither be kept nor keep the socket open
  destroyAfter(socket, LINGER_MS);
}

/** What a log line says of who asked. */
export function identity(caller: Caller): { request: string; remote: string; wsKey?: string } {
  return {
    request: caller.requestId,
    remote: caller.remote,
    ...(caller.wsKey !== undefined && { wsKey: caller.wsKey }),
  };
}

function tell(code: RefusalCode, caller: Caller): Told {
  const { status, detail } = REFUSALS[code];
  return { status, code, detail, requestId: caller.requestId };
}

function extraHeaders({ status }: Told): Record<string, string> {
  if (status === 503 || status === 429) return { 'retry-after': RETRY_AFTER_S };
  if (status === 426) return { upgrade: 'websocket', 'sec-websocket-version': '13' };
  return status === 413 ? { connection: 'close' } : {};
}
