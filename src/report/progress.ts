import { cut } from './width.js';
import { count, formatBytes, formatMs } from './words.js';

/** A hold while it runs; times in milliseconds. */
export interface HoldProgress {
  readonly elapsedMs: number;
  readonly durationMs: number;
  readonly open: number;
  readonly streams: number;
  readonly frames: number;
  readonly bytesIn: number;
  readonly longestSilenceMs: number;
  /** Streams that ended and could be dialled anew. */
  readonly reconnects: number;
}

/** One line of a hold that runs: how far it is, how it goes, and what comes next. */
export function renderProgress(facts: HoldProgress, columns: number): string {
  const { elapsedMs, durationMs, open, streams, frames, bytesIn, longestSilenceMs, reconnects } = facts;
  return cut(
    [
      `holding ${formatMs(elapsedMs)} of ${formatMs(durationMs)}`,
      `${open}/${count(streams, 'stream')}`,
      count(frames, 'frame'),
      formatBytes(bytesIn),
      `longest silence ${formatMs(longestSilenceMs)}`,
      ...(reconnects > 0 ? [count(reconnects, 'reconnect')] : []),
    ]
      .join(', ')
      .concat('; next: evidence'),
    columns,
  );
}
