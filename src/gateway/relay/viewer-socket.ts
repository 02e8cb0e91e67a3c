import type { Socket } from 'node:net';
import { Inlet, Reading, type Sink, callbackOf } from '../inlet.js';
import type { Workspace } from './workspace.js';

/** Bytes that a viewer may send before it is read; a browser sends none before the 101. */
const MAX_EARLY_BYTES = 65_536;

/** The socket of a viewer. What comes before somebody reads is kept, up to a bound. */
export class ViewerSocket {
  #early: Buffer[] = [];
  #earlyBytes = 0;
  readonly #keeping = new Reading((length) => {
    this.#keep(Buffer.from(this.workspace.fromViewers.subarray(0, length)));
    return this.#earlyBytes <= MAX_EARLY_BYTES;
  });
  readonly #inlet = new Inlet(this.#keeping);

  constructor(
    readonly socket: Socket,
    private readonly workspace: Workspace,
  ) {}

  /** Reads into the workspace from now on; false where that cannot be done: the socket is then as it was. */
  adopt(): boolean {
    if (!this.workspace.adopt(this.socket, callbackOf(this.#inlet))) return false;
    this.socket.on('error', ignore).resume();
    return true;
  }

  /** Reads the public way, into memory of its own. */
  listen(): void {
    this.socket.on('error', ignore).on('data', (chunk: Buffer) => this.#copyIn(chunk));
  }

  /** Hands what has come, and from now on what comes, to a sink. */
  read(sink: Sink): void {
    this.#inlet.sink = sink;
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) this.#copyIn(chunk);
    if (this.#earlyBytes > MAX_EARLY_BYTES) this.socket.resume();
  }

  /** Nobody reads for now: keeps what is left of what came, and what comes. */
  hold(rest: Uint8Array): void {
    this.#inlet.sink = this.#keeping;
    if (rest.length > 0) this.#keep(Buffer.from(rest));
  }

  /** From now on the socket has what comes itself, as if nobody had read from it; `bytes` first. */
  handOn(bytes: Uint8Array): void {
    const { fromViewers } = this.workspace;
    this.#inlet.sink = new Reading((length) => this.socket.push(Buffer.from(fromViewers.subarray(0, length))));
    this.socket.push(Buffer.from(bytes));
  }

  /** Nobody will read it: what has come and what still comes is thrown away. */
  discard(): void {
    this.#early = [];
    this.#inlet.sink = DISCARD;
    this.socket.resume();
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
      if (!this.#inlet.sink.take(piece.length)) this.socket.pause();
    }
  }
}

const ignore = (): void => {}; // 'close' follows an error
const DISCARD = new Reading(() => true);
