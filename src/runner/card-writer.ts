import type { Socket } from 'node:net';

/** An update goes out in pieces of this size, so that a slow viewer is told from one that reads nothing. */
const PIECE_BYTES = 65_536;
/** Not one piece is taken for so long: the viewer does not read. x11vnc waits as long. */
const STALL_MS = 20_000;

/** Writes one update at a time to a viewer, as fast as the viewer reads. Holds that one update and no more. */
export class CardWriter {
  readonly #socket: Socket;
  readonly #onStall: () => void;
  #stall: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(socket: Socket, onStall: () => void) {
    this.#socket = socket;
    this.#onStall = onStall;
  }

  get busy(): boolean {
    return this.#stall !== undefined;
  }

  /** Begins to write; `done` is called when the last byte has left for the kernel. */
  write(bytes: Buffer, done: () => void): void {
    this.#stall = setTimeout(this.#onStall, STALL_MS);
    this.#piece(bytes, 0, done);
  }

  /** Writes no further piece. */
  stop(): void {
    this.#stopped = true;
    this.#idle();
  }

  #piece(bytes: Buffer, at: number, done: () => void): void {
    this.#stall?.refresh();
    this.#socket.write(bytes.subarray(at, at + PIECE_BYTES), (error) => {
      if (error || this.#stopped) return this.#idle();
      if (at + PIECE_BYTES < bytes.length) return this.#piece(bytes, at + PIECE_BYTES, done);
      this.#idle();
      done();
    });
  }

  #idle(): void {
    clearTimeout(this.#stall);
    this.#stall = undefined;
  }
}
