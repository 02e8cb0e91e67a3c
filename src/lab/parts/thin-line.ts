import { once } from 'node:events';
import { type Socket, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Stage } from '../stage.js';

/** Pieces are let through so often. */
const STEP_MS = 20;

/** A line on the way to a port that carries so many bytes a second towards the viewer, of each connection. */
export async function startThinLine(
  stage: Stage,
  { to, bytesPerSecond }: { readonly to: number; readonly bytesPerSecond: number },
): Promise<number> {
  const sockets = new Set<Socket>();
  const own = (socket: Socket): Socket => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  const server = createServer({ noDelay: true }, (viewer) => {
    const far = own(connect({ host: '127.0.0.1', port: to, noDelay: true }));
    own(viewer).pipe(far);
    void trickle(far, viewer, Math.ceil((bytesPerSecond * STEP_MS) / 1_000));
  });
  const port = await stage.port();
  await once(server.listen(port, '127.0.0.1'), 'listening');
  stage.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return port;
}

async function trickle(from: Socket, to: Socket, step: number): Promise<void> {
  from.pause();
  let isEnded = false;
  from.once('end', () => (isEnded = true));
  from.once('close', () => (isEnded = true));
  from.on('readable', () => {});
  while (!to.destroyed) {
    const piece = (from.read(Math.min(step, from.readableLength)) ?? undefined) as Buffer | undefined;
    if (piece) to.write(piece);
    else if (isEnded && from.readableLength === 0) break;
    await sleep(STEP_MS);
  }
  to.end();
}
