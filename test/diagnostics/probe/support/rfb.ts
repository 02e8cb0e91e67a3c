import {
  ClientMessageParser,
  type ClientMessage,
  ServerHandshake,
  type ServerSecurity,
  TRUE_COLOUR_32,
  encodeServerInit,
} from '../../../../src/rfb/index.ts';
import { raw, update } from '../../../rfb/support/server-messages.ts';
import { frame } from '../../../websocket/support/frames.ts';
import type { Peer } from './peer.ts';
import { type ServerSocket, acceptSocket } from './websocket.ts';

export const WIDTH = 8;
export const HEIGHT = 6;
/** A whole picture. */
export const FRAME = update([raw({ x: 0, y: 0, width: WIDTH, height: HEIGHT }, [10, 20, 30])]);

/** RFB in both directions, whatever carries it. */
export interface Channel {
  send(rfb: Uint8Array): void;
  onData(listener: (rfb: Buffer) => void): void;
}

export interface RfbScript {
  readonly security?: ServerSecurity;
  readonly size?: readonly [number, number];
  /** Undefined: it sends none. */
  readonly serverInit?: boolean;
  /** A close frame is not answered. */
  readonly ignoresClose?: boolean;
  /** What each message of the viewer is answered with; by default a whole picture to each request for all of it. */
  readonly onMessage?: (message: ClientMessage, channel: Channel) => void;
}

/** An RFB server that keeps to a script. */
export function serveRfb(channel: Channel, script: RfbScript = {}): void {
  const handshake = new ServerHandshake(script.security ?? { type: 'none' });
  const messages = new ClientMessageParser();
  const [width, height] = script.size ?? [WIDTH, HEIGHT];
  const answer = script.onMessage ?? answerWithFrame;
  const read = (bytes: Buffer): void => {
    for (const event of messages.feed(bytes)) if (event.type === 'message') answer(event.message, channel);
  };
  channel.onData((bytes) => {
    if (handshake.done) read(bytes);
    else
      for (const event of handshake.feed(bytes)) {
        if (event.type === 'send') channel.send(event.bytes);
        if (event.type !== 'clientInit' || script.serverInit === false) continue;
        channel.send(encodeServerInit({ width, height, format: TRUE_COLOUR_32, name: 'a peer' }));
        read(handshake.takeRest());
      }
  });
  channel.send(handshake.start());
}

export function answerWithFrame(message: ClientMessage, channel: Channel): void {
  if (message.type === 'updateRequest' && !message.incremental) channel.send(FRAME);
}

/** RFB on the bare socket. */
export function bare({ stream }: Peer): Channel {
  return { send: (rfb) => void stream.write(rfb), onData: (listener) => void stream.on('data', listener) };
}

/** RFB in the messages of a socket. */
export function framed(socket: ServerSocket): Channel {
  return {
    send: (rfb) => socket.send(rfb),
    onData: (listener) => socket.onFrame((opcode, payload) => opcode === 2 && listener(payload)),
  };
}

/** The close frame is sent back and TCP ended, as a server should. */
export function answerClose(socket: ServerSocket): void {
  socket.onFrame((opcode, payload) => {
    if (opcode !== 8) return;
    socket.raw(frame(8, payload));
    socket.stream.end();
  });
}

/** A gateway of the simplest kind: 101, then RFB. `then` gets the socket as well. */
export function gateway(script: RfbScript = {}, then: (socket: ServerSocket) => void = () => {}): (peer: Peer) => void {
  return (peer) =>
    acceptSocket(peer, (socket) => {
      serveRfb(framed(socket), script);
      if (!script.ignoresClose) answerClose(socket);
      then(socket);
    });
}
