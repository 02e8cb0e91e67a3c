import type { Duplex } from 'node:stream';
import { acceptFor } from '../../../../src/websocket/index.ts';
import { frame } from '../../../websocket/support/frames.ts';
import type { Peer } from './peer.ts';

export interface UpgradeAnswer {
  /** Headers other than those of a right answer; an empty text leaves one out. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes in the same segment as the 101. */
  readonly head?: Buffer;
}

/** The server's side of a socket that is open. */
export interface ServerSocket extends Peer {
  /** The request's head. */
  readonly request: string;
  /** Sends bytes as they are. */
  readonly raw: (bytes: Uint8Array) => void;
  /** Sends a binary message. */
  readonly send: (rfb: Uint8Array) => void;
  /** Payloads of the client's frames, by opcode, as they come. */
  readonly onFrame: (listener: (opcode: number, payload: Buffer) => void) => void;
}

/** Reads the head of a request. */
export function readRequest(stream: Duplex, then: (request: string) => void): void {
  let text = '';
  const read = (bytes: Buffer): void => {
    text += bytes.toString('latin1');
    if (!text.includes('\r\n\r\n')) return;
    stream.off('data', read);
    then(text);
  };
  stream.on('data', read);
}

/** Answers a request for a socket with 101, right or wrong. */
export function acceptSocket(peer: Peer, then: (socket: ServerSocket) => void, answer: UpgradeAnswer = {}): void {
  const { stream } = peer;
  readRequest(stream, (request) => {
    const key = /^sec-websocket-key: (.*)\r$/im.exec(request)![1]!;
    const headers = {
      Upgrade: 'websocket',
      Connection: 'Upgrade',
      'Sec-WebSocket-Accept': acceptFor(key),
      ...(/^sec-websocket-protocol:/im.test(request) && { 'Sec-WebSocket-Protocol': 'binary' }),
      ...answer.headers,
    };
    const lines = Object.entries(headers).flatMap(([name, value]) => (value === '' ? [] : [`${name}: ${value}\r\n`]));
    const head = Buffer.from(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
    stream.write(answer.head ? Buffer.concat([head, answer.head]) : head);
    then({
      ...peer,
      request,
      raw: (bytes) => void stream.write(bytes),
      send: (rfb) => void stream.write(frame(2, rfb)),
      onFrame: (listener) => {
        const parser = clientFrames(listener);
        stream.on('data', parser);
      },
    });
  });
}

/** Whole, masked, short frames, as our client sends them. */
function clientFrames(listener: (opcode: number, payload: Buffer) => void): (bytes: Buffer) => void {
  let pending: Buffer = Buffer.alloc(0);
  return (bytes) => {
    pending = Buffer.concat([pending, bytes]);
    for (;;) {
      if (pending.length < 6) return;
      const short = pending[1]! & 0x7f;
      const size = short === 126 ? 4 : 2;
      const length = short === 126 ? pending.readUInt16BE(2) : short;
      if (pending.length < size + 4 + length) return;
      const mask = pending.subarray(size, size + 4);
      const payload = Buffer.from(pending.subarray(size + 4, size + 4 + length));
      for (let at = 0; at < payload.length; at += 1) payload[at]! ^= mask[at & 3]!;
      const opcode = pending[0]! & 0x0f;
      pending = pending.subarray(size + 4 + length);
      listener(opcode, payload);
    }
  };
}
