import type { Segment } from './decode.js';

/** Who dialled, and who answered. */
export type FlowSide = 'client' | 'server';

/** A segment in its place in the capture. */
export interface SeenSegment {
  /** Packet number, from 1. */
  readonly number: number;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly segment: Segment;
  /** Its last bytes were captured and have the shape of a sealed alert of TLS 1.3. */
  readonly endsSealed?: boolean;
}
