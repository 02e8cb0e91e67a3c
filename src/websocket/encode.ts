import { createHash, randomBytes } from 'node:crypto';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** A fresh Sec-WebSocket-Key: 16 random bytes in base64. */
export function newKey(): string {
  return randomBytes(16).toString('base64');
}

/** The Sec-WebSocket-Accept that a key must be answered with (RFC 6455 section 4.2.2). */
export function acceptFor(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
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
