import type { FrameEvent } from '../../../src/websocket/parser.ts';

/** What a client saw: whole messages, control frames, and how it ended; text as latin1 of bytes for binary. */
export type Seen =
  | readonly ['binary' | 'text' | 'ping' | 'pong', string]
  | readonly ['close', number | null, string]
  | readonly ['violation', string];

export interface FrameShape {
  readonly final?: boolean;
  /** The three reserved bits, the first as 4. */
  readonly reserved?: number;
  readonly masked?: boolean;
  /** Bytes of the length behind the first one; absent, as few as it takes. */
  readonly lengthBytes?: 0 | 2 | 8;
}

/** One frame as a server sends it, or as one that is wrong sends it. */
export function frame(opcode: number, payload: Uint8Array, shape: FrameShape = {}): Buffer {
  const { final = true, reserved = 0, masked = false } = shape;
  const lengthBytes = shape.lengthBytes ?? (payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8);
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = (final ? 0x80 : 0) | (reserved << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (lengthBytes === 0 ? payload.length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(payload.length, 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, masked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
}

/** A close frame with a code. */
export function close(code: number, reason: string): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return frame(8, Buffer.concat([head, Buffer.from(reason)]));
}

/** Feeds a stream in pieces and joins what came of each message. */
export function see(parser: { feed(chunk: Buffer): FrameEvent[] }, bytes: Buffer, size: number): Seen[] {
  const seen: Seen[] = [];
  let pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size)
    for (const event of parser.feed(bytes.subarray(at, at + size))) {
      if (event.type === 'close') seen.push(['close', event.code, event.reason]);
      else if (event.type === 'violation') seen.push(['violation', event.reason]);
      else if (event.type !== 'data') seen.push([event.type, event.payload.toString('latin1')]);
      else {
        pieces.push(event.bytes);
        if (!event.last) continue;
        seen.push([event.kind, Buffer.concat(pieces).toString(event.kind === 'text' ? 'utf8' : 'latin1')]);
        pieces = [];
      }
    }
  return seen;
}
