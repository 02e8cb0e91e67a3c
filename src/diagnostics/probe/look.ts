import { connect } from './connect.js';
import { type DialOptions, type DialTarget, endpointOf } from './dial.js';
import type { DialFacts } from './facts.js';
import { lookAt, upgrade } from './upgrade.js';

export type SocketTarget = Extract<DialTarget, { readonly kind: 'socket' }>;

/** One request to a socket's place and its answer: an upgrade that is not followed up, or the same without one. Never throws. */
export async function look(
  target: SocketTarget,
  { isUpgrade }: { readonly isUpgrade: boolean },
  options: Omit<DialOptions, 'keepPicture'>,
): Promise<DialFacts> {
  const facts: DialFacts = { stage: 'dns' };
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  const connection = await connect({ ...options, ...endpointOf(target), signal }, facts);
  if (!connection) return facts;
  const { socket } = connection;
  const asked = { ...target, signal };
  if (isUpgrade) await upgrade(socket, asked, facts);
  else await lookAt(socket, asked, facts);
  socket.destroy();
  return facts;
}
