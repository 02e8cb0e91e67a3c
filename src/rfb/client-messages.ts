import { ByteQueue } from './byte-queue.js';
import { type PixelFormat, parsePixelFormat } from './server-init.js';

/** A client's message after ClientInit (RFC 6143 section 7.5, and the extensions that noVNC and TigerVNC send). */
export type ClientMessage =
  | { readonly type: 'setPixelFormat'; readonly format: PixelFormat }
  | { readonly type: 'setEncodings'; readonly encodings: readonly number[] }
  | {
      readonly type: 'updateRequest';
      readonly incremental: boolean;
      readonly x: number;
      readonly y: number;
      readonly width: number;
      readonly height: number;
    }
  | { readonly type: 'key' }
  | { readonly type: 'pointer' }
  | { readonly type: 'continuousUpdates' }
  | { readonly type: 'fence' }
  | { readonly type: 'xvp' }
  | { readonly type: 'setDesktopSize' };

export type ClientMessageEvent =
  /** A whole message with its bytes as they came. */
  | { readonly type: 'message'; readonly message: ClientMessage; readonly bytes: Buffer }
  /** The head of a clipboard text; `length` bytes of `cutTextData` follow in pieces. */
  | { readonly type: 'cutText'; readonly length: number; readonly bytes: Buffer }
  | { readonly type: 'cutTextData'; readonly bytes: Buffer }
  /** Parsing has ended: behind an unknown message nothing can be told apart. */
  | { readonly type: 'unknown'; readonly number: number };

const SET_PIXEL_FORMAT = 0;
const SET_ENCODINGS = 2;
const UPDATE_REQUEST = 3;
const KEY = 4;
const POINTER = 5;
const CUT_TEXT = 6;
const CONTINUOUS_UPDATES = 150;
const FENCE = 248;
const XVP = 250;
const SET_DESKTOP_SIZE = 251;
const QEMU = 255;

const SET_PIXEL_FORMAT_LENGTH = 20;
const UPDATE_REQUEST_LENGTH = 10;
const CUT_TEXT_HEAD_LENGTH = 8;
/** The longest text that a 32-bit length can announce; a negative length is an extended clipboard message. */
const SIGN_BIT = 0x8000_0000;
const TWO_TO_THE_32 = 0x1_0000_0000;

/** Lengths of messages that never vary. */
const FIXED: Readonly<
  Record<number, { readonly length: number; readonly type: 'key' | 'pointer' | 'continuousUpdates' | 'xvp' }>
> = {
  [KEY]: { length: 8, type: 'key' },
  [POINTER]: { length: 6, type: 'pointer' },
  [CONTINUOUS_UPDATES]: { length: 10, type: 'continuousUpdates' },
  [XVP]: { length: 4, type: 'xvp' },
};

/**
 * Splits what a client sends into messages. Holds at most one message other than clipboard text (SetEncodings is the
 * longest, 256 KiB); clipboard text passes in pieces. Extended pointer events (bit 7 of the mask) are read only when a
 * server has announced them: construct with `extendedPointer`.
 */
export class ClientMessageParser {
  readonly #queue = new ByteQueue();
  readonly #extendedPointer: boolean;
  #textLeft = 0;
  #ended = false;

  constructor(options: { readonly extendedPointer?: boolean } = {}) {
    this.#extendedPointer = options.extendedPointer ?? false;
  }

  feed(chunk: Uint8Array): ClientMessageEvent[] {
    this.#queue.push(chunk);
    const events: ClientMessageEvent[] = [];
    while (!this.#ended) {
      const event = this.#textLeft > 0 ? this.#textPiece() : this.#next();
      if (event === undefined) break;
      events.push(event);
    }
    return events;
  }

