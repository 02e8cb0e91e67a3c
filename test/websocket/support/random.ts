/** Pseudo-random numbers that a seed fixes (xorshift32): a failure names its seed and can be seen again. */
export class Random {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed | 1;
  }

  /** A whole number from 0 to below `bound`. */
  below(bound: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % bound;
  }

  /** True once in `times`. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  /** One to four changes: bytes put in, taken out, or said twice. */
  mutated(bytes: Buffer): Buffer {
    let now = Buffer.from(bytes);
    for (let changes = 1 + this.below(4); changes > 0; changes -= 1) {
      const at = this.below(now.length + 1);
      const length = 1 + this.below(12);
      const [before, part, after] = [now.subarray(0, at), now.subarray(at, at + length), now.subarray(at + length)];
      const junk = this.bytes(length);
      const turns = [
        [before, junk, after],
        [before, after],
        [before, junk, part, after],
        [before, part, part, after],
      ];
      now = Buffer.concat(this.pick(turns));
    }
    return now;
  }
}
