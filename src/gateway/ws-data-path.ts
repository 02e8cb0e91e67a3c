import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import type { Clock } from '../core/index.js';
import type { DataPath } from './data-path.js';
import { WsRelay } from './ws-relay.js';

/** The longest message of a viewer: a clipboard text. RFB messages need not fit frames, so nothing else comes near. */
const MAX_MESSAGE_BYTES = 16_777_216;
/** After our close frame the viewer has this long to answer with its own. */
const CLOSE_TIMEOUT_MS = 3_000;

/** The data path on `ws`: no compression (RFB is compressed already), subprotocol `binary` or none. */
export function wsDataPath(clock: Clock): DataPath {
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    clientTracking: false,
    autoPong: true,
    closeTimeout: CLOSE_TIMEOUT_MS,
    handleProtocols: (offered) => (offered.has('binary') ? 'binary' : false),
  } as ConstructorParameters<typeof WebSocketServer>[0]);
  return {
    accept: (request: IncomingMessage, socket, head, upstream, options) =>
      new Promise((resolve) => {
        server.handleUpgrade(request, socket, head, (viewer) => {
          const relay = new WsRelay(viewer, socket as Socket, upstream, options, clock);
          relay.start();
          resolve(relay);
        });
      }),
  };
}
