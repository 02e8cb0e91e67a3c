import type { FieldTape } from './fields.js';

const NOTHING = Buffer.alloc(0);
const CLOSE = 8;
const LAST_OPCODE = 10;
const CLOSE_CODE_LENGTH = 2;
/** Behind the opening, headers of data frames stay only this near to the start of a packet: ping, close and small updates. */
const HEADER_WITHIN = 16;
const SMALLEST_HEADER = 2;
const MASK_LENGTH = 4;
const MAX_CONTROL_PAYLOAD = 125;

/**
 * One direction of WebSocket frames (RFC 6455 section 5), fed its bytes in order. Headers and close codes stay, the opening
 * inside the data frames stays as far as its own tape allows, every other payload byte is blanked or cut.
 */
export class FrameTape {
  /** The opening inside; undefined where the payload cannot be read, such as compressed frames. */
  readonly #inner: FieldTape | undefined;
  #header: Buffer = NOTHING;
  #opcode = 0;
  #mask: Buffer | undefined;
  #left = 0;
  #offset = 0;
  #isOver = false;
  /** Bytes are missing, so where frames begin is not known. */
  #isLost = false;

  constructor(inner: FieldTape | undefined) {
    this.#inner = inner;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** So many bytes are missing. Inside the payload of a frame that is no loss; else only a lone control frame is kept. */
  skip(count: number): void {
    const isInside = this.#left >= count;
    this.#left = isInside ? this.#left - count : 0;
    this.#offset += count;
    this.#isLost ||= !isInside;
    this.#header = NOTHING;
    this.#inner?.end();
  }

  /** Blanks in place; gives the number of bytes from the start that may be kept. */
  take(bytes: Buffer): number {
    if (this.#isLost && !isLoneControl(bytes)) return 0;
    let at = 0;
    let kept = 0;
    while (at < bytes.length && !this.#isOver) {
      if (this.#left > 0) {
        const piece = bytes.subarray(at, at + this.#left);
        const keptPiece = this.#payload(piece);
        if (keptPiece > 0) kept = at + keptPiece;
        at += piece.length;
        continue;
      }
      const began = at;
      const room = this.#headerSize() - this.#header.length;
      const piece = bytes.subarray(at, at + room);
      this.#header = Buffer.concat([this.#header, piece]);
      at += piece.length;
      if (this.#header.length >= this.#headerSize()) this.#begin();
      const isSeen = began <= HEADER_WITHIN || this.#opcode === CLOSE || this.#inner?.isOver === false;
      if (isSeen && !this.#isOver) kept = at;
    }
    return kept;
  }

  #headerSize(): number {
    const second = this.#header[1];
    if (second === undefined) return SMALLEST_HEADER;
    const short = second & 0x7f;
    const length = short === 126 ? 2 : short === 127 ? 8 : 0;
    return SMALLEST_HEADER + length + ((second & 0x80) === 0 ? 0 : MASK_LENGTH);
  }

  #begin(): void {
    const header = this.#header;
    this.#header = NOTHING;
    const [first = 0, second = 0] = header;
    const short = second & 0x7f;
    const isMasked = (second & 0x80) !== 0;
    const length =
      short < 126 ? short : short === 126 ? header.readUInt16BE(2) : Number(header.readBigUInt64BE(SMALLEST_HEADER));
    this.#opcode = first & 0x0f;
    // A reserved bit means an extension whose payload we cannot read; an unknown opcode, that these are no frames.
    this.#isOver = (first & 0x70) !== 0 || this.#opcode > LAST_OPCODE || !Number.isSafeInteger(length);
    this.#left = length;
    this.#offset = 0;
    this.#mask = isMasked ? header.subarray(header.length - MASK_LENGTH) : undefined;
  }

  /** Gives how many bytes of the piece may be kept. */
  #payload(piece: Buffer): number {
    const offset = this.#offset;
    this.#offset += piece.length;
    this.#left -= piece.length;
    if (this.#opcode < CLOSE) return this.#data(piece, offset);
    const open = this.#opcode === CLOSE ? Math.max(0, Math.min(piece.length, CLOSE_CODE_LENGTH - offset)) : 0;
    this.#blank(piece, open, offset);
    return this.#opcode === CLOSE ? piece.length : open;
  }

  #data(piece: Buffer, offset: number): number {
    if (!this.#inner || this.#inner.isOver) {
      piece.fill(0);
      return 0;
    }
    this.#unmask(piece, offset);
    const kept = this.#inner.take(piece);
    piece.fill(0, kept);
    this.#unmask(piece.subarray(0, kept), offset);
    return kept;
  }

  /** On the wire a blanked byte of a masked frame is its mask, so that a reader finds zeros. */
  #blank(piece: Buffer, from: number, offset: number): void {
    const rest = piece.subarray(from);
    rest.fill(0);
    this.#unmask(rest, offset + from);
  }

  #unmask(piece: Buffer, offset: number): void {
    if (!this.#mask) return;
    for (let index = 0; index < piece.length; index += 1) piece[index]! ^= this.#mask[(offset + index) % MASK_LENGTH]!;
  }
}

/** A whole close, ping or pong and nothing else: what a segment of pixels never is. */
function isLoneControl(bytes: Buffer): boolean {
  const [first = 0, second = 0] = bytes;
  const length = second & 0x7f;
  const header = SMALLEST_HEADER + ((second & 0x80) === 0 ? 0 : MASK_LENGTH);
  return first >= 0x88 && first <= 0x8a && length <= MAX_CONTROL_PAYLOAD && bytes.length === header + length;
}
