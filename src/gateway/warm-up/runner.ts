import { randomBytes } from 'node:crypto';
import { type Socket, createServer } from 'node:net';
import { closeListener, listen } from '../../http/index.js';
import { ServerHandshake, type ServerSecurity, TRUE_COLOUR_32, encodeServerInit } from '../../rfb/index.js';
import { adoptInto } from '../relay/internals.js';
import { SCREEN, UPDATE_BYTES } from './viewer.js';

const SERVER_INIT = encodeServerInit({ ...SCREEN, format: TRUE_COLOUR_32, name: 'warm-up' });
/** All viewers are read into it, in turn, as the gateway reads its own. */
const READ = Buffer.alloc(4_096);
const adopt = adoptInto(READ);
const UPDATE = Buffer.alloc(UPDATE_BYTES);

/** An RFB server on loopback that sends an update for whatever comes behind ClientInit. */
export async function startRunner(password: string | undefined): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, password);
  });
  const { port } = await listen(server, '127.0.0.1', 0, 'warm-up', { exclusive: true });
  return {
    port,
    [Symbol.asyncDispose]: () => {
      for (const socket of sockets) socket.destroy();
      return closeListener(server);
    },
  };
}

function serve(socket: Socket, password: string | undefined): void {
  const security: ServerSecurity =
    password === undefined ? { type: 'none' } : { type: 'vnc', password, challenge: randomBytes(16) };
  const handshake = new ServerHandshake(security);
  socket.on('error', () => socket.destroy());
  const hear = (bytes: Buffer): void => {
    if (handshake.done) {
      socket.write(UPDATE);
      return;
    }
    for (const event of handshake.feed(bytes)) {
      if (event.type === 'send') socket.write(event.bytes);
      if (event.type === 'clientInit') socket.write(SERVER_INIT);
    }
  };
  const isAdopted = adopt(socket, (length) => {
    hear(Buffer.from(READ.subarray(0, length)));
    return true;
  });
  if (isAdopted) socket.resume();
  else socket.on('data', hear);
  socket.write(handshake.start());
}
