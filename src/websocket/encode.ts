import { hash, randomBytes } from 'node:crypto';
import { OPCODE } from './opcodes.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A fresh Sec-WebSocket-Key: 16 random bytes in base64. */
export function newKey(): string {
  return randomBytes(16).toString('base64');
}

/** The Sec-WebSocket-Accept that a key must be answered with (RFC 6455 section 4.2.2). */
export function acceptFor(key: string): string {
  return hash('sha1', key + GUID, 'base64');
}

/** One whole frame as a client sends it: final, masked with a random key (RFC 6455 section 5.3). */
export function encodeFrame(opcode: number, payload: Uint8Array): Buffer {
  const mask = randomBytes(4);
  const head = header(opcode, payload.length);
  const frame = Buffer.allocUnsafe(head.length + 4 + payload.length);
  head.copy(frame, 0);
  mask.copy(frame, head.length);
  for (let index = 0; index < payload.length; index += 1)
    frame[head.length + 4 + index] = payload[index]! ^ mask[index & 3]!;
  return frame;
}

const FINAL = 0x80;
const MASKED = 0x80;

function header(opcode: number, length: number): Buffer {
  if (length < 126) return Buffer.from([FINAL | opcode, MASKED | length]);
  if (length < 65_536) {
    const head = Buffer.from([FINAL | opcode, MASKED | 126, 0, 0]);
    head.writeUInt16BE(length, 2);
    return head;
  }
  const head = Buffer.alloc(10);
  head[0] = FINAL | opcode;
  head[1] = MASKED | 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

/** The longest header of a frame that is not masked. */
export const MAX_SERVER_HEADER = 10;

/** How long the header of a frame of a server is. */
export function serverHeaderSize(length: number): 2 | 4 | 10 {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10;
}

/** Writes the header of a final frame as a server sends it; returns where the payload begins. */
export function writeServerHeader(into: Uint8Array, at: number, opcode: number, length: number): number {
  into[at] = FINAL | opcode;
  if (length < 126) {
    into[at + 1] = length;
    return at + 2;
  }
  if (length < 65_536) {
    into[at + 1] = 126;
    into[at + 2] = length >>> 8;
    into[at + 3] = length & 0xff;
    return at + 4;
  }
  into[at + 1] = 127;
  into.fill(0, at + 2, at + 6); // a read is far below 2^32 bytes
  for (let index = 0; index < 4; index += 1) into[at + 6 + index] = (length >>> (24 - 8 * index)) & 0xff;
  return at + 10;
}

/** One whole frame as a server sends it. */
export function encodeServerFrame(opcode: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(serverHeaderSize(payload.length) + payload.length);
  frame.set(payload, writeServerHeader(frame, 0, opcode, payload.length));
  return frame;
}

/** A close frame as a server sends it; null: without a code. */
export function encodeClose(code: number | null, reason = ''): Buffer {
  if (code === null) return encodeServerFrame(OPCODE.close, NOTHING);
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2);
  return encodeServerFrame(OPCODE.close, payload);
}

const NOTHING = new Uint8Array(0);
