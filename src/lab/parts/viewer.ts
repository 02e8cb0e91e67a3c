import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { ClientHandshake, ClientSession } from '../../rfb/index.js';

/** A viewer that looks on and asks for what has changed; it leaves when it is disposed. */
export interface Viewer extends AsyncDisposable {
  /** Resolves when the other side has let go of it. */
  readonly dropped: Promise<void>;
}

/** A viewer of an RFB server on loopback that has seen a whole picture. */
export async function keepLooking(port: number, signal: AbortSignal, host = '127.0.0.1'): Promise<Viewer> {
  const socket = connect({ host, port, signal });
  socket.on('error', () => {}); // `close` follows
  const dropped = once(socket, 'close').then(() => {});
  const firstPicture = watch(socket);
  await Promise.race([
    firstPicture,
    dropped.then(() => {
      throw new Error(`the RFB server on port ${port} let go of a viewer before its first picture`);
    }),
  ]);
  return {
    dropped,
    [Symbol.asyncDispose]: async () => {
      socket.destroy();
      await dropped;
    },
  };
}

/** The same, and it leaves at once. */
export async function lookOnce(port: number, signal: AbortSignal): Promise<void> {
  await using viewer = await keepLooking(port, signal);
  void viewer;
}

/** Resolves with the first whole picture; goes on asking. */
function watch(socket: Socket): Promise<void> {
  const handshake = new ClientHandshake();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let session: ClientSession | undefined;
  const read = (bytes: Buffer): void => {
    for (const event of session?.feed(bytes) ?? []) {
      if (event.type !== 'update' || !session) continue;
      resolve();
      socket.write(session.request(true));
    }
  };
  socket.on('data', (bytes: Buffer) => {
    if (session) return read(bytes);
    for (const event of handshake.feed(bytes)) {
      if (event.type === 'send') socket.write(event.bytes);
      else if (event.type === 'refused' || event.type === 'malformed' || event.type === 'noCommonSecurity')
        reject(new Error(`the RFB server ended the handshake: ${JSON.stringify(event)}`));
      else if (event.type === 'serverInit') {
        session = new ClientSession(event.init, { keepPicture: false });
        socket.write(session.start());
      }
    }
    if (session) read(handshake.takeRest());
  });
  return promise;
}

/** A viewer at a WebSocket that is open and says nothing. */
export async function watchSocket(url: string): Promise<Disposable> {
  const socket = new WebSocket(url, 'binary');
  await once(socket, 'open');
  return { [Symbol.dispose]: () => socket.close() };
}
