import { Transform } from 'node:stream';
import { CamofleetError } from '../../core/index.js';
import { RecordSplitter, encodeFileHeader, encodeRecord } from './records.js';

/**
 * Stands in front of pcap-parser, which loops on a forged length and cannot see that a file was cut short: lets only
 * whole, plausible records through, as a little-endian file in microseconds. Errors are CF_PCAP with the packet number.
 */
export class CaptureGuard extends Transform {
  readonly #splitter = new RecordSplitter();
  #wroteHeader = false;

  get linkType(): number | undefined {
    return this.#splitter.header?.linkType;
  }

  /** Bytes behind the last whole record. */
  get truncatedBytes(): number {
    return this.#splitter.pendingBytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const split = this.#splitter.feed(chunk);
    if (!split.ok) {
      done(new CamofleetError('CF_PCAP', `the capture ${split.error}`));
      return;
    }
    const { header } = this.#splitter;
    if (header && !this.#wroteHeader) {
      this.#wroteHeader = true;
      this.push(encodeFileHeader(header.linkType));
    }
    const divisor = header?.nanoseconds ? 1_000 : 1;
    if (split.value.length > 0)
      this.push(
        Buffer.concat(split.value.map((packet) => encodeRecord(packet, Math.floor(packet.fraction / divisor)))),
      );
    done();
  }
}
