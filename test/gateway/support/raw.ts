import { connect } from 'node:net';

/** What a server said to raw bytes, and how it went on. */
export interface RawAnswer {
  /** Statuses of all answers, in order. */
  readonly statuses: readonly number[];
  /** Codes of the problem documents among them. */
  readonly codes: readonly string[];
  readonly text: string;
  /** Whether the server ended the connection. */
  readonly ended: boolean;
}

/** Headers of a good WebSocket handshake. */
export const HANDSHAKE =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

/** Bytes on the wire as they stand here; the answer is complete when the server ends, or says nothing for `quietMs`. */
export function sayRaw(port: number, said: string, quietMs = 400): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const chunks: Buffer[] = [];
    let quiet: NodeJS.Timeout | undefined;
    const finish = (ended: boolean): void => {
      clearTimeout(quiet);
      socket.destroy();
      const text = Buffer.concat(chunks).toString('latin1');
      resolve({
        statuses: [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1])),
        codes: [...text.matchAll(/"code":"([a-z_0-9]+)"/g)].map((match) => match[1]!),
        text,
        ended,
      });
    };
    const wait = (): void => {
      clearTimeout(quiet);
      quiet = setTimeout(() => finish(false), chunks.length > 0 ? quietMs : 10 * quietMs);
    };
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      wait();
    });
    socket.on('error', () => finish(true)); // a reset ends as well
    socket.on('end', () => finish(true));
    socket.write(Buffer.from(said, 'latin1'));
    wait();
  });
}
