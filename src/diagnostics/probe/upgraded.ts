import type { Socket } from 'node:net';
import { connect } from './connect.js';
import { type DialOptions, endpointOf } from './dial.js';
import type { DialFacts } from './facts.js';
import type { SocketTarget } from './look.js';
import { upgrade } from './upgrade.js';

/** A socket behind its 101, as it is: nobody reads or writes it yet. */
export interface Upgraded {
  readonly socket: Socket;
  /** What came behind the 101. */
  readonly head: Buffer;
  readonly extensions: string;
}

/** A WebSocket with the extensions that its headers offer; undefined when there was no 101. */
export async function openUpgraded(target: SocketTarget, options: DialOptions): Promise<Upgraded | undefined> {
  const facts: DialFacts = { stage: 'dns' };
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  const connection = await connect({ ...options, ...endpointOf(target), signal }, facts);
  const head = connection && (await upgrade(connection.socket, { ...target, signal }, facts));
  if (!connection || !head) return undefined;
  return { socket: connection.socket, head, extensions: facts.http?.headers['sec-websocket-extensions'] ?? '' };
}
