import { Readable } from 'node:stream';
import { type ParsedPacket, parse } from 'pcap-parser';
import { CamofleetError, errorText } from '../../core/index.js';
import { decodeSegment } from './decode.js';
import { type FlowEnd, FlowTable, type TcpFlow } from './flows.js';
import { type PacketSide, guardedBytes } from './guard.js';
import { type CaptureProblem, PacketSplitter } from './splitter.js';

/** What a capture shows. Packets count from 1, as in every other reader of captures. */
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
  /** Why it could not be read to its end; what came before is used. */
  readonly problem: CaptureProblem | undefined;
  /** The file ends inside a packet, or is malformed from there on. */
  readonly truncated: boolean;
}

/**
 * Reads a capture (classic or pcapng) as a stream, in constant memory. Malformed bytes are a `problem` in the facts;
 * throws CF_PCAP only when the file cannot be read, and the signal's reason when it is aborted.
 */
export async function readCapture(
  file: string,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<CaptureFacts> {
  const splitter = new PacketSplitter();
  const sides: PacketSide[] = [];
  const flows = new FlowTable();
  const counts = { packets: 0, undecoded: 0 };
  const source = Readable.from(guardedBytes(file, splitter, sides, signal));
  let turn = 0;
  try {
    await new Promise<void>((resolve, reject) => {
      const parser = parse(source);
      parser.on('error', reject);
      parser.on('end', resolve);
      source.on('close', resolve); // the parser's own end does not come when the source is destroyed
      parser.on('packet', ({ header, data }: ParsedPacket) => {
        const { nanoseconds, linkType } = sides[turn]!;
        turn += 1;
        if (turn === sides.length) turn = sides.length = 0;
        counts.packets += 1;
        const segment = decodeSegment(linkType, data, header.originalLength);
        const atMs = header.timestampSeconds * 1_000 + nanoseconds / 1_000_000;
        if (segment) flows.add({ number: counts.packets, atMs, segment, data });
        else counts.undecoded += 1;
      });
    });
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw new CamofleetError('CF_PCAP', `${file}: ${errorText(cause)}`, { file }, { cause });
  } finally {
    source.destroy();
  }
  if (signal?.aborted) throw signal.reason;
  return { ...counts, ...flows.facts(), problem: splitter.problem, truncated: splitter.problem !== undefined };
}
