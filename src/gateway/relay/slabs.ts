/** Room for writes that are under way. What is taken and settled at once costs nothing; what waits keeps its part. */
export class Slab {
  cursor = 0;
  #waiting = 0;

  constructor(readonly bytes: Uint8Array) {}

  get isFree(): boolean {
    return this.#waiting === 0;
  }

  room(): number {
    return this.bytes.length - this.cursor;
  }

  /** The next `length` bytes; they are the caller's until they are settled. */
  take(length: number): Uint8Array {
    const part = this.bytes.subarray(this.cursor, this.cursor + length);
    this.cursor += length;
    this.#waiting += 1;
    return part;
  }

  /** Gives a part back. The last one taken is used again at once, the others when none waits any more. */
  settle(part: Uint8Array): void {
    this.#waiting -= 1;
    if (this.#waiting === 0) this.cursor = 0;
    else if (part.byteOffset + part.length === this.bytes.byteOffset + this.cursor) this.cursor -= part.length;
  }
}

/** Slabs that all sockets of a process share: an idle socket owns none. */
export class SlabPool {
  readonly #free: Slab[] = [];
  #current: Slab | undefined;

  /** `make`: a new slab, or undefined when there shall be no more. `keep`: free slabs that are kept for later. */
  constructor(
    private readonly make: () => Uint8Array | undefined,
    private readonly keep: number,
  ) {}

  /** A slab with room for `length` bytes; undefined when there is none and none can be made. */
  withRoom(length: number): Slab | undefined {
    if (this.#current && this.#current.room() >= length) return this.#current;
    const next = this.#free.pop() ?? this.#made();
    if (next) this.#current = next;
    return next;
  }

  /** Settles a part that has waited. */
  settle(slab: Slab, part: Uint8Array): void {
    slab.settle(part);
    if (slab.isFree && slab !== this.#current && this.#free.length < this.keep) this.#free.push(slab);
  }

  #made(): Slab | undefined {
    const bytes = this.make();
    return bytes && new Slab(bytes);
  }
}
