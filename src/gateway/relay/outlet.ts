import type { Socket } from 'node:net';
import { bytesQueued } from './internals.js';
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

/** Writes to one socket: what lies in a slab keeps its place until it has left. Tells when something waits. */
export class Outlet {
  readonly #parts: Part[] = [];
  readonly #ahead: number;
  #isWaiting = false;
  #queued = 0;

  constructor(
    readonly socket: Socket,
    private readonly pool: SlabPool,
    private readonly onFlow: (isWaiting: boolean) => void,
  ) {
    this.#ahead = 'encrypted' in socket ? TLS_AHEAD_BYTES : 0;
  }

  /** Whether something waits outside the kernel. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Whether so much waits that no more should be read for it. */
  get isFull(): boolean {
    return this.socket.writableLength > this.#ahead;
  }

  /** Whether some of what waits has left since this was asked last. */
  hasMoved(): boolean {
    const before = this.#queued;
    this.#queued = bytesQueued(this.socket);
    return this.#queued < before;
  }

  /** Writes bytes that are nobody else's, or a part of a slab. */
  write(bytes: Uint8Array, slab?: Slab): void {
    this.#parts.push({ slab, bytes });
    this.socket.write(bytes, this.#onWritten);
    if (this.#isWaiting) {
      this.#queued += bytes.length;
      return;
    }
    if (this.socket.writableLength === 0) return;
    this.#isWaiting = true;
    this.#queued = bytesQueued(this.socket);
    this.onFlow(true);
  }

  readonly #onWritten = (): void => {
    const part = this.#parts.shift();
    if (part?.slab) this.pool.settle(part.slab, part.bytes);
    if (!this.#isWaiting || this.socket.destroyed || this.isFull) return;
    this.#isWaiting = this.socket.writableLength > 0;
    this.onFlow(this.#isWaiting);
  };
}
