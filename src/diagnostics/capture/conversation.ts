import type { FlowSide } from '../pcap/index.js';
import type { FieldTape } from './fields.js';
import { FrameTape } from './frames.js';
import { type HeadFacts, HeadTape } from './http-head.js';
import { RfbOpening } from './rfb-opening.js';
import { RecordTape } from './tls-records.js';

/** How the bytes of one direction are read. `nothing`: no byte of it is kept any more. */
type Mode =
  | { readonly as: 'start' }
  | { readonly as: 'head'; readonly tape: HeadTape }
  /** A message's body of so many bytes. */
  | { readonly as: 'body'; left: number }
  /** Whatever comes until the other side has asked for something new. */
  | { readonly as: 'answer' }
  | { readonly as: 'frames'; readonly tape: FrameTape }
  | { readonly as: 'fields'; readonly tape: FieldTape }
  | { readonly as: 'records'; readonly tape: RecordTape }
  | { readonly as: 'nothing' };

const RFB = 'RFB ';
const REQUEST = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH) \//;
const ANSWER = /^HTTP\/1\.[01] /;
/** A handshake record, or an alert in its place. */
const TLS = /^[\u0015\u0016]\u0003[\u0000-\u0004]/;
const LONGEST_START = 9;

/**
 * What may be kept of one TCP flow. It recognises RFB, HTTP/1, the WebSocket behind it, and TLS by their first bytes; of TLS
 * the headers of records stay, of everything else (HTTP/2, strangers) no payload byte.
 */
export class Conversation {
  readonly #modes: Record<FlowSide, Mode> = { client: { as: 'start' }, server: { as: 'start' } };
  readonly #onBlank: () => void;
  /** Requests whose answer has not begun. */
  #asked = 0;
  #wantsSocket = false;

  /** `onBlank` is told of each value that is overwritten. */
  constructor(onBlank: () => void) {
    this.#onBlank = onBlank;
  }

  isOver(side: FlowSide): boolean {
    return this.#modes[side].as === 'nothing';
  }

  /** From here on nothing of a direction is kept. */
  lose(side: FlowSide): void {
    this.#modes[side] = { as: 'nothing' };
  }

  /** So many bytes of a side are missing: they were not captured. What comes next is kept only where it can be known. */
  skip(side: FlowSide, count: number): void {
    const mode = this.#modes[side];
    if (mode.as === 'frames' || mode.as === 'records') mode.tape.skip(count);
    else if (mode.as === 'body' && mode.left > count) mode.left -= count;
    else if (mode.as !== 'answer') this.lose(side);
  }

  /** The next bytes of a side. Blanks in place; gives how many from the start may be kept. */
  take(side: FlowSide, bytes: Buffer): number {
    let at = 0;
    let kept = 0;
    while (at < bytes.length) {
      const rest = bytes.subarray(at);
      const mode = this.#modes[side];
      switch (mode.as) {
        case 'nothing':
          return kept;
        case 'start':
          this.#recognise(side, rest);
          break;
        case 'answer':
          if (this.#asked === 0) return kept;
          this.#recognise(side, rest);
          break;
        case 'body': {
          const passed = Math.min(mode.left, rest.length);
          mode.left -= passed;
          at += passed;
          if (mode.left === 0) this.#modes[side] = { as: 'start' };
          bytes.fill(0, at - passed, at);
          break;
        }
        case 'fields':
        case 'records':
        case 'frames': {
          const taken = mode.tape.take(rest);
          if (mode.tape.isOver) this.lose(side);
          return taken > 0 ? at + taken : kept;
        }
        case 'head': {
          const taken = mode.tape.take(rest);
          if (taken.type === 'foreign') {
            this.lose(side);
            return kept;
          }
          at += taken.kept;
          kept = at;
          if (taken.type === 'end') this.#read(side, taken.facts);
        }
      }
    }
    return kept;
  }

  #recognise(side: FlowSide, bytes: Buffer): void {
    const text = bytes.toString('latin1', 0, LONGEST_START);
    if (side === 'server' && text.startsWith(RFB)) {
      const opening = new RfbOpening(this.#onBlank);
      this.#modes.server = { as: 'fields', tape: opening.server };
      this.#modes.client = { as: 'fields', tape: opening.client };
      return;
    }
    if (TLS.test(text)) {
      this.#modes[side] = { as: 'records', tape: new RecordTape() };
      return;
    }
    const isHead = side === 'client' ? REQUEST.test(text) : this.#asked > 0 && ANSWER.test(text);
    if (!isHead) {
      this.lose(side);
      return;
    }
    this.#modes[side] = { as: 'head', tape: new HeadTape(this.#onBlank) };
  }

  #read(side: FlowSide, facts: HeadFacts): void {
    if (side === 'client') this.#asked += 1;
    if (side === 'client') this.#readRequest(facts);
    else this.#readAnswer(facts);
  }

  #readRequest({ headers }: HeadFacts): void {
    this.#wantsSocket = headers.get('upgrade')?.toLowerCase() === 'websocket';
    const left = Number(headers.get('content-length') ?? 0);
    if (headers.has('transfer-encoding') || !Number.isSafeInteger(left)) this.lose('client');
    else this.#modes.client = left > 0 ? { as: 'body', left } : { as: 'start' };
  }

  #readAnswer({ start, headers }: HeadFacts): void {
    const status = Number(start);
    if (status === 101 && this.#wantsSocket) {
      const isPlain = !headers.has('sec-websocket-extensions');
      const opening = isPlain ? new RfbOpening(this.#onBlank) : undefined;
      this.#modes.server = { as: 'frames', tape: new FrameTape(opening?.server) };
      this.#modes.client = { as: 'frames', tape: new FrameTape(opening?.client) };
      return;
    }
    if (status >= 200) this.#asked -= 1;
    this.#modes.server = status >= 200 ? { as: 'answer' } : { as: 'start' };
  }
}