  #textPiece(): ClientMessageEvent | undefined {
    const bytes = this.#queue.take(Math.min(this.#textLeft, this.#queue.length));
    if (!bytes || bytes.length === 0) return undefined;
    this.#textLeft -= bytes.length;
    return { type: 'cutTextData', bytes };
  }

  #next(): ClientMessageEvent | undefined {
    const number = this.#queue.first;
    if (number === undefined) return undefined;
    switch (number) {
      case SET_PIXEL_FORMAT:
        return this.#message(SET_PIXEL_FORMAT_LENGTH, (bytes) => ({
          type: 'setPixelFormat',
          format: parsePixelFormat(bytes.subarray(4)),
        }));
      case SET_ENCODINGS:
        return this.#setEncodings();
      case UPDATE_REQUEST:
        return this.#message(UPDATE_REQUEST_LENGTH, updateRequest);
      case CUT_TEXT:
        return this.#cutText();
      case FENCE:
        return this.#sized(9, 8, 1, 'fence');
      case SET_DESKTOP_SIZE:
        return this.#sized(8, 6, 16, 'setDesktopSize');
      case QEMU:
        return this.#qemu();
      case POINTER:
        return this.#pointer();
      default:
        return this.#fixed(number);
    }
  }

  #fixed(number: number): ClientMessageEvent | undefined {
    const known = FIXED[number];
    return known ? this.#message(known.length, () => ({ type: known.type })) : this.#unknown(number);
  }

  #pointer(): ClientMessageEvent | undefined {
    const head = this.#queue.peek(2);
    if (!head) return undefined;
    return this.#message(this.#extendedPointer && (head[1]! & 0x80) !== 0 ? 7 : 6, () => ({ type: 'pointer' }));
  }

  #setEncodings(): ClientMessageEvent | undefined {
    const count = this.#queue.peek(4)?.readUInt16BE(2);
    if (count === undefined) return undefined;
    return this.#message(4 + 4 * count, (bytes) => ({
      type: 'setEncodings',
      encodings: Array.from({ length: count }, (_, index) => bytes.readInt32BE(4 + 4 * index)),
    }));
  }

  /** A head of `head` bytes whose byte at `countAt` says how many items of `size` bytes follow. */
  #sized(
    head: number,
    countAt: number,
    size: number,
    type: 'fence' | 'setDesktopSize',
  ): ClientMessageEvent | undefined {
    const count = this.#queue.peek(head)?.[countAt];
    return count === undefined ? undefined : this.#message(head + count * size, () => ({ type }));
  }

  #qemu(): ClientMessageEvent | undefined {
    const submessage = this.#queue.peek(2)?.[1];
    if (submessage === undefined) return undefined;
    return submessage === 0 ? this.#message(12, () => ({ type: 'key' })) : this.#unknown(QEMU);
  }

  #cutText(): ClientMessageEvent | undefined {
    const bytes = this.#queue.take(CUT_TEXT_HEAD_LENGTH);
    if (!bytes) return undefined;
    const announced = bytes.readUInt32BE(4);
    const length = announced >= SIGN_BIT ? TWO_TO_THE_32 - announced : announced;
    this.#textLeft = length;
    return { type: 'cutText', length, bytes };
  }

  #message(length: number, parse: (bytes: Buffer) => ClientMessage): ClientMessageEvent | undefined {
    const bytes = this.#queue.take(length);
    return bytes && { type: 'message', message: parse(bytes), bytes };
  }

  #unknown(number: number): ClientMessageEvent {
    this.#ended = true;
    return { type: 'unknown', number };
  }
}

function updateRequest(bytes: Buffer): ClientMessage {
  return {
    type: 'updateRequest',
    incremental: bytes[1] !== 0,
    x: bytes.readUInt16BE(2),
    y: bytes.readUInt16BE(4),
    width: bytes.readUInt16BE(6),
    height: bytes.readUInt16BE(8),
  };
}

/** SetEncodings as bytes (RFC 6143 section 7.5.2). */
export function encodeSetEncodings(encodings: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + 4 * encodings.length);
  bytes.writeUInt8(SET_ENCODINGS, 0);
  bytes.writeUInt16BE(encodings.length, 2);
  for (const [index, encoding] of encodings.entries()) bytes.writeInt32BE(encoding, 4 + 4 * index);
  return bytes;
}

/** FramebufferUpdateRequest as bytes (RFC 6143 section 7.5.3); the area in pixels. */
export function encodeUpdateRequest(
  incremental: boolean,
  area: { x: number; y: number; width: number; height: number },
): Buffer {
  const bytes = Buffer.alloc(UPDATE_REQUEST_LENGTH);
  bytes.writeUInt8(UPDATE_REQUEST, 0);
  bytes.writeUInt8(Number(incremental), 1);
  bytes.writeUInt16BE(area.x, 2);
  bytes.writeUInt16BE(area.y, 4);
  bytes.writeUInt16BE(area.width, 6);
  bytes.writeUInt16BE(area.height, 8);
  return bytes;
}
