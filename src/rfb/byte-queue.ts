/** Bytes that have arrived and are not yet a whole message. Joins chunks only when a message spans them. */
export class ByteQueue {
  #chunks: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
    this.#length += chunk.length;
  }

  /** The first `length` bytes without consuming them, or undefined when fewer have arrived. */
  peek(length: number): Buffer | undefined {
    if (this.#length < length) return undefined;
    const first = this.#chunks[0];
    if (first === undefined) return Buffer.alloc(0);
    if (first.length >= length) return first.subarray(0, length);
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined.subarray(0, length);
  }

  /** Consumes and returns the first `length` bytes, or undefined when fewer have arrived. */
  take(length: number): Buffer | undefined {
    const taken = this.peek(length);
    if (taken) this.#drop(length);
    return taken;
  }

  /** Consumes all that is left. */
  takeAll(): Buffer {
    return this.take(this.#length) ?? Buffer.alloc(0);
  }

  #drop(length: number): void {
    this.#length -= length;
    const first = this.#chunks[0];
    if (first === undefined) return;
    if (first.length === length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(length);
  }
}
