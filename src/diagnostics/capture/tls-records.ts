const HEADER = 5;
const ALERT = 21;
const FIRST_TYPE = 20;
const LAST_TYPE = 23;
const CLEAR_ALERT = 2;
const SEALED_ALERT = 19;
/** The longest record that TLS allows, with its expansion. */
const MAX_RECORD = 16_384 + 2_048;

/**
 * One direction of TLS records (RFC 8446 section 5.1), fed its bytes in order. Where a packet begins with a record, its type
 * and length stay, and an alert in clear text; where a packet ends with a record of the size of an alert, all of it stays,
 * with nothing but the headers of records in it. That tells of a close_notify or of a refused certificate, and of nothing else.
 */
export class RecordTape {
  #header: Buffer = Buffer.alloc(0);
  #length = 0;
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

  /** Blanks what lies inside of records, in place; gives the number of bytes from the start that may be kept. */
  take(bytes: Buffer): number {
    let at = 0;
    let kept = 0;
    /** Records whose header begins in these bytes. */
    let begun = 0;
    while (at < bytes.length && !this.#isOver) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, bytes.length - at);
        const open = Math.min(this.#open, passed);
        if (kept === at) kept += open;
        bytes.fill(0, at + open, at + passed);
        this.#open -= open;
        this.#left -= passed;
        at += passed;
        continue;
      }
      if (this.#header.length === 0) begun += 1;
      const piece = bytes.subarray(at, at + HEADER - this.#header.length);
      this.#header = Buffer.concat([this.#header, piece]);
      if (this.#header.length === HEADER) this.#begin();
      if (kept === at && !this.#isOver) kept += piece.length;
      at += piece.length;
    }
    const endsWithAlert = begun > 0 && this.#left === 0 && this.#header.length === 0 && this.#length === SEALED_ALERT;
    return endsWithAlert && !this.#isOver && bytes.length > HEADER + SEALED_ALERT ? bytes.length : kept;
  }

  #begin(): void {
    const type = this.#header[0]!;
    this.#length = this.#header.readUInt16BE(HEADER - 2);
    this.#isOver = type < FIRST_TYPE || type > LAST_TYPE || this.#header[1] !== 3 || this.#length > MAX_RECORD;
    this.#left = this.#length;
    this.#open = type === ALERT && this.#length === CLEAR_ALERT ? CLEAR_ALERT : 0;
    this.#header = Buffer.alloc(0);
  }
}
