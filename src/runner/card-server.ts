import { randomBytes } from 'node:crypto';
import { type Server, type Socket, createServer } from 'node:net';
import type { Clock } from '../core/index.js';
import { closeListener, listen } from '../http/index.js';
import { CARD_HEIGHT, CARD_WIDTH, drawCard, drawStamp } from '../testcard/index.js';
import { CardViewer } from './card-viewer.js';
import { cardViewer } from './events.js';

export interface CardServer extends AsyncDisposable {
  readonly port: number;
  readonly viewers: number;
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
  const pixels = drawCard();
  const card = { width: CARD_WIDTH, height: CARD_HEIGHT, pixels, frame: 1 };
  drawStamp(pixels, { frame: card.frame, epochMs: options.clock.now() });
  const viewers = new Set<CardViewer>();

  const server: Server = createServer({ noDelay: true }, (socket: Socket) => {
    if (viewers.size >= MAX_VIEWERS) {
      cardViewer.publish({ session: options.session, what: 'refused', why: `${MAX_VIEWERS} viewers are there` });
      socket.destroy();
      return;
    }
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
    card.frame += 1;
    drawStamp(pixels, { frame: card.frame, epochMs: options.clock.now() });
    for (const viewer of viewers) viewer.cardChanged();
  };
  const timer = options.motion === 'moving' ? setInterval(tick, FRAME_MS) : undefined;

  return {
    port,
    get viewers() {
      return viewers.size;
    },
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      for (const viewer of viewers) viewer.end('the session is released');
      await closeListener(server);
    },
  };
}
