import type { Segment } from './decode.js';

export type FlowSide = 'client' | 'server';

/** A segment in its place in the capture. */
export interface SeenSegment {
  /** Packet number, from 1. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly segment: Segment;
  readonly data: Buffer;
}

/** How a flow ended, ready to be cited. */
export interface FlowEnd {
  readonly packet: number;
  readonly atMs: number;
  readonly by: FlowSide;
  readonly how: 'fin' | 'rst';
  readonly client: string;
  readonly server: string;
  readonly text: string;
}

/** One direction of a flow. */
export interface DirectionFacts {
  readonly packets: number;
  /** Payload on the wire, retransmissions included. */
  readonly bytes: number;
  readonly retransmissions: number;
  /** Times that this side announced that it reads no more for now. */
  readonly zeroWindows: number;
  readonly lastDataAtMs: number | null;
}

export interface TcpFlow {
  /** Who sent the SYN; when none was seen, who sent the first packet. */
  readonly client: string;
  readonly server: string;
  /** refused: the SYN was answered by RST. syn_only: it was not answered. unseen: the capture began later. */
  readonly handshake: 'complete' | 'refused' | 'syn_only' | 'unseen';
  readonly firstPacket: number;
  readonly startedAtMs: number;
  readonly firstPayload: { readonly by: FlowSide; readonly kind: PayloadKind; readonly packet: number } | undefined;
  /** The greeting of an RFB server, bare or in a WebSocket frame. */
  readonly banner: { readonly packet: number; readonly version: string } | undefined;
  readonly end: FlowEnd | undefined;
  readonly up: DirectionFacts;
  readonly down: DirectionFacts;
}

export type PayloadKind = 'rfb' | 'http' | 'tls' | 'other';

/** Flows that are followed; a fleet of a thousand viewers has three a viewer. */
export const MAX_FLOWS = 4_096;
const GREETING = /RFB (\d{3}\.\d{3})\n/;
/** The greeting comes early: behind a WebSocket header, or behind the head of the 101 in the same segment. */
const GREETING_SEGMENTS = 8;
const GREETING_WITHIN = 2_048;
const HTTP = /^(?:[A-Z]{3,8} [/*h]|HTTP\/1\.)/;

interface Direction {
  packets: number;
  bytes: number;
  retransmissions: number;
  zeroWindows: number;
  lastDataAtMs: number | null;
  /** Sequence number behind the furthest byte seen. */
  next: number | undefined;
  isShut: boolean;
  dataSegments: number;
}

interface Flow {
  readonly client: string;
  readonly server: string;
  readonly firstPacket: number;
  readonly startedAtMs: number;
  syn: boolean;
  synAck: boolean;
  established: boolean;
  firstPayload: TcpFlow['firstPayload'];
  banner: TcpFlow['banner'];
  end: FlowEnd | undefined;
  readonly sides: Readonly<Record<FlowSide, Direction>>;
}

/** TCP flows, each reduced to what a diagnosis needs. Pure: segments in, facts out; memory is bounded. */
export class FlowTable {
  readonly #flows: Flow[] = [];
  /** Both directions of the living flows. */
  readonly #byPair = new Map<string, Flow>();
  #ignored = 0;

  add(seen: SeenSegment): void {
    const flow = this.#flowOf(seen);
    if (!flow) return;
    const { segment } = seen;
    const by: FlowSide = segment.from === flow.client ? 'client' : 'server';
    if (segment.syn && !segment.ack) flow.syn = true;
    if (segment.syn && segment.ack) flow.synAck = true;
    else if (flow.syn && flow.synAck && segment.ack && by === 'client') flow.established = true;
    if (segment.payloadLength > 0) notePayload(flow, by, seen);
    count(flow.sides[by], seen);
    if ((segment.fin || segment.rst) && !flow.end) flow.end = endOf(flow, by, seen);
  }

  facts(): {
    readonly handshakes: number;
    readonly banners: number;
    readonly ends: FlowEnd[];
    readonly flows: TcpFlow[];
    readonly flowsIgnored: number;
  } {
    return {
      handshakes: this.#flows.filter(({ established }) => established).length,
      banners: this.#flows.filter(({ banner }) => banner).length,
      ends: this.#flows.flatMap(({ end }) => end ?? []).toSorted((a, b) => a.packet - b.packet),
      flows: this.#flows.map(factsOf),
      flowsIgnored: this.#ignored,
    };
  }

  /** A SYN on a pair of addresses whose flow has ended begins a new flow. */
  #flowOf({ number, atMs, segment }: SeenSegment): Flow | undefined {
    const opens = segment.syn && !segment.ack;
    const known = this.#byPair.get(`${segment.from} ${segment.to}`);
    if (known && !(opens && known.end)) return known;
    if (this.#flows.length >= MAX_FLOWS) {
      if (opens) this.#ignored += 1;
      return undefined;
    }
    const [client, server] = segment.syn && segment.ack ? [segment.to, segment.from] : [segment.from, segment.to];
    const flow: Flow = {
      client,
      server,
      firstPacket: number,
      startedAtMs: atMs,
      syn: false,
      synAck: false,
      established: false,
      firstPayload: undefined,
      banner: undefined,
      end: undefined,
      sides: { client: emptyDirection(), server: emptyDirection() },
    };
    this.#flows.push(flow);
    this.#byPair.set(`${client} ${server}`, flow);
    this.#byPair.set(`${server} ${client}`, flow);
    return flow;
  }
}

function emptyDirection(): Direction {
  return {
    packets: 0,
    bytes: 0,
    retransmissions: 0,
    zeroWindows: 0,
    lastDataAtMs: null,
    next: undefined,
    isShut: false,
    dataSegments: 0,
  };
}

function count(direction: Direction, { atMs, segment }: SeenSegment): void {
  const { payloadLength: length, sequence } = segment;
  direction.packets += 1;
  const isShut = segment.window === 0 && !segment.rst && !segment.syn;
  if (isShut && !direction.isShut) direction.zeroWindows += 1;
  direction.isShut = isShut;
  if (segment.rst) return;
  const end = (sequence + length + (segment.syn ? 1 : 0) + (segment.fin ? 1 : 0)) >>> 0;
  const ahead = direction.next === undefined ? 1 : (end - direction.next) | 0;
  if (length > 0) {
    direction.bytes += length;
    direction.lastDataAtMs = atMs;
    // One byte that was sent before is a keepalive probe, not a loss.
    if (ahead <= 0 && length > 1) direction.retransmissions += 1;
  }
  if (ahead > 0) direction.next = end;
}

function notePayload(flow: Flow, by: FlowSide, { number, segment, data }: SeenSegment): void {
  const direction = flow.sides[by];
  direction.dataSegments += 1;
  if (flow.banner || direction.dataSegments > GREETING_SEGMENTS) return;
  const text = data.toString('latin1', segment.payloadAt, segment.payloadAt + GREETING_WITHIN);
  flow.firstPayload ??= { by, kind: kindOf(text), packet: number };
  const version = by === 'server' ? GREETING.exec(text)?.[1] : undefined;
  if (version !== undefined) flow.banner = { packet: number, version };
}

function kindOf(text: string): PayloadKind {
  if (text.startsWith('RFB ')) return 'rfb';
  if (HTTP.test(text)) return 'http';
  return /^[\u0014-\u0017]\u0003/.test(text) ? 'tls' : 'other';
}

function endOf({ client, server }: Flow, by: FlowSide, { number, atMs, segment }: SeenSegment): FlowEnd {
  const how = segment.rst ? 'rst' : 'fin';
  const side = by === 'client' ? 'the dialling side' : 'the answering side';
  const text = `first ${how.toUpperCase()} of ${client} → ${server} came from ${side}`;
  return { packet: number, atMs, by, how, client, server, text };
}

function factsOf({
  client,
  server,
  firstPacket,
  startedAtMs,
  firstPayload,
  banner,
  end,
  sides,
  ...flow
}: Flow): TcpFlow {
  const answered = flow.established ? 'complete' : end?.how === 'rst' && end.by === 'server' ? 'refused' : 'syn_only';
  return {
    client,
    server,
    handshake: flow.syn ? answered : 'unseen',
    firstPacket,
    startedAtMs,
    firstPayload,
    banner,
    end,
    up: directionFacts(sides.client),
    down: directionFacts(sides.server),
  };
}

function directionFacts({ packets, bytes, retransmissions, zeroWindows, lastDataAtMs }: Direction): DirectionFacts {
  return { packets, bytes, retransmissions, zeroWindows, lastDataAtMs };
}
