import { Transform } from 'node:stream';
import {
  EndpointNames,
  type FlowSide,
  type Packet,
  PacketSplitter,
  type Segment,
  decodeSegment,
  encodeFileHeader,
  encodeRecords,
} from '../pcap/index.js';
import { Conversation } from './conversation.js';

/** A flow whose beginning was seen: who dialled, and which byte comes next on either side. */
interface Flow {
  readonly client: string;
  readonly conversation: Conversation;
  readonly next: Record<FlowSide, number | undefined>;
}

const ETHERNET = 1;
/** Flows that are read at a time; of an older one only headers are kept from then on. */
const MAX_FLOWS = 4_096;

/**
 * A capture in, a capture out, packet by packet. TCP/IP headers stay, and of the payload what `Conversation` allows. What
 * was sent again, what comes late, and what belongs to a flow whose SYN was not seen, is never kept. Original lengths stay
 * known. What is not TCP is left out. It gives buffers of whole records, the head of the file first.
 */
export class PacketRedactor extends Transform {
  /** Packets written. */
  packets = 0;
  /** Bytes written. */
  bytes = 0;
  /** Values that were overwritten with their lengths kept. */
  masked = 0;
  /** Packets left out: not TCP. */
  leftOut = 0;
  readonly #splitter = new PacketSplitter();
  readonly #names = new EndpointNames();
  /** By both directions of the pair of addresses; the oldest first. */
  readonly #flows = new Map<string, Flow>();

  constructor() {
    super({ readableObjectMode: true });
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const out: Packet[] = [];
    for (const packet of this.#splitter.feed(chunk)) {
      const kept = this.#redact(packet);
      if (kept) out.push(kept);
      else this.leftOut += 1;
    }
    const [first] = out;
    if (first && this.packets === 0) this.push(encodeFileHeader(first.linkType));
    if (out.length > 0) {
      const records = encodeRecords(out);
      this.packets += out.length;
      this.bytes += records.length;
      this.push(records);
    }
    const { problem } = this.#splitter;
    done(problem ? new Error(`tcpdump wrote what cannot be read: ${problem.text}`) : null);
  }

  /** A capture without packets is a capture all the same. */
  override _flush(done: () => void): void {
    if (this.packets === 0) this.push(encodeFileHeader(ETHERNET));
    done();
  }

  #redact(packet: Packet): Packet | undefined {
    const segment = decodeSegment(packet.linkType, packet.data, packet.originalLength, this.#names);
    if (!segment) return undefined;
    const payload = packet.data.subarray(segment.payloadAt, segment.payloadAt + segment.payloadLength);
    return { ...packet, data: packet.data.subarray(0, segment.payloadAt + this.#keep(segment, payload)) };
  }

  /** Bytes of the payload that may be written, from its start; what lies before them is blanked in place. */
  #keep(segment: Segment, payload: Buffer): number {
    const flow = this.#flowOf(segment);
    if (!flow) return 0;
    const side: FlowSide = segment.from === flow.client ? 'client' : 'server';
    if (segment.syn) flow.next[side] = (segment.sequence + 1) >>> 0;
    const next = flow.next[side];
    if (next === undefined || segment.payloadLength === 0 || flow.conversation.isOver(side)) return 0;
    const sequence = (segment.sequence + (segment.syn ? 1 : 0)) >>> 0;
    const behind = (next - sequence) | 0;
    if (behind >= segment.payloadLength) return 0; // sent again
    flow.next[side] = (sequence + segment.payloadLength) >>> 0;
    if (behind < 0) flow.conversation.skip(side, -behind);
    const kept = flow.conversation.take(side, payload.subarray(Math.max(0, behind)));
    const missing = segment.payloadLength - Math.max(payload.length, behind);
    if (missing > 0) flow.conversation.skip(side, missing);
    return behind > 0 ? 0 : kept;
  }

  #flowOf(segment: Segment): Flow | undefined {
    const pair = [segment.from, segment.to].toSorted().join(' ');
    if (!segment.syn || segment.ack) return this.#flows.get(pair);
    const known = this.#flows.get(pair);
    if (known && known.next.client === (segment.sequence + 1) >>> 0) return known; // the SYN again
    const flow: Flow = {
      client: segment.from,
      conversation: new Conversation(() => (this.masked += 1)),
      next: { client: undefined, server: undefined },
    };
    this.#flows.delete(pair);
    this.#flows.set(pair, flow);
    const [oldest] = this.#flows.keys();
    if (this.#flows.size > MAX_FLOWS && oldest !== undefined) this.#flows.delete(oldest);
    return flow;
  }
}
