import type { Hop } from '../../core/index.js';
import type { StreamReport } from '../../report/index.js';
import type { HeldStream } from '../hold/index.js';

/** A held stream as the report tells it. `blamed` is the hop that its end is laid to. */
export function streamReport(
  { planned, stream, end, opening, dialledAt, after, answeredAtEnd }: HeldStream,
  blamed: Hop | undefined,
): StreamReport {
  const isCut = end !== undefined && !end.bySelf;
  return {
    vantage: planned.vantage,
    mode: planned.mode,
    traffic: planned.traffic,
    ...(planned.session !== undefined && { session: planned.session }),
    openedAt: new Date(stream?.openedAt ?? dialledAt).toISOString(),
    heldMs: end?.atMs ?? 0,
    bytesIn: stream?.bytesIn ?? 0,
    bytesOut: stream?.bytesOut ?? 0,
    frames: stream?.frames ?? 0,
    pings: {
      sent: stream?.pingsSent ?? 0,
      answered: stream?.pingsAnswered ?? 0,
      p50Ms: stream?.rtt(50) ?? null,
      p99Ms: stream?.rtt(99) ?? null,
    },
    longestSilenceMs: Math.round(stream?.longestSilenceMs ?? 0),
    reconnects: isCut && after?.stage === 'open' ? 1 : 0,
    ...(answeredAtEnd === false && { frozen: true as const }),
    end: {
      by: end?.bySelf ? 'verify' : (blamed ?? 'unknown'),
      how: end?.how ?? 'none',
      code: end?.code ?? null,
      reason: end?.reason ?? opening.failure ?? '',
      atMs: end?.atMs ?? 0,
    },
  };
}
