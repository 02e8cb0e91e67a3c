import type { Segment } from './decode.js';

interface Flow {
  readonly client: string;
  readonly server: string;
  synAck: boolean;
  established: boolean;
  banner: boolean;
  end: { readonly packet: number; readonly text: string } | undefined;
}

/** Flows that are followed at a time; later ones are counted as packets only. */
const MAX_FLOWS = 10_000;
const GREETING = 'RFB 003.';
/** The greeting may stand behind a WebSocket frame's header. */
const GREETING_WITHIN = 16;

/** TCP flows, each reduced to what a diagnosis needs. */
export class FlowTable {
  readonly #flows = new Map<string, Flow>();

  add(packet: number, segment: Segment, bytes: Buffer): void {
    const flow = this.#flowOf(segment);
    if (!flow) return;
    const fromClient = segment.from === flow.client;
    if (segment.syn && segment.ack) flow.synAck = true;
    else if (flow.synAck && segment.ack && fromClient) flow.established = true;
    if (segment.payloadLength > 0 && !flow.banner) {
      const head = bytes.toString('latin1', segment.payloadAt, segment.payloadAt + GREETING_WITHIN);
      flow.banner = !fromClient && head.includes(GREETING);
    }
    if ((segment.fin || segment.rst) && !flow.end) {
      const text = `first ${segment.rst ? 'RST' : 'FIN'} of ${flow.client} → ${flow.server} came from ${fromClient ? 'the dialling' : 'the answering'} side`;
      flow.end = { packet, text };
    }
  }

  facts(): { handshakes: number; banners: number; ends: { packet: number; text: string }[] } {
    const flows = [...this.#flows.values()];
    return {
      handshakes: flows.filter(({ established }) => established).length,
      banners: flows.filter(({ banner }) => banner).length,
      ends: flows.flatMap(({ end }) => end ?? []).toSorted((a, b) => a.packet - b.packet),
    };
  }

  #flowOf(segment: Segment): Flow | undefined {
    const key = [segment.from, segment.to].toSorted().join(' ');
    const opens = segment.syn && !segment.ack;
    const known = this.#flows.get(key);
    if (known && !opens) return known;
    if (this.#flows.size >= MAX_FLOWS) return undefined;
    const [client, server] = segment.syn && segment.ack ? [segment.to, segment.from] : [segment.from, segment.to];
    const flow: Flow = { client, server, synAck: false, established: false, banner: false, end: undefined };
    this.#flows.set(key, flow);
    return flow;
  }
}
