import { isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { OPCODE } from './opcodes.js';

export type FrameEvent =
  /** A piece of a data message as it arrived; pieces come in order. `last`: the message ends with it. */
  | { readonly type: 'data'; readonly kind: 'text' | 'binary'; readonly bytes: Buffer; readonly last: boolean }
  | { readonly type: 'ping'; readonly payload: Buffer }
  | { readonly type: 'pong'; readonly payload: Buffer }
  /** The server closes; parsing has ended. Null code: a close frame without one. */
  | { readonly type: 'close'; readonly code: number | null; readonly reason: string }
  /** What a browser fails the connection for; parsing has ended. */
  | { readonly type: 'violation'; readonly reason: string };

const MAX_CONTROL_PAYLOAD = 125;
const NOTHING = Buffer.alloc(0);
const KNOWN_OPCODES: ReadonlySet<number> = new Set(Object.values(OPCODE));

interface Message {
  readonly kind: 'text' | 'binary';
  /** Checks text piece by piece, characters that are cut included. */
  readonly utf8: TextDecoder | undefined;
}

/**
 * Frames from a server. Data is passed on in the pieces in which it arrives, so a frame of any length costs no memory;
 * what is held is at most one header (10 bytes) and one control payload (125 bytes).
 */
export class FrameParser {
  #pending: Buffer = NOTHING;
  #left = 0;
  #message: Message | undefined;
  #final = true;
  #ended = false;

  feed(chunk: Buffer): FrameEvent[] {
    const events: FrameEvent[] = [];
    if (!this.#ended) this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (!this.#ended) {
      const event = this.#left > 0 ? this.#piece(this.#left) : this.#frame();
      if (event === undefined) break;
      if (event !== 'more') events.push(event);
    }
    if (this.#ended) this.#pending = NOTHING;
    return events;
  }

  #frame(): FrameEvent | 'more' | undefined {
    const [first, second] = this.#pending;
    if (first === undefined || second === undefined) return undefined;
    const flaw = flawOf(first, second, this.#message !== undefined);
    if (flaw !== undefined) return this.#violation(flaw);
    const size = headerSize(second);
    if (this.#pending.length < size) return undefined;
    const length = payloadLength(this.#pending, size);
    if (length === undefined)
      return this.#violation('the length of a frame is not in its shortest form, or 2^53 or more');
    const opcode = first & 0x0f;
    return opcode >= OPCODE.close ? this.#control(opcode, size, length) : this.#data(first, size, length);
  }

  #data(first: number, size: number, length: number): FrameEvent | 'more' {
    this.#message ??=
      (first & 0x0f) === OPCODE.text
        ? { kind: 'text', utf8: new TextDecoder('utf-8', { fatal: true }) }
        : { kind: 'binary', utf8: undefined };
    this.#final = (first & 0x80) !== 0;
    this.#left = length;
    this.#pending = this.#pending.subarray(size);
    return length === 0 && this.#final ? this.#pieceOf(this.#message, NOTHING) : 'more';
  }

  #piece(left: number): FrameEvent | undefined {
    if (this.#pending.length === 0 || !this.#message) return undefined;
    const bytes = this.#pending.subarray(0, left);
    this.#pending = this.#pending.subarray(bytes.length);
    this.#left -= bytes.length;
    return this.#pieceOf(this.#message, bytes);
  }

  #pieceOf({ kind, utf8 }: Message, bytes: Buffer): FrameEvent {
    const last = this.#left === 0 && this.#final;
    if (last) this.#message = undefined;
    if (utf8 && !continuesText(utf8, bytes, last)) return this.#violation('a text message that is no UTF-8');
    return { type: 'data', kind, bytes, last };
  }

  #control(opcode: number, size: number, length: number): FrameEvent | undefined {
    if (this.#pending.length < size + length) return undefined;
    const payload = Buffer.from(this.#pending.subarray(size, size + length));
    this.#pending = this.#pending.subarray(size + length);
    if (opcode === OPCODE.ping) return { type: 'ping', payload };
    if (opcode === OPCODE.pong) return { type: 'pong', payload };
    return this.#close(payload);
  }

  #close(payload: Buffer): FrameEvent {
    if (payload.length === 0) {
      this.#ended = true;
      return { type: 'close', code: null, reason: '' };
    }
    const code = payload.readUInt16BE(0);
    if (!mayBeSent(code)) return this.#violation(`a close frame with code ${code}, which no peer may send`);
    if (!isUtf8(payload.subarray(2))) return this.#violation('a close frame with a reason that is no UTF-8');
    this.#ended = true;
    return { type: 'close', code, reason: payload.toString('utf8', 2) };
  }

  #violation(reason: string): FrameEvent {
    this.#ended = true;
    return { type: 'violation', reason };
  }
}

/** What the first two bytes of a frame say that a client must not accept (RFC 6455 section 5). */
function flawOf(first: number, second: number, inMessage: boolean): string | undefined {
  const opcode = first & 0x0f;
  if ((first & 0x70) !== 0) return 'a reserved bit is set, and no extension was agreed on';
  if ((second & 0x80) !== 0) return 'the server masked a frame';
  if (!KNOWN_OPCODES.has(opcode)) return `unknown opcode ${opcode}`;
  if (opcode >= OPCODE.close) return controlFlawOf(opcode, first, second & 0x7f);
  if (opcode === OPCODE.continuation) return inMessage ? undefined : 'a continuation of nothing';
  return inMessage ? 'a new message inside a message' : undefined;
}

function controlFlawOf(opcode: number, first: number, length: number): string | undefined {
  if ((first & 0x80) === 0) return 'a control frame that is fragmented';
  if (length > MAX_CONTROL_PAYLOAD) return `a control frame of more than ${MAX_CONTROL_PAYLOAD} bytes`;
  return opcode === OPCODE.close && length === 1 ? 'a close frame with half a code' : undefined;
}

function headerSize(second: number): number {
  const short = second & 0x7f;
  return short === 126 ? 4 : short === 127 ? 10 : 2;
}

/** Undefined for a length that is not in its shortest form, and for one that no number here can hold. */
function payloadLength(bytes: Buffer, size: number): number | undefined {
  if (size === 2) return bytes[1]! & 0x7f;
  const length = size === 4 ? bytes.readUInt16BE(2) : bytes.readBigUInt64BE(2);
  const shortest = size === 4 ? 126 : 65_536;
  return length < shortest || length > Number.MAX_SAFE_INTEGER ? undefined : Number(length);
}

/** The codes of RFC 6455 section 7.4 and of the IANA registry that may stand in a frame. */
function mayBeSent(code: number): boolean {
  const isDefined = code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
  return isDefined || (code >= 3000 && code <= 4999);
}

function continuesText(utf8: TextDecoder, bytes: Buffer, last: boolean): boolean {
  try {
    utf8.decode(bytes, { stream: !last });
    return true;
  } catch {
    return false; // this is how a fatal decoder says it
  }
}
