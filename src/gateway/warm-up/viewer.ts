import { type Socket, connect } from 'node:net';
import { encodeUpdateRequest } from '../../rfb/index.js';
import { FrameParser, OPCODE, encodeFrame, newKey } from '../../websocket/index.js';

/** Pixels. */
export const SCREEN = { width: 64, height: 32 };
/** Of an update of a screen on which a little changes. */
export const UPDATE_BYTES = 8_192;

const REQUEST = encodeFrame(OPCODE.binary, encodeUpdateRequest(true, { x: 0, y: 0, ...SCREEN }));
/** Version, security type None, ClientInit, and two requests: one for each message of the gateway. */
const ANSWERS: readonly Buffer[] = [
  encodeFrame(OPCODE.binary, Buffer.from('RFB 003.008\n', 'latin1')),
  encodeFrame(OPCODE.binary, Buffer.from([1])),
  encodeFrame(OPCODE.binary, Buffer.from([1])),
  REQUEST,
  REQUEST,
];
const CLOSE = encodeFrame(OPCODE.close, Buffer.from([0x03, 0xe8])); // 1000
const END_OF_HEAD = '\r\n\r\n';
/** All viewers are read into it, in turn. */
const READ = Buffer.alloc(65_536);

/** A viewer that has seen its updates. */
export interface Viewer {
  /** Asks for so many more, each when the one before has come; resolves when all have, rejects when the gateway closes. */
  see(updates: number): Promise<void>;
  /** Resolves when the gateway has closed in turn. */
  close(): Promise<void>;
}

/** Opens a socket at a gateway on loopback, as from behind a proxy, and watches. Rejects where that goes otherwise. */
export function watch(port: number, token: string): Promise<Viewer> {
  return new Promise((resolve, reject) => {
    const frames = new FrameParser();
    let head = '';
    let messages = 0;
    let left = 0;
    let seen = (): void => {};
    const see = (updates: number): Promise<void> =>
      new Promise((all, gone) => {
        left = updates;
        seen = all;
        const leave = (): void => gone(new Error(`the gateway closed with ${left} updates to come`));
        if (socket.destroyed) return leave();
        socket.once('close', leave);
        socket.write(REQUEST);
      });
    const hear = (bytes: Buffer): void => {
      for (const { type } of frames.feed(bytes)) {
        if (type === 'close') socket.end();
        if (type !== 'data') continue;
        const answer = ANSWERS[messages];
        messages += 1;
        if (answer) socket.write(answer);
        else if (messages === ANSWERS.length + 1) resolve({ see, close: () => closeOf(socket) });
        else if (left > 1) socket.write(REQUEST);
        else seen();
        left -= 1;
      }
    };
    const read = (bytes: Buffer): void => {
      if (head.endsWith(END_OF_HEAD)) return hear(bytes);
      head += bytes.toString('latin1');
      const end = head.indexOf(END_OF_HEAD);
      if (end === -1) return;
      const rest = head.length - end - END_OF_HEAD.length;
      head = head.slice(0, end + END_OF_HEAD.length);
      hear(bytes.subarray(bytes.length - rest));
    };
    const onread = {
      buffer: READ,
      callback: (length: number): boolean => {
        read(Buffer.from(READ.subarray(0, length)));
        return true;
      },
    };
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread }, () =>
      socket.write(requestFor(port, token)),
    );
    socket.on('error', reject);
    socket.on('close', () =>
      reject(new Error(`the gateway closed behind ${JSON.stringify(head.split('\r\n', 1)[0])}`)),
    );
  });
}

function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
    if (socket.destroyed) resolve();
    else socket.write(CLOSE);
  });
}

function requestFor(port: number, token: string): string {
  const host = `127.0.0.1:${port}`;
  return [
    `GET /websockify?token=${token} HTTP/1.1`,
    `Host: ${host}`,
    'X-Forwarded-For: 192.0.2.1', // documentation, RFC 5737
    `X-Forwarded-Host: ${host}`,
    `Origin: http://${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${newKey()}`,
    `Sec-WebSocket-Protocol: binary${END_OF_HEAD}`,
  ].join('\r\n');
}
