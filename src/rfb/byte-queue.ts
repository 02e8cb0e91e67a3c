/** Chunks shorter than this are joined as they come: held one by one they would cost a hundred times their bytes. */
const SMALL = 4_096;

/** Bytes that have arrived and are not yet a whole message. Joins chunks only when a message spans them. */
export class ByteQueue {
  #chunks: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The first byte, which a peek would have to cut out. */
  get first(): number | undefined {
    return this.#chunks[0]?.[0];
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    this.#length += chunk.length;
    if (this.#chunks.length > 1) this.#joinSmall();
  }

  /** The first `length` bytes without consuming them, or undefined when fewer have arrived. */
  peek(length: number): Buffer | undefined {
    if (this.#length < length) return undefined;
    const first = this.#chunks[0];
    if (first === undefined) return Buffer.alloc(0);
    if (first.length === length) return first;
    if (first.length > length) return first.subarray(0, length);
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined.subarray(0, length);
  }

  /** Consumes and returns the first `length` bytes, or undefined when fewer have arrived. */
  take(length: number): Buffer | undefined {
    const taken = this.peek(length);
    if (taken) this.skip(length);
    return taken;
  }

  /** Consumes all that is left. */
  takeAll(): Buffer {
    return this.take(this.#length) ?? Buffer.alloc(0);
  }

  /** Consumes up to `length` bytes without joining them, and says how many there were. */
  skip(length: number): number {
    const skipped = Math.min(length, this.#length);
    this.#length -= skipped;
    let left = skipped;
    for (let first = this.#chunks[0]; first !== undefined && left > 0; first = this.#chunks[0]) {
      if (first.length > left) {
        this.#chunks[0] = first.subarray(left);
        break;
      }
      left -= first.length;
      this.#chunks.shift();
    }
    return skipped;
  }

  /** Joins the last chunk with those before it that are no longer: each byte is copied a few times, however it comes. */
  #joinSmall(): void {
    for (;;) {
      const [before, last] = [this.#chunks.at(-2), this.#chunks.at(-1)];
      if (!before || !last || last.length >= SMALL || before.length > last.length) return;
      this.#chunks.splice(-2, 2, Buffer.concat([before, last]));
    }
  }
}
