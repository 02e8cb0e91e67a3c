import { OPCODE } from './opcodes.js';

export type FrameEvent =
  /** A piece of a data message as it arrived; pieces come in order. */
  | { readonly type: 'data'; readonly kind: 'text' | 'binary'; readonly bytes: Buffer }
  | { readonly type: 'ping'; readonly payload: Buffer }
  | { readonly type: 'pong'; readonly payload: Buffer }
  /** Null code: a close frame without one. */
  | { readonly type: 'close'; readonly code: number | null; readonly reason: string }
  /** What a browser fails the connection for; parsing has ended. */
  | { readonly type: 'violation'; readonly reason: string };

const MAX_CONTROL_PAYLOAD = 125;
const NOTHING = Buffer.alloc(0);

/**
 * Frames from a server. Data is passed on in the pieces in which it arrives, so a frame of any length costs no memory;
 * what is held is at most one header (14 bytes) or one control payload (125 bytes).
 */
export class FrameParser {
  #pending: Buffer = NOTHING;
  #left = 0;
  #message: 'text' | 'binary' | undefined;
  #final = true;
  #ended = false;

  feed(chunk: Buffer): FrameEvent[] {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const events: FrameEvent[] = [];
    while (!this.#ended) {
      const event = this.#left > 0 ? this.#piece() : this.#frame();
      if (event === undefined) break;
      if (event !== 'more') events.push(event);
    }
    return events;
  }

  #piece(): FrameEvent | undefined {
    if (this.#pending.length === 0) return undefined;
    const bytes = this.#pending.subarray(0, this.#left);
    this.#pending = this.#pending.subarray(bytes.length);
    this.#left -= bytes.length;
    const kind = this.#message ?? 'binary';
    if (this.#left === 0 && this.#final) this.#message = undefined;
    return { type: 'data', kind, bytes };
  }

  #frame(): FrameEvent | 'more' | undefined {
    const [first, second] = this.#pending;
    if (first === undefined || second === undefined) return undefined;
    if ((first & 0x70) !== 0) return this.#violation('a reserved bit is set, and no extension was agreed on');
    if ((second & 0x80) !== 0) return this.#violation('the server masked a frame');
    const size = headerSize(second);
    if (this.#pending.length < size) return undefined;
    const length = payloadLength(this.#pending, second);
    if (length === undefined) return this.#violation('a frame of 2^53 bytes or more');
    const opcode = first & 0x0f;
    const final = (first & 0x80) !== 0;
    return opcode >= OPCODE.close
      ? this.#control(opcode, final, length, size)
      : this.#data(opcode, final, length, size);
  }

  #data(opcode: number, final: boolean, length: number, size: number): FrameEvent | 'more' {
    if (opcode === OPCODE.continuation && this.#message === undefined)
      return this.#violation('a continuation of nothing');
    if (opcode !== OPCODE.continuation && this.#message !== undefined)
      return this.#violation('a new message inside a message');
    if (opcode > OPCODE.binary) return this.#violation(`unknown opcode ${opcode}`);
    if (opcode !== OPCODE.continuation) this.#message = opcode === OPCODE.text ? 'text' : 'binary';
    this.#pending = this.#pending.subarray(size);
    this.#left = length;
    this.#final = final;
    if (length === 0 && final) this.#message = undefined;
    return 'more';
  }

  #control(opcode: number, final: boolean, length: number, size: number): FrameEvent | undefined {
    if (!final || length > MAX_CONTROL_PAYLOAD)
      return this.#violation('a control frame that is fragmented or too long');
    if (this.#pending.length < size + length) return undefined;
    const payload = Buffer.from(this.#pending.subarray(size, size + length));
    this.#pending = this.#pending.subarray(size + length);
    if (opcode === OPCODE.ping) return { type: 'ping', payload };
    if (opcode === OPCODE.pong) return { type: 'pong', payload };
    if (opcode !== OPCODE.close) return this.#violation(`unknown opcode ${opcode}`);
    if (length === 1) return this.#violation('a close frame with half a code');
    this.#ended = true;
    return { type: 'close', code: length >= 2 ? payload.readUInt16BE(0) : null, reason: payload.toString('utf8', 2) };
  }

  #violation(reason: string): FrameEvent {
    this.#ended = true;
    return { type: 'violation', reason };
  }
}

function headerSize(second: number): number {
  const short = second & 0x7f;
  return short === 126 ? 4 : short === 127 ? 10 : 2;
}

function payloadLength(bytes: Buffer, second: number): number | undefined {
  const short = second & 0x7f;
  if (short < 126) return short;
  if (short === 126) return bytes.readUInt16BE(2);
  const length = bytes.readBigUInt64BE(2);
  return length > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(length);
}
