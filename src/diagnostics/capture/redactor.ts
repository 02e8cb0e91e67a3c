import { Transform } from 'node:stream';
import { PacketSplitter, type Segment, decodeSegment, encodeFileHeader, encodeRecords } from '../pcap/index.js';

const HTTP_HEAD = /^(GET|POST|PUT|DELETE|HEAD|OPTIONS|HTTP\/1\.[01]) /;
const RFB_GREETING = /^(?:[\x82][\x0c])?RFB \d{3}\.\d{3}\n/;
const TLS_RECORD_HEADER = 5;
/** Values that are masked in what is kept, with their lengths. */
const SECRETS = [
  /([?&](?:token|access_token|password|key)=)([^&\s]+)/gi,
  /(\b(?:authorization|cookie|set-cookie|proxy-authorization): ?)([^\r\n]+)/gi,
  /((?:^|\/)[^\s?]*#token=)(\S+)/gi,
];

/**
 * A capture in, a capture out, packet by packet. Of a TCP payload only this is kept: the head of an HTTP message with
 * secrets masked, the RFB greeting, the header of a TLS record. Everything else, so every password answer, keystroke
 * and pixel, is cut; lengths on the wire stay known.
 */
export class PacketRedactor extends Transform {
  readonly #splitter = new PacketSplitter();
  #wroteHeader = false;
  masked = 0;
  packets = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const packets = this.#splitter.feed(chunk);
    const [first] = packets;
    if (first && !this.#wroteHeader) {
      this.push(encodeFileHeader(first.linkType));
      this.#wroteHeader = true;
    }
    for (const packet of packets) {
      this.packets += 1;
      const segment = decodeSegment(packet.linkType, packet.data, packet.originalLength);
      if (!segment) continue; // not TCP: nothing here asked for it
      this.push(encodeRecords([{ ...packet, data: this.#redact(segment, packet.data) }]));
    }
    done(this.#splitter.problem ? new Error(`tcpdump wrote what is no capture: ${this.#splitter.problem.text}`) : null);
  }

  #redact(segment: Segment, packet: Buffer): Buffer {
    const payload = packet.subarray(segment.payloadAt);
    return Buffer.concat([packet.subarray(0, segment.payloadAt), this.#keep(payload)]);
  }

  #keep(payload: Buffer): Buffer {
    const text = payload.toString('latin1');
    const greeting = RFB_GREETING.exec(text)?.[0];
    if (greeting !== undefined) return payload.subarray(0, greeting.length);
    if (HTTP_HEAD.test(text)) return Buffer.from(this.#mask(headOf(text)), 'latin1');
    const isTls = payload.length >= TLS_RECORD_HEADER && payload[0]! >= 20 && payload[0]! <= 23 && payload[1] === 3;
    return isTls ? payload.subarray(0, TLS_RECORD_HEADER) : Buffer.alloc(0);
  }

  #mask(head: string): string {
    return SECRETS.reduce(
      (text, pattern) =>
        text.replace(pattern, (_match, name: string, secret: string) => {
          this.masked += 1;
          return name + 'x'.repeat(secret.length);
        }),
      head,
    );
  }
}

/** An HTTP message without its body. */
function headOf(text: string): string {
  const end = text.indexOf('\r\n\r\n');
  return end < 0 ? text : text.slice(0, end + 4);
}
