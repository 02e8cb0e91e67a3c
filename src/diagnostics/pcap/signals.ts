import type { Segment } from './decode.js';
import type { FlowSide, SeenSegment } from './segments.js';

/** One way to say goodbye, on the wire. An `alert` is a TLS alert in clear text that is no close_notify. */
export interface CloseSignal {
  readonly packet: number;
  readonly atMs: number;
  readonly by: FlowSide;
  readonly how: 'close_frame' | 'close_notify' | 'alert' | 'fin' | 'rst';
  /** The code of a close frame, the number of an alert (RFC 8446 section 6). */
  readonly code?: number;
}

/** In one packet, what is said comes before the FIN that rides on it. */
const ORDER: readonly CloseSignal['how'][] = ['close_frame', 'alert', 'close_notify', 'fin', 'rst'];
const TLS_ALERT = 0x15;
const TLS_DATA = 0x17;
const TLS_HEADER = 5;
const CLOSE_NOTIFY = 0;
const CLEAR_ALERT = 2;
/** An alert of TLS 1.3 looks like data: two bytes, their type and a tag of 16. A small message may have the same size. */
const SEALED_ALERT = 19;
const WS_CLOSE = 0x88;
const WS_MASKED = 0x80;
const MAX_CONTROL_PAYLOAD = 125;

/**
 * The goodbyes of one flow, the first of each kind and side. What looks like the close_notify of TLS 1.3 counts only when
 * nothing of its side came after it.
 */
export class CloseSignals {
  readonly #first = new Map<string, CloseSignal>();
  /** By side, the last record that has the size of an alert. */
  readonly #sealed: Record<FlowSide, CloseSignal | undefined> = { client: undefined, server: undefined };

  noteFlags(by: FlowSide, { number, atMs, segment }: SeenSegment): void {
    if (segment.fin) this.#note({ packet: number, atMs, by, how: 'fin' });
    if (segment.rst) this.#note({ packet: number, atMs, by, how: 'rst' });
  }

  /** A short segment in a TLS flow, or as much of it as was captured. */
  noteTls(by: FlowSide, seen: SeenSegment, record: Buffer): void {
    const { number: packet, atMs, segment } = seen;
    const length = record.length < TLS_HEADER ? SEALED_ALERT : record.readUInt16BE(TLS_HEADER - 2);
    const type = record[0] ?? TLS_DATA;
    if (type === TLS_ALERT) {
      const code = length === CLEAR_ALERT ? (record[TLS_HEADER + 1] ?? CLOSE_NOTIFY) : CLOSE_NOTIFY;
      this.#note(
        code === CLOSE_NOTIFY ? { packet, atMs, by, how: 'close_notify' } : { packet, atMs, by, how: 'alert', code },
      );
    }
    const isSealed =
      segment.payloadLength === TLS_HEADER + SEALED_ALERT && type === TLS_DATA && length === SEALED_ALERT;
    if (isSealed || seen.endsSealed) this.#sealed[by] = { packet, atMs, by, how: 'close_notify' };
  }

  /** A short segment behind an upgrade: it is a close frame, or none. */
  noteFrame(by: FlowSide, { number: packet, atMs, segment }: SeenSegment, frame: Buffer): void {
    const second = frame[1];
    if (frame[0] !== WS_CLOSE || second === undefined) return;
    const isMasked = (second & WS_MASKED) !== 0;
    const length = second & 0x7f;
    const from = isMasked ? 6 : 2;
    // Of a side that does not mask as it must, or of another size, it is a segment that happens to begin so.
    if (isMasked !== (by === 'client') || length > MAX_CONTROL_PAYLOAD || segment.payloadLength !== from + length)
      return;
    const hasCode = length >= 2 && frame.length >= from + 2;
    const code = hasCode ? frame.readUInt16BE(from) ^ (isMasked ? frame.readUInt16BE(2) : 0) : undefined;
    this.#note({ packet, atMs, by, how: 'close_frame', ...(code !== undefined && { code }) });
  }

  /** In the order of the capture; `isLast` says whether nothing came of its side behind a packet. */
  list(isLast: (signal: CloseSignal) => boolean): readonly CloseSignal[] {
    const known = [...this.#first.values()];
    const added = Object.values(this.#sealed).filter(
      (one) => one && isLast(one) && !known.some(({ by, how }) => by === one.by && how === one.how),
    );
    return [...known, ...added.filter((one) => one !== undefined)].toSorted(
      (a, b) => a.packet - b.packet || ORDER.indexOf(a.how) - ORDER.indexOf(b.how),
    );
  }

  #note(signal: CloseSignal): void {
    const key = `${signal.by} ${signal.how}`;
    if (!this.#first.has(key)) this.#first.set(key, signal);
  }
}

/** The last record of a segment has the size of a sealed alert: data and close_notify often leave in one. */
export function endsSealed(data: Buffer, { payloadAt, payloadLength }: Segment): boolean {
  const at = payloadAt + payloadLength - TLS_HEADER - SEALED_ALERT;
  if (at <= payloadAt || data.length < payloadAt + payloadLength) return false;
  return data[at] === TLS_DATA && data[at + 1] === 3 && data[at + 3] === 0 && data[at + 4] === SEALED_ALERT;
}

/** The goodbyes in words, of at most the first four: who, how, how long after the first. */
export function describeSignals(signals: readonly CloseSignal[]): string {
  const [first] = signals;
  if (!first) return 'no goodbye';
  const words = signals.slice(0, MAX_DESCRIBED).map((one) => {
    const after = one === first ? '' : ` +${(one.atMs - first.atMs).toFixed(1)} ms`;
    return `${NAMES[one.how]}${one.code === undefined ? '' : ` ${one.code}`} by ${SIDES[one.by]}${after}`;
  });
  return words.join(', ');
}

const MAX_DESCRIBED = 4;
const NAMES: Readonly<Record<CloseSignal['how'], string>> = {
  close_frame: 'close frame',
  close_notify: 'close_notify',
  alert: 'TLS alert',
  fin: 'FIN',
  rst: 'RST',
};
const SIDES: Readonly<Record<FlowSide, string>> = { client: 'the dialling side', server: 'the answering side' };
