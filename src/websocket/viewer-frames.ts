import { isUtf8 } from 'node:buffer';
import { OPCODE } from './opcodes.js';
import type { Unmask } from './unmask.js';

/** What frames say beside their data. */
export type ViewerEvent =
  | { readonly type: 'ping'; readonly payload: Buffer }
  | { readonly type: 'pong' }
  /** Null code: a close frame without one. */
  | { readonly type: 'close'; readonly code: number | null; readonly reason: string }
  /** What the connection is failed for, with the close code that says so. */
  | { readonly type: 'violation'; readonly code: number; readonly reason: string };

const MAX_CONTROL_PAYLOAD = 125;
/** Two bytes, a 64-bit length, the mask. */
const MAX_HEADER = 14;
/** Shorter pieces are unmasked here: a call into the module costs more. */
const SHORT = 16;
const TOO_LONG = 'a frame of 2^53 bytes or more';
const NO_EVENTS: ViewerEvent[] = [];

/**
 * Frames of a viewer (RFC 6455 section 5), read where they lie. Payload of data frames is unmasked and moved together,
 * whatever frames and messages it came in; a frame of any length costs no memory. What is held between two reads is at
 * most one header (14 bytes) or one control payload (125 bytes). Malformed bytes are an event, never an exception.
 */
export class ViewerFrames {
  #events = NO_EVENTS;
  #left = 0;
  #key = 0;
  #isFinal = true;
  #inMessage = false;
  #ended = false;
  #header: Buffer | undefined;
  #control: { readonly opcode: number; readonly payload: Buffer; filled: number } | undefined;

  /** What came beside data in the last read; to be looked at before the next one. */
  get events(): readonly ViewerEvent[] {
    return this.#events;
  }

  /** A close frame or a violation has come: nothing is read any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Reads `memory[from, end)`; returns how many bytes of payload now lie at `to`. */
  read(memory: Uint8Array, unmask: Unmask, from: number, end: number, to: number): number {
    this.#events = NO_EVENTS;
    let at = from;
    let written = to;
    while (at < end && !this.#ended) {
      if (this.#left === 0) {
        at = this.#readHeader(memory, at, end);
        continue;
      }
      const length = Math.min(this.#left, end - at);
      if (this.#control) this.#collect(memory, at, length);
      else {
        this.#move(memory, unmask, at, written, length);
        written += length;
      }
      at += length;
    }
    return written - to;
  }

  #move(memory: Uint8Array, unmask: Unmask, from: number, to: number, length: number): void {
    if (length >= SHORT) {
      unmask(from, to, length, this.#key);
      this.#rotate(length);
    } else {
      for (let index = 0; index < length; index += 1) {
        memory[to + index] = memory[from + index]! ^ (this.#key & 0xff);
        this.#key = (this.#key >>> 8) | (this.#key << 24);
      }
    }
    this.#left -= length;
    if (this.#left === 0) this.#inMessage = !this.#isFinal;
  }

  #rotate(by: number): void {
    const bits = (by & 3) * 8;
    if (bits > 0) this.#key = (this.#key >>> bits) | (this.#key << (32 - bits));
  }

  /** Reads a header, or as much of it as has come; returns where to go on. */
  #readHeader(memory: Uint8Array, at: number, end: number): number {
    if (this.#header) return this.#joinHeader(memory, at, end);
    const size = end - at >= 2 ? headerSize(memory[at + 1]!) : MAX_HEADER;
    if (end - at < size) {
      const early = end - at >= 2 ? this.#problem(memory[at]!, memory[at + 1]!) : undefined;
      if (early) return this.#fail(early, end);
      return this.#keep(Buffer.from(memory.subarray(at, end)), end);
    }
    this.#take(memory, at, size);
    return at + size;
  }

  /** A header that was split between reads is put together beside them. */
  #joinHeader(memory: Uint8Array, at: number, end: number): number {
    let header = this.#header!;
    let from = at;
    if (header.length === 1) {
      header = Buffer.concat([header, memory.subarray(from, from + 1)]);
      from += 1;
    }
    const early = this.#problem(header[0]!, header[1]!);
    if (early) return this.#fail(early, end);
    const missing = headerSize(header[1]!) - header.length;
    const more = memory.subarray(from, Math.min(end, from + missing));
    header = more.length > 0 ? Buffer.concat([header, more]) : header;
    if (more.length < missing) return this.#keep(header, end);
    this.#header = undefined;
    this.#take(header, 0, header.length);
    return from + more.length;
  }

  /** Keeps a part of a header until the rest comes. */
  #keep(header: Buffer, end: number): number {
    this.#header = header;
    const hasLength = header.length >= 10 && (header[1]! & 0x7f) === 127;
    return hasLength && payloadLength(header, 0, 127) > Number.MAX_SAFE_INTEGER ? this.#fail(TOO_LONG, end, 1009) : end;
  }

  /** Takes a whole header. */
  #take(bytes: Uint8Array, at: number, size: number): void {
    const [first, second] = [bytes[at]!, bytes[at + 1]!];
    const problem = this.#problem(first, second);
    if (problem) return void this.#fail(problem, 0);
    const length = payloadLength(bytes, at, second & 0x7f);
    if (length > Number.MAX_SAFE_INTEGER) return void this.#fail(TOO_LONG, 0, 1009);
    const mask = at + size - 4;
    this.#key = bytes[mask]! | (bytes[mask + 1]! << 8) | (bytes[mask + 2]! << 16) | (bytes[mask + 3]! << 24);
    const opcode = first & 0x0f;
    if (opcode >= OPCODE.close) {
      this.#control = { opcode, payload: Buffer.alloc(length), filled: 0 };
      this.#left = length;
      if (length === 0) this.#endControl();
      return;
    }
    this.#isFinal = (first & 0x80) !== 0;
    this.#left = length;
    this.#inMessage = length > 0 || !this.#isFinal;
  }

