const HEADER = 5;
const ALERT = 21;
const FIRST_TYPE = 20;
const LAST_TYPE = 23;
const CLEAR_ALERT = 2;
/** The longest record that TLS allows, with its expansion. */
const MAX_RECORD = 16_384 + 2_048;

/**
 * One direction of TLS records (RFC 8446 section 5.1), fed its bytes in order. Where a packet begins with a record, its type
 * and length stay, and an alert in clear text: they tell of a close_notify or of a refused certificate, and of nothing else.
 */
export class RecordTape {
  #header: Buffer = Buffer.alloc(0);
  /** Bytes of the record that have not come, and how many of them may still stay. */
  #left = 0;
  #open = 0;
  #isOver = false;

  /** True when these are no records any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** So many bytes are missing. Inside a record that is no loss. */
  skip(count: number): void {
    if (count > this.#left) this.#isOver = true;
    this.#left -= count;
    this.#open = 0;
  }

  /** Gives the number of bytes from the start that may be kept. */
  take(bytes: Buffer): number {
    let at = 0;
    let kept = 0;
    while (at < bytes.length && !this.#isOver) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, bytes.length - at);
        if (kept === at) kept += Math.min(this.#open, passed);
        this.#open = Math.max(0, this.#open - passed);
        this.#left -= passed;
        at += passed;
        continue;
      }
      const piece = bytes.subarray(at, at + HEADER - this.#header.length);
      this.#header = Buffer.concat([this.#header, piece]);
      if (this.#header.length === HEADER) this.#begin();
      if (kept === at && !this.#isOver) kept += piece.length;
      at += piece.length;
    }
    return kept;
  }

  #begin(): void {
    const type = this.#header[0]!;
    const length = this.#header.readUInt16BE(HEADER - 2);
    this.#isOver = type < FIRST_TYPE || type > LAST_TYPE || this.#header[1] !== 3 || length > MAX_RECORD;
    this.#left = length;
    this.#open = type === ALERT && length === CLEAR_ALERT ? CLEAR_ALERT : 0;
    this.#header = Buffer.alloc(0);
  }
}
