import { connect } from './connect.js';
import { type DialOptions, endpointOf } from './dial.js';
import type { DialFacts } from './facts.js';
import { whenAborted } from './limit.js';
import type { SocketTarget } from './look.js';

/** A request without Host: whoever reads it first must answer 400 by itself (RFC 9112 section 3.2), and asks nobody. */
const HOSTLESS = 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n';

/** Whether the first server of HTTP at a place answers at all, whatever it waits for behind it. Never throws. */
export async function answersByItself(
  target: SocketTarget,
  options: Omit<DialOptions, 'keepPicture'>,
): Promise<boolean> {
  const facts: DialFacts = { stage: 'dns' };
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  const connection = await connect({ ...options, ...endpointOf(target), signal }, facts);
  if (!connection) return false;
  const { socket } = connection;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1', 0, 5) === 'HTTP/'));
  socket.once('close', () => resolve(false));
  const release = whenAborted(signal, () => resolve(false));
  socket.write(HOSTLESS);
  const answers = await promise;
  release();
  socket.destroy();
  return answers;
}
