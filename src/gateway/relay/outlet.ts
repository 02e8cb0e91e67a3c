import type { Socket } from 'node:net';
import { bytesQueued, writeThrough } from './internals.js';
import type { Slab, SlabPool } from './slabs.js';

interface Part {
  readonly slab: Slab | undefined;
  readonly bytes: Uint8Array;
}

/**
 * TLS takes what is written a record at a time, so that something always waits: a source is read on until this much
 * does. On a bare socket what waits means that the other side is behind.
 */
const TLS_AHEAD_BYTES = 524_288;

const NOTHING = new Uint8Array(0);

/** Writes to one socket: what lies in a slab keeps its place until it has left. Tells when something waits. */
export class Outlet {
  readonly #parts: Part[] = [];
  readonly #isTls: boolean;
  #isWaiting = false;
  /** When this was looked at last: bytes of the write that is under way, and whether one has left since. */
  #queued = 0;
  #hasLeft = false;

  constructor(
    readonly socket: Socket,
    private readonly pool: SlabPool,
    private readonly onFlow: (isWaiting: boolean) => void,
  ) {
    this.#isTls = 'encrypted' in socket;
  }

  /** Whether something waits outside the kernel. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Whether so much waits that no more should be read for it. */
  get isFull(): boolean {
    return this.#isTls ? this.socket.writableLength > TLS_AHEAD_BYTES : this.#parts.length > 0;
  }

  /** Whether some of what waits has left since this was asked last. */
  hasMoved(): boolean {
    const before = this.#queued;
    this.#queued = bytesQueued(this.socket);
    const hasMoved = this.#hasLeft || this.#queued < before;
    this.#hasLeft = false;
    return hasMoved;
  }

  /** Writes bytes that are nobody else's, or a part of a slab. */
  write(bytes: Uint8Array, slab?: Slab): void {
    if (this.#isWaiting || this.#isTls) this.socket.write(bytes, this.#onWritten);
    else if (this.#writeAtOnce(bytes)) {
      if (slab) this.pool.settle(slab, bytes); // nearly always: the kernel has it, and its place is free
      return;
    }
    this.#parts.push({ slab, bytes });
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#hasLeft = false;
    this.#queued = bytesQueued(this.socket);
    this.onFlow(true);
  }

  /** Whether the kernel has all of it; otherwise what is left is under way, and told of when it has left. */
  #writeAtOnce(bytes: Uint8Array): boolean {
    const written = writeThrough(this.socket, bytes, this.#onWritten);
    if (written !== undefined) return written;
    this.socket.write(bytes); // a callback would cost a turn of the tick queue
    if (this.socket.writableLength === 0) return true;
    this.socket.write(NOTHING, this.#onWritten); // behind it
    return false;
  }

  readonly #onWritten = (): void => {
    const part = this.#parts.shift();
    this.#hasLeft = true;
    if (part?.slab) this.pool.settle(part.slab, part.bytes);
    if (!this.#isWaiting || this.socket.destroyed || this.isFull) return;
    this.#isWaiting = this.#parts.length > 0;
    this.onFlow(this.#isWaiting);
  };
}
