import type { SeenSegment } from './segments.js';

/** One direction of a flow. */
export interface DirectionFacts {
  readonly packets: number;
  /** Payload on the wire, retransmissions included. */
  readonly bytes: number;
  readonly retransmissions: number;
  /** Times that this side announced that it reads no more for now. */
  readonly zeroWindows: number;
  /** Since when it has read no more, to its last packet; null where it reads. */
  readonly shutSinceMs: number | null;
  readonly lastDataAtMs: number | null;
}

/** Counts one direction of a flow, segment by segment. */
export class Direction {
  /** Segments with data so far. */
  dataSegments = 0;
  /** Number of the last packet with data. */
  lastDataPacket: number | undefined;
  #packets = 0;
  #bytes = 0;
  #retransmissions = 0;
  #zeroWindows = 0;
  #lastDataAtMs: number | null = null;
  /** Sequence number behind the furthest byte seen. */
  #next: number | undefined;
  #shutSinceMs: number | null = null;

  count({ number, atMs, segment }: SeenSegment): void {
    const { payloadLength: length, sequence } = segment;
    this.#packets += 1;
    if (segment.rst) return;
    const isShut = segment.window === 0 && !segment.syn;
    if (isShut && this.#shutSinceMs === null) this.#zeroWindows += 1;
    this.#shutSinceMs = isShut ? (this.#shutSinceMs ?? atMs) : null;
    const end = (sequence + length + (segment.syn ? 1 : 0) + (segment.fin ? 1 : 0)) >>> 0;
    const ahead = this.#next === undefined ? 1 : (end - this.#next) | 0;
    if (length > 0) {
      this.dataSegments += 1;
      this.lastDataPacket = number;
      this.#bytes += length;
      this.#lastDataAtMs = atMs;
      // One byte that was sent before is a keepalive probe, not a loss.
      if (ahead <= 0 && length > 1) this.#retransmissions += 1;
    }
    if (ahead > 0) this.#next = end;
  }

  facts(): DirectionFacts {
    return {
      packets: this.#packets,
      bytes: this.#bytes,
      retransmissions: this.#retransmissions,
      zeroWindows: this.#zeroWindows,
      shutSinceMs: this.#shutSinceMs,
      lastDataAtMs: this.#lastDataAtMs,
    };
  }
}
