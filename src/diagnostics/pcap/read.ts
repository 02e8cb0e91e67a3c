import { Readable } from 'node:stream';
import { type ParsedPacket, parse } from 'pcap-parser';
import { CamofleetError, errorText } from '../../core/index.js';
import { EndpointNames, decodeSegment } from './decode.js';
import { type FlowEnd, FlowTable, type PayloadReader, type TcpFlow } from './flows.js';
import { guardedBytes } from './guard.js';
import type { Packet } from './packet.js';
import { endsSealed } from './signals.js';
import { type CaptureProblem, PacketSplitter } from './splitter.js';

/** What a capture shows. Packets count from 1, as in every other reader of captures; in a ring on from file to file. */
export interface CaptureFacts {
  readonly packets: number;
  /** Packets that held no whole TCP header. */
  readonly undecoded: number;
  /** Flows in which SYN, SYN-ACK and ACK were seen. */
  readonly handshakes: number;
  /** Flows in which the greeting of an RFB server was seen. */
  readonly banners: number;
  /** Who sent the first FIN or RST of each flow that ended, in the order of the capture. */
  readonly ends: readonly FlowEnd[];
  readonly flows: readonly TcpFlow[];
  /** Flows beyond the bound: counted, not followed. */
  readonly flowsIgnored: number;
  /** The files in the order of reading, and how many packets lay before each. */
  readonly files: readonly { readonly file: string; readonly before: number }[];
  /** Why it could not be read to its end; what came before is used. */
  readonly problem: CaptureProblem | undefined;
  /** A file ends inside a packet, or is malformed from there on. */
  readonly truncated: boolean;
}

/**
 * Reads a capture (classic or pcapng; the files of a ring in their order) as a stream, in constant memory. Malformed bytes
 * are a `problem` in the facts; throws CF_PCAP only when a file cannot be read, and the signal's reason when it is aborted.
 */
export async function readCapture(
  capture: string | readonly string[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<CaptureFacts> {
  const files = typeof capture === 'string' ? [capture] : capture;
  const reading = new Reading();
  const source = Readable.from(
    guardedBytes(
      files,
      (file) => reading.nextFile(file),
      (packet) => reading.take(packet),
      signal,
    ),
  );
  try {
    await new Promise<void>((resolve, reject) => {
      const parser = parse(source);
      parser.on('error', reject);
      parser.on('end', resolve);
      source.on('close', resolve); // the parser's own end does not come when the source is destroyed
      parser.on('packet', ({ data }: ParsedPacket) => reading.read(data));
    });
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw new CamofleetError(
      'CF_PCAP',
      `${files.join(', ')}: ${errorText(cause)}`,
      { file: files.join(', ') },
      { cause },
    );
  } finally {
    source.destroy();
  }
  if (signal?.aborted) throw signal.reason;
  return reading.facts();
}

/** The packets of a capture on their way into flows. */
class Reading {
  readonly #flows = new FlowTable();
  readonly #names = new EndpointNames();
  readonly #files: { file: string; before: number; splitter: PacketSplitter }[] = [];
  /** Of the packets that were sent to be read: at most those of one piece of the file. */
  readonly #readers: PayloadReader[] = [];
  #turn = 0;
  #packets = 0;
  #undecoded = 0;

  nextFile(file: string): PacketSplitter {
    const splitter = new PacketSplitter();
    this.#files.push({ file, before: this.#packets, splitter });
    return splitter;
  }

  /** True when the packet holds something to read. */
  take({ linkType, data, originalLength, seconds, nanoseconds }: Packet): boolean {
    this.#packets += 1;
    const segment = decodeSegment(linkType, data, originalLength, this.#names);
    if (!segment) {
      this.#undecoded += 1;
      return false;
    }
    const atMs = seconds * 1_000 + nanoseconds / 1_000_000;
    const reader = this.#flows.add({ number: this.#packets, atMs, segment, endsSealed: endsSealed(data, segment) });
    if (reader) this.#readers.push(reader);
    return reader !== undefined;
  }

  /** The next of them. */
  read(data: Buffer): void {
    this.#readers[this.#turn]!(data);
    this.#turn += 1;
    if (this.#turn === this.#readers.length) this.#turn = this.#readers.length = 0;
  }

  facts(): CaptureFacts {
    const problem = this.#files.find(({ splitter }) => splitter.problem)?.splitter.problem;
    return {
      packets: this.#packets,
      undecoded: this.#undecoded,
      ...this.#flows.facts(),
      files: this.#files.map(({ file, before }) => ({ file, before })),
      problem,
      truncated: problem !== undefined,
    };
  }
}
