import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/** What such a relay knows of a connection. */
export interface Life {
  readonly ageMs: number;
  readonly silentMs: number;
  readonly bytes: number;
  /** Which connection this is, from 0. */
  readonly index: number;
}

const LOOK_MS = 25;

/** A proxy that passes bytes on and, when its rule says so, ends both sides at once with a FIN: as nginx and HAProxy do. */
export async function startCuttingRelay(
  to: number,
  cuts: (life: Life) => boolean,
): Promise<AsyncDisposable & { readonly port: number }> {
  const open = new Set<Socket>();
  let count = 0;
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (viewer) => {
    const upstream = connect({ port: to, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const born = performance.now();
    const index = (count += 1) - 1;
    let heard = born;
    let bytes = 0;
    const pass = (from: Socket, into: Socket): void => {
      open.add(from);
      from.on('error', () => from.destroy());
      from.on('data', (piece: Buffer) => {
        heard = performance.now();
        bytes += piece.length;
        into.write(piece);
      });
      from.on('end', () => into.end());
      from.once('close', () => {
        open.delete(from);
        into.destroy();
      });
    };
    pass(viewer, upstream);
    pass(upstream, viewer);
    const timer = setInterval(() => {
      const now = performance.now();
      if (!cuts({ ageMs: now - born, silentMs: now - heard, bytes, index })) return;
      clearInterval(timer);
      viewer.end();
      upstream.end();
    }, LOOK_MS);
    viewer.once('close', () => clearInterval(timer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
