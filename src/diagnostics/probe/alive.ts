import { once } from 'node:events';
import { connect } from './connect.js';
import { type DialOptions, endpointOf } from './dial.js';
import type { DialFacts } from './facts.js';
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
  try {
    socket.write(HOSTLESS);
    const [bytes] = (await once(socket, 'data', { signal })) as [Buffer];
    return bytes.toString('latin1', 0, 5) === 'HTTP/';
  } catch {
    return false; // it ended, or nothing came in time
  } finally {
    socket.destroy();
  }
}
