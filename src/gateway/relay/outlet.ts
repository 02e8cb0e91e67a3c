import type { Socket } from 'node:net';
import type { Slab, SlabPool } from './slabs.js';

interface Part {
  readonly slab: Slab | undefined;
  readonly bytes: Uint8Array;
}

/** Writes to one socket: what lies in a slab keeps its place until it has left. Tells when the socket gets stuck. */
export class Outlet {
  readonly #parts: Part[] = [];
  #stuck = false;

  constructor(
    readonly socket: Socket,
    private readonly pool: SlabPool,
    private readonly onFlow: (stuck: boolean) => void,
  ) {}

  /** Whether something waits outside the kernel. */
  get stuck(): boolean {
    return this.#stuck;
  }

  /** Writes bytes that are nobody else's, or a part of a slab. */
  write(bytes: Uint8Array, slab?: Slab): void {
    this.#parts.push({ slab, bytes });
    this.socket.write(bytes, this.#onWritten);
    if (this.#stuck || this.socket.writableLength === 0) return;
    this.#stuck = true;
    this.onFlow(true);
  }

  readonly #onWritten = (): void => {
    const part = this.#parts.shift();
    if (part?.slab) this.pool.settle(part.slab, part.bytes);
    if (!this.#stuck || this.socket.writableLength > 0) return;
    this.#stuck = false;
    if (!this.socket.destroyed) this.onFlow(false);
  };
}
