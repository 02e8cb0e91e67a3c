/** A piece of an opening with a known length: it stays, or its bytes are blanked with the length kept. */
export interface Field {
  readonly length: number;
  readonly action: 'keep' | 'blank';
}

/** The fields of one direction in order; each gets its bytes as they were. When it returns, nothing more is kept. */
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
      if (this.#field?.action === 'blank') piece.fill(0);
      at += piece.length;
      this.#left -= piece.length;
    }
    return at;
  }

  /** The field that begins here. It is asked for when its first byte comes: by then the other side has spoken. */
  #advance(): void {
    const step = this.#field ? this.#fields.next(Buffer.concat(this.#read)) : this.#fields.next(NOTHING);
    this.#read = [];
    this.#isOver = step.done === true || step.value.length > MAX_FIELD;
    this.#field = step.done ? undefined : step.value;
    this.#left = this.#isOver ? 0 : (this.#field?.length ?? 0);
  }
}
