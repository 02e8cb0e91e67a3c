import type { Duplex } from 'node:stream';

/** Destroys a socket that has not closed by itself within `ms`. A socket that has closed is not held on to. */
export function destroyAfter(socket: Duplex, ms: number): void {
  if (socket.closed) return;
  const timer = setTimeout(() => socket.destroy(), ms).unref();
  socket.once('close', () => clearTimeout(timer));
}
