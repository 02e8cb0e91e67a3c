const BLOCKS = 65_536;
const SHORTEST = 2;

/**
 * Finds the first of several texts in bytes. From the two bytes that end a window it knows how far the window may move on
 * (after Wu and Manber), so that of bytes without a match only every twentieth or so is looked at.
 */
export class Needles {
  readonly #needles: readonly Buffer[];
  readonly #length: number;
  readonly #moves: Uint16Array;

  /** Texts of less than two bytes are found nowhere. */
  constructor(texts: readonly string[]) {
    this.#needles = texts.map((text) => Buffer.from(text)).filter(({ length }) => length >= SHORTEST);
    this.#length = Math.min(BLOCKS, ...this.#needles.map(({ length }) => length));
    this.#moves = new Uint16Array(BLOCKS).fill(this.#length - 1);
    for (const needle of this.#needles)
      for (let at = 1; at < this.#length; at += 1) {
        const block = (needle[at - 1]! << 8) | needle[at]!;
        this.#moves[block] = Math.min(this.#moves[block]!, this.#length - 1 - at);
      }
  }

  /** Where the next one begins; -1 when there is none. */
  find(bytes: Buffer, from: number): number {
    if (this.#needles.length === 0) return -1;
    const moves = this.#moves;
    const last = this.#length - 1;
    for (let at = from + last; at < bytes.length; ) {
      const move = moves[(bytes[at - 1]! << 8) | bytes[at]!]!;
      if (move === 0 && this.#isAt(bytes, at - last)) return at - last;
      at += move || 1;
    }
    return -1;
  }

  #isAt(bytes: Buffer, start: number): boolean {
    return this.#needles.some(
      (needle) => start + needle.length <= bytes.length && needle.compare(bytes, start, start + needle.length) === 0,
    );
  }
}
