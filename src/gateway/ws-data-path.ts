import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type ServerOptions, WebSocketServer } from 'ws';
import type { Clock } from '../core/index.js';
import type { DataPath, Relay } from './data-path.js';
import { WsRelay } from './ws-relay.js';

/** The longest message of a viewer: a clipboard text. RFB messages need not fit frames, so nothing else comes near. */
const MAX_MESSAGE_BYTES = 16_777_216;
/** What was read before an end has this long to reach a slow viewer, and the viewer to answer the close frame. */
const CLOSE_TIMEOUT_MS = 10_000;

/** `@types/ws` does not know it yet. */
interface Options extends ServerOptions {
  readonly closeTimeout: number;
}

/** The data path on `ws`: no compression (RFB is compressed already), subprotocol `binary` or none. */
export function wsDataPath(clock: Clock): DataPath {
  const options: Options = {
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    clientTracking: false,
    autoPong: false, // the relay answers, and knows when it must not
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: (offered) => (offered.has('binary') ? 'binary' : false),
  };
  const server = new WebSocketServer(options);
  return {
    accept: (request: IncomingMessage, socket, head, upstream, relayOptions) =>
      new Promise<Relay | undefined>((resolve) => {
        const onGone = (): void => resolve(undefined); // `ws` calls back only for a viewer that is still there
        socket.once('close', onGone);
        server.handleUpgrade(request, socket, head, (viewer) => {
          socket.off('close', onGone);
          resolve(new WsRelay(viewer, socket as Socket, upstream, relayOptions, clock));
        });
      }),
  };
}
