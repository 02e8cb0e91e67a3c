import { Direction, type DirectionFacts } from './direction.js';
import type { FlowSide, SeenSegment } from './segments.js';
import { type CloseSignal, CloseSignals, describeSignals } from './signals.js';

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
  /** Sec-WebSocket-Key of the upgrade, where it is not inside TLS: the id that joins legs. */
  readonly wsKey: string | undefined;
  readonly end: FlowEnd | undefined;
  /** Close frames, TLS alerts, FIN and RST of both sides, in the order of the capture. */
  readonly signals: readonly CloseSignal[];
  readonly up: DirectionFacts;
  readonly down: DirectionFacts;
}

export type PayloadKind = 'rfb' | 'http' | 'tls' | 'other';

/** Flows that are followed; a fleet of a thousand viewers has three a viewer. */
export const MAX_FLOWS = 4_096;
const GREETING = /RFB (\d{3}\.\d{3})\n/;
/** The greeting comes early: behind a WebSocket header, or behind the head of the 101 in the same segment. */
const GREETING_SEGMENTS = 8;
const READ_OF_A_SEGMENT = 2_048;
const HTTP = /^(?:[A-Z]{3,8} [/*h]|HTTP\/1\.)/;
const TLS = /^[\u0014-\u0017]\u0003/;
const UPGRADE_KEY = /\r\nsec-websocket-key:[ \t]*([A-Za-z0-9+/]{22}==)/i;

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
  wsKey: string | undefined;
  end: Pick<FlowEnd, 'packet' | 'atMs' | 'by' | 'how'> | undefined;
  readonly signals: CloseSignals;
  readonly sides: Readonly<Record<FlowSide, Direction>>;
}

/** A goodbye inside a stream is no longer: a control frame with its header and mask, or an alert with its nonce and tag. */
const LONGEST_GOODBYE = 131;

/** Reads the payload of a segment that was added. */
export type PayloadReader = (data: Buffer) => void;

/** TCP flows, each reduced to what a diagnosis needs. Pure: segments in, facts out; memory is bounded. */
export class FlowTable {
  readonly #flows: Flow[] = [];
  /** Both directions of the living flows: by sender, then by receiver. */
  readonly #byPair = new Map<string, Map<string, Flow>>();
  #ignored = 0;

  /** Counts a segment; gives a reader where its payload may say something. Readers are called in the order of the capture. */
  add(seen: SeenSegment): PayloadReader | undefined {
    const flow = this.#flowOf(seen);
    if (!flow) return undefined;
    const { segment } = seen;
    const by: FlowSide = segment.from === flow.client ? 'client' : 'server';
    if (segment.syn && !segment.ack) flow.syn = true;
    if (segment.syn && segment.ack) flow.synAck = true;
    else if (flow.syn && flow.synAck && segment.ack && by === 'client') flow.established = true;
    flow.sides[by].count(seen);
    if (segment.fin || segment.rst) {
      flow.signals.noteFlags(by, seen);
      flow.end ??= { packet: seen.number, atMs: seen.atMs, by, how: segment.rst ? 'rst' : 'fin' };
    }
    return isWorthReading(flow, by, seen) ? (data) => readPayload(flow, by, seen, data) : undefined;
  }

  facts(): {
    readonly handshakes: number;
    readonly banners: number;
    readonly ends: FlowEnd[];
    readonly flows: TcpFlow[];
    readonly flowsIgnored: number;
  } {
    const flows = this.#flows.map(factsOf);
    return {
      handshakes: this.#flows.filter(({ established }) => established).length,
      banners: flows.filter(({ banner }) => banner).length,
      ends: flows.flatMap(({ end }) => end ?? []).toSorted((a, b) => a.packet - b.packet),
      flows,
      flowsIgnored: this.#ignored,
    };
  }

  /** A SYN on a pair of addresses whose flow has ended begins a new flow. */
  #flowOf({ number, atMs, segment }: SeenSegment): Flow | undefined {
    const opens = segment.syn && !segment.ack;
    const known = this.#byPair.get(segment.from)?.get(segment.to);
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
      wsKey: undefined,
      end: undefined,
      signals: new CloseSignals(),
      sides: { client: new Direction(), server: new Direction() },
    };
    this.#flows.push(flow);
    this.#remember(client, server, flow);
    this.#remember(server, client, flow);
    return flow;
  }

  #remember(from: string, to: string, flow: Flow): void {
    const known = this.#byPair.get(from);
    if (known) known.set(to, flow);
    else this.#byPair.set(from, new Map([[to, flow]]));
  }
}

function isWorthReading({ banner, firstPayload, sides }: Flow, by: FlowSide, seen: SeenSegment): boolean {
  const { payloadLength } = seen.segment;
  if (payloadLength === 0) return false;
  if (!banner && sides[by].dataSegments <= GREETING_SEGMENTS) return true;
  return (
    (payloadLength <= LONGEST_GOODBYE || seen.endsSealed === true) &&
    firstPayload?.kind !== 'rfb' &&
    firstPayload?.kind !== 'other'
  );
}

function readPayload(flow: Flow, by: FlowSide, seen: SeenSegment, data: Buffer): void {
  const { payloadAt, payloadLength } = seen.segment;
  const payload = data.subarray(payloadAt, payloadAt + Math.min(payloadLength, READ_OF_A_SEGMENT));
  if (flow.firstPayload?.kind === 'tls') flow.signals.noteTls(by, seen, payload);
  else if (flow.wsKey !== undefined) flow.signals.noteFrame(by, seen, payload);
  if (flow.banner) return;
  const text = payload.toString('latin1');
  flow.firstPayload ??= { by, kind: kindOf(text), packet: seen.number };
  if (by === 'client') flow.wsKey ??= UPGRADE_KEY.exec(text)?.[1];
  const version = by === 'server' ? GREETING.exec(text)?.[1] : undefined;
  if (version !== undefined) flow.banner = { packet: seen.number, version };
}

function kindOf(text: string): PayloadKind {
  if (text.startsWith('RFB ')) return 'rfb';
  if (HTTP.test(text)) return 'http';
  return TLS.test(text) ? 'tls' : 'other';
}

function factsOf(flow: Flow): TcpFlow {
  const { client, server, firstPacket, startedAtMs, firstPayload, banner, wsKey, end, sides } = flow;
  const answered = flow.established ? 'complete' : end?.how === 'rst' && end.by === 'server' ? 'refused' : 'syn_only';
  const signals = flow.signals.list(({ by, packet }) => sides[by].lastDataPacket === packet);
  return {
    client,
    server,
    handshake: flow.syn ? answered : 'unseen',
    firstPacket,
    startedAtMs,
    firstPayload,
    banner,
    wsKey,
    end: end && { ...end, client, server, text: `${client} → ${server}: ${describeSignals(signals)}` },
    signals,
    up: sides.client.facts(),
    down: sides.server.facts(),
  };
}
