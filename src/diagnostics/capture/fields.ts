/** A piece of an opening with a known length: it stays, or its bytes are blanked with the length kept. */
export interface Field {
  readonly length: number;
  readonly action: 'keep' | 'blank';
  /** What the text must look like; else it is not kept, and nothing behind it. In pieces it is blanked. */
  readonly accept?: RegExp;
  /** Told its bytes, as they were, as soon as the last has come: for what the other side's fields depend on. */
  readonly read?: (bytes: Buffer) => void;
}

/**
 * The fields of one direction in order; each gives its bytes, as they were, when the next one is asked for, which is when
 * that one's first byte comes. When it returns, nothing more is kept.
 */
export type Fields = Generator<Field, void, Buffer>;

/** A length that a peer announces is taken up to here; what claims more is cut. */
const MAX_FIELD = 4_096;
const NOTHING = Buffer.alloc(0);

/** One direction of an opening, fed its bytes in order. */
export class FieldTape {
  readonly #fields: Fields;
  #field: Field | undefined;
  #read: Buffer[] = [];
  #left = 0;
  #isOver = false;

  constructor(fields: Fields) {
    this.#fields = fields;
  }

  /** True when nothing more of this direction is kept. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Ends it: bytes are missing. */
  end(): void {
    this.#isOver = true;
  }

  /** Blanks what must not stay, in place; gives the number of bytes from the start that may be kept. */
  take(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length && !this.#isOver) {
      if (this.#left === 0) {
        this.#advance();
        continue;
      }
      const piece = bytes.subarray(at, at + this.#left);
      this.#read.push(Buffer.from(piece));
      this.#left -= piece.length;
      if (this.#left === 0 && !this.#isAccepted()) break;
      if (this.#mustBlank(piece)) piece.fill(0);
      at += piece.length;
      if (this.#left === 0) this.#field?.read?.(Buffer.concat(this.#read));
    }
    return at;
  }

  #isAccepted(): boolean {
    const accept = this.#field?.accept;
    this.#isOver = accept !== undefined && !accept.test(Buffer.concat(this.#read).toString('latin1'));
    return !this.#isOver;
  }

  #mustBlank(piece: Buffer): boolean {
    return this.#field?.action === 'blank' || (this.#field?.accept !== undefined && piece.length < this.#field.length);
  }

  /** Asks for the field that begins here. */
  #advance(): void {
    const step = this.#field ? this.#fields.next(Buffer.concat(this.#read)) : this.#fields.next(NOTHING);
    this.#read = [];
    this.#isOver = step.done === true || step.value.length > MAX_FIELD;
    this.#field = step.done ? undefined : step.value;
    this.#left = this.#isOver ? 0 : (this.#field?.length ?? 0);
  }
}
