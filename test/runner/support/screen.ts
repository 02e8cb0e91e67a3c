/** A viewer of a session on a plain socket that keeps the picture. */
import { type Socket, connect } from 'node:net';
import { ClientHandshake, ClientSession } from '../../../src/rfb/index.ts';

const WAIT_MS = 20_000;
/** x11vnc is asked for changes this often. */
const ASK_MS = 50;

interface Target {
  readonly host: string;
  readonly port: number;
  readonly password: string;
}

export interface Screen extends Disposable {
  readonly socket: Socket;
  readonly width: number;
  readonly height: number;
  /** `r,g,b` of a pixel. */
  pixel(x: number, y: number): string;
  /** How many different colours are to be seen on a grid of points. */
  colours(): number;
  /** Waits until the picture is so. */
  until(isSo: () => boolean, what: string): Promise<void>;
  readonly closed: Promise<void>;
}

/** Opens RFB with a password and draws every update; rejects with what the server said instead. */
export function openScreen({ host, port, password }: Target): Promise<Screen> {
  const socket = connect({ host, port, noDelay: true });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {}); // 'close' follows
  const handshake = new ClientHandshake({ password });
  return new Promise((resolve, reject) => {
    void closed.then(() => reject(new Error(`closed before ${handshake.waitingFor}`)));
    socket.on('data', function open(bytes: Buffer) {
      for (const event of handshake.feed(bytes)) {
        if (event.type === 'send') socket.write(event.bytes);
        if (event.type === 'refused') reject(new Error(event.reason));
        if (event.type === 'noCommonSecurity') reject(new Error('a password is wanted'));
        if (event.type === 'serverInit') {
          socket.off('data', open);
          const session = new ClientSession(event.init, { keepPicture: true });
          resolve(watch(socket, session, handshake.takeRest(), closed));
        }
      }
    });
  });
}

function watch(socket: Socket, session: ClientSession, rest: Buffer, closed: Promise<void>): Screen {
  const picture = session.picture!;
  session.feed(rest);
  socket.on('data', (bytes: Buffer) => void session.feed(bytes));
  socket.write(session.start());
  const timer = setInterval(() => socket.write(session.request(true)), ASK_MS);
  void closed.then(() => clearInterval(timer));
  const pixel = (x: number, y: number): string => {
    const at = (y * picture.width + x) * 4;
    return [...picture.pixels.subarray(at, at + 3)].join(',');
  };
  return {
    socket,
    width: picture.width,
    height: picture.height,
    pixel,
    colours: () => {
      const seen = new Set<string>();
      for (let y = 0; y < picture.height; y += 8) for (let x = 0; x < picture.width; x += 8) seen.add(pixel(x, y));
      return seen.size;
    },
    until: async (isSo, what) => {
      const until = Date.now() + WAIT_MS;
      while (!isSo()) {
        if (Date.now() > until) throw new Error(`awaited: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    closed,
    [Symbol.dispose]: () => socket.destroy(),
  };
}
