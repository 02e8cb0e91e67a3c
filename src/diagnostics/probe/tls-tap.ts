import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** First bytes of a peer that are kept: enough to tell HTTP or RFB from TLS. */
const KEPT_BYTES = 32;

/**
 * Stands between a TCP socket and TLS and passes a FIN on one turn late, when TLS has understood all that came before
 * it. So when TLS ends and no FIN has been seen, a close_notify ended it: Node's TLS socket reports both alike, and in
 * TLS 1.3 the record itself cannot be told from data of two bytes.
 */
export class TlsTap extends Duplex {
  readonly #socket: Socket;
  #first = Buffer.alloc(0);
  #sawFin = false;

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      if (this.#first.length < KEPT_BYTES)
        this.#first = Buffer.concat([this.#first, bytes.subarray(0, KEPT_BYTES - this.#first.length)]);
      if (!this.push(bytes)) socket.pause();
    });
    socket.on('end', () =>
      setImmediate(() => {
        this.#sawFin = true;
        this.push(null);
      }),
    );
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => setImmediate(() => this.destroy()));
  }

  /** The peer's FIN has come, and all that it sent before has been read. */
  get sawFin(): boolean {
    return this.#sawFin;
  }

  /** What the peer said first, in the clear. */
  get first(): Buffer {
    return this.#first;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(bytes, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
