import { READ_BYTES } from './workspace.js';

/** Reads that fill the buffer, one behind the other, until others have their turn: 1 MiB, half a millisecond. */
const READS_IN_A_ROW = 2;

/**
 * How long one socket is read while others wait. libuv reads on while the buffer is filled, 32 times: 16 MiB of one stream
 * would keep the pictures of all others waiting for ten milliseconds.
 */
export class Turn {
  #full = 0;

  /** `goOn`: called when the others have been served. */
  constructor(private readonly goOn: () => void) {}

  /** Whether the socket may be read on at once, behind a read of this many bytes. */
  allows(length: number): boolean {
    if (length < READ_BYTES) {
      this.#full = 0; // libuv turns to the others by itself
      return true;
    }
    this.#full += 1;
    if (this.#full < READS_IN_A_ROW) return true;
    this.#full = 0;
    setImmediate(this.goOn);
    return false;
  }
}
