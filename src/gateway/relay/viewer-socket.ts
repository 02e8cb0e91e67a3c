import type { Socket } from 'node:net';
import type { Workspace } from './workspace.js';

/** Bytes that a viewer may send before it is read; a browser sends none before the 101. */
const MAX_EARLY_BYTES = 65_536;

/** Takes `length` bytes at the beginning of the workspace; false: no more, please. */
export type Reader = (length: number) => boolean;

/** The socket of a viewer from its upgrade on. What comes before somebody reads is kept, up to a bound. */
export class ViewerSocket {
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #reader: Reader | undefined;

  constructor(
    readonly socket: Socket,
    head: Buffer,
    private readonly workspace: Workspace,
  ) {
    if (head.length > 0) this.#keep(Buffer.from(head));
    socket.on('error', () => {}); // 'close' follows
    if (!workspace.adopt(socket, (length) => this.#receive(length)))
      socket.on('data', (chunk: Buffer) => this.#copyIn(chunk));
  }

  /** Hands what has come, and from now on what comes, to a reader. */
  read(reader: Reader): void {
    this.#reader = reader;
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) this.#copyIn(chunk);
    if (this.#earlyBytes > MAX_EARLY_BYTES) this.socket.resume();
  }

  /** Nobody will read it: what has come and what still comes is thrown away. */
  discard(): void {
    this.#early = [];
    this.#reader = () => true;
    this.socket.resume();
  }

  #receive(length: number): boolean {
    if (this.#reader) return this.#reader(length);
    this.#keep(Buffer.from(this.workspace.fromViewers.subarray(0, length)));
    return this.#earlyBytes <= MAX_EARLY_BYTES;
  }

  #keep(chunk: Buffer): void {
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
  }

  /** Where reads have memory of their own. */
  #copyIn(chunk: Buffer): void {
    const { fromViewers } = this.workspace;
    for (let at = 0; at < chunk.length; at += fromViewers.length) {
      const piece = chunk.subarray(at, at + fromViewers.length);
      fromViewers.set(piece);
      if (!this.#receive(piece.length)) this.socket.pause();
    }
  }
}