  /** What is wrong with the first two bytes of a header. */
  #problem(first: number, second: number): string | undefined {
    const opcode = first & 0x0f;
    if ((first & 0x70) !== 0) return 'a reserved bit is set, and no extension was agreed on';
    if ((second & 0x80) === 0) return 'a frame of a viewer that is not masked';
    if (opcode === OPCODE.continuation) return this.#inMessage ? undefined : 'a continuation of nothing';
    if (opcode === OPCODE.text) return 'a text frame';
    if (opcode === OPCODE.binary) return this.#inMessage ? 'a new message inside a message' : undefined;
    if (opcode < OPCODE.close || opcode > OPCODE.pong) return `unknown opcode ${opcode}`;
    if ((first & 0x80) === 0 || (second & 0x7f) > MAX_CONTROL_PAYLOAD)
      return 'a control frame that is fragmented or too long';
    return opcode === OPCODE.close && (second & 0x7f) === 1 ? 'a close frame with half a code' : undefined;
  }

  #collect(memory: Uint8Array, at: number, length: number): void {
    const { payload, filled } = this.#control!;
    for (let index = 0; index < length; index += 1) {
      payload[filled + index] = memory[at + index]! ^ (this.#key & 0xff);
      this.#key = (this.#key >>> 8) | (this.#key << 24);
    }
    this.#control!.filled += length;
    this.#left -= length;
    if (this.#left === 0) this.#endControl();
  }

  #endControl(): void {
    const { opcode, payload } = this.#control!;
    this.#control = undefined;
    if (opcode === OPCODE.ping) this.#tell({ type: 'ping', payload });
    else if (opcode === OPCODE.pong) this.#tell({ type: 'pong' });
    else this.#close(payload);
  }

  #close(payload: Buffer): void {
    const code = payload.length >= 2 ? payload.readUInt16BE(0) : null;
    if (code !== null && !isCloseCode(code)) return void this.#fail(`close code ${code}`, 0);
    if (!isUtf8(payload.subarray(2))) return void this.#fail('a close reason that is not UTF-8', 0, 1007);
    this.#ended = true;
    this.#tell({ type: 'close', code, reason: payload.toString('utf8', 2) });
  }

  #fail(reason: string, end: number, code = 1002): number {
    this.#ended = true;
    this.#tell({ type: 'violation', code, reason });
    return end;
  }

  #tell(event: ViewerEvent): void {
    if (this.#events === NO_EVENTS) this.#events = [event];
    else this.#events.push(event); // a read may hold a hundred thousand
  }
}

function headerSize(second: number): number {
  const short = second & 0x7f;
  return 6 + (short === 126 ? 2 : short === 127 ? 8 : 0);
}

/** Beyond 2^53 it is not exact, and then it is refused. */
function payloadLength(bytes: Uint8Array, at: number, short: number): number {
  if (short < 126) return short;
  if (short === 126) return (bytes[at + 2]! << 8) | bytes[at + 3]!;
  let length = 0;
  for (let index = 2; index < 10; index += 1) length = length * 256 + bytes[at + index]!;
  return length;
}

/** Codes that may be on the wire (RFC 6455 section 7.4). */
function isCloseCode(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)
  );
}
