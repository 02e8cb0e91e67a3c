import { createReadStream } from 'node:fs';
import { CamofleetError } from '../../core/index.js';
import { type ParsedPacket, parse } from 'pcap-parser';
import { decodeSegment } from './decode.js';
import { FlowTable } from './flows.js';
import { CaptureGuard } from './guard.js';

/** What a capture shows. */
export interface CaptureFacts {
  readonly packets: number;
  /** SYN, SYN-ACK and ACK seen. */
  readonly handshakes: number;
  /** Flows in which the greeting of an RFB server was seen. */
  readonly banners: number;
  /** Who sent the first FIN or RST of each flow that ended, in the order of the capture. */
  readonly ends: readonly { readonly packet: number; readonly text: string }[];
  /** The file ends inside a record. */
  readonly truncated: boolean;
}

const CHUNK_BYTES = 1_048_576;

/** Reads a capture as a stream, in constant memory. Throws CF_PCAP for what is no capture. */
export function readCapture(file: string): Promise<CaptureFacts> {
  return new Promise((resolve, reject) => {
    const source = createReadStream(file, { highWaterMark: CHUNK_BYTES });
    const guard = new CaptureGuard();
    const flows = new FlowTable();
    let packets = 0;
    let settled = false;
    const fail = (cause: Error): void => {
      settled = true;
      source.destroy();
      guard.destroy();
      reject(
        cause instanceof CamofleetError
          ? cause
          : new CamofleetError('CF_PCAP', `${file}: ${cause.message}`, { file }, { cause }),
      );
    };
    source.on('error', fail);
    guard.on('error', fail);
    const parser = parse(guard);
    parser.on('error', fail);
    parser.on('packet', ({ data }: ParsedPacket) => {
      packets += 1;
      const segment = decodeSegment(guard.linkType ?? -1, data);
      if (segment) flows.add(packets, segment, data);
    });
    guard.once('end', () => {
      // The parser's own 'end' comes twice or never; by now it has had every whole record.
      setImmediate(() => {
        if (!settled) resolve({ packets, ...flows.facts(), truncated: guard.truncatedBytes > 0 });
      });
    });
    source.pipe(guard);
  });
}
