import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

const RECORD_HEADER = 5;
const ALERT = 21;
/** In TLS 1.3 a close_notify is an encrypted record of this length: two bytes of alert, one of type, sixteen of tag. */
const CLOSE_NOTIFY_LENGTH = 19;

/**
 * Stands between a TCP socket and TLS and reads the record headers that come in, so that a close_notify can be told
 * from a bare FIN: Node's TLS socket reports both alike.
 */
export class TlsTap extends Duplex {
  readonly #socket: Socket;
  #header = Buffer.alloc(0);
  #left = 0;
  #last: { readonly type: number; readonly length: number } | undefined;
  #records = 0;

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#read(bytes);
      if (!this.push(bytes)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  /** Whether the last record before the end was a close_notify. */
  get sawCloseNotify(): boolean {
    const last = this.#last;
    if (!last || this.#left > 0) return false;
    return last.type === ALERT || (this.#records > 1 && last.length === CLOSE_NOTIFY_LENGTH);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#socket.write(bytes)) done();
    else this.#socket.once('drain', () => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #read(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, rest.length);
        this.#left -= taken;
        rest = rest.subarray(taken);
        continue;
      }
      const missing = RECORD_HEADER - this.#header.length;
      this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (this.#header.length < RECORD_HEADER) return;
      this.#last = { type: this.#header[0]!, length: this.#header.readUInt16BE(3) };
      this.#left = this.#last.length;
      this.#records += 1;
      this.#header = Buffer.alloc(0);
    }
  }
}
