import { randomBytes } from 'node:crypto';
import { type Server, type Socket, createServer } from 'node:net';
import type { Clock } from '../core/index.js';
import { closeListener, listen } from '../http/index.js';
import { CardPicture } from './card-picture.js';
import { CardViewer } from './card-viewer.js';
import { cardViewer } from './events.js';

export interface CardServer extends AsyncDisposable {
  readonly port: number;
}

interface Options {
  readonly session: string;
  readonly host: string;
  readonly port: number;
  readonly password: string;
  /** A still card never changes after its first frame. */
  readonly motion: 'moving' | 'still';
  readonly clock: Clock;
}

/** Time between frames of a moving card. */
const FRAME_MS = 100;
/** Viewers at a time; the gateway shares one session among many. */
const MAX_VIEWERS = 64;

/** Starts an RFB server that shows a test card; it asks for the session's own password. */
export async function startCardServer(options: Options): Promise<CardServer> {
  const card = new CardPicture(options.clock);
  const moves = options.motion === 'moving';
  const viewers = new Set<CardViewer>();

  const server: Server = createServer({ noDelay: true }, (socket: Socket) => {
    if (viewers.size >= MAX_VIEWERS) {
      cardViewer.publish({ session: options.session, what: 'refused', why: `${MAX_VIEWERS} viewers are there` });
      socket.destroy();
      return;
    }
    if (moves && viewers.size === 0) card.advance(); // nobody watched: the last frame may be old
    const viewer = new CardViewer(socket, card, {
      name: `camofleet test card ${options.session}`,
      password: options.password,
      challenge: randomBytes(16),
      onEnd: (why) => {
        viewers.delete(viewer);
        cardViewer.publish({ session: options.session, what: 'closed', why });
      },
    });
    viewers.add(viewer);
    cardViewer.publish({ session: options.session, what: 'opened' });
  });
  const { port } = await listen(server, options.host, options.port, 'RFB port of a test card');

  const tick = (): void => {
    if (viewers.size === 0) return;
    card.advance();
    for (const viewer of viewers) viewer.cardChanged();
  };
  const timer = moves ? setInterval(tick, FRAME_MS) : undefined;

  return {
    port,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      const closed = closeListener(server);
      for (const viewer of viewers) viewer.end('the session is released');
      await closed;
    },
  };
}
