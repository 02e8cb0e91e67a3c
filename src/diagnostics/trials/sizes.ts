import type { Stage } from '../probe/facts.js';

/** Sides of the squares that are asked for, in pixels of four bytes: 4 bytes to 64 KiB, with steps where paths have walls. */
export const SIDES: readonly number[] = [1, 11, 17, 18, 19, 128];
/** Of a picture: the head of the update and of its rectangle; then TCP, IP, and what a tunnel takes. */
const HEAD_BYTES = 16;
const BYTES_A_PIXEL = 4;

/** How far a dial came that asked for a square of the picture. */
export interface SizeTrial {
  readonly side: number;
  readonly stage: Stage;
  /** It was on its way when time was up. */
  readonly isFlowing?: boolean;
}

/** A size of messages below which they come and above which they do not; undefined where sizes make no difference. */
export function wall(trials: readonly SizeTrial[]): { readonly passes: number; readonly vanishes: number } | undefined {
  const came = trials.filter(({ stage }) => stage === 'open').map(({ side }) => side);
  const lost = trials.filter(({ stage, isFlowing }) => stage === 'frame' && !isFlowing).map(({ side }) => side);
  if (came.length === 0 || lost.length === 0) return undefined;
  const [most, least] = [Math.max(...came), Math.min(...lost)];
  return most < least ? { passes: bytesOf(most), vanishes: bytesOf(least) } : undefined;
}

function bytesOf(side: number): number {
  return side * side * BYTES_A_PIXEL + HEAD_BYTES;
}
