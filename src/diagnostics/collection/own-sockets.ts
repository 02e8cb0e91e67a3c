import type { HoldResult } from '../hold/index.js';

/** A WebSocket of the hold as others may have seen it: times on our clock. */
export interface OwnSocket {
  readonly key: string;
  readonly path: string | undefined;
  readonly localPort: number | undefined;
  /** The connection began. */
  readonly dialledAt: number;
  /** The request of the upgrade left. */
  readonly askedAt: number;
  /** The 101 came. */
  readonly openedAt: number;
  readonly endedAt: number | undefined;
}

/** The sockets that a hold had open. */
export function ownSockets(hold: HoldResult | undefined): readonly OwnSocket[] {
  return (hold?.streams ?? []).flatMap(({ planned: { target }, stream, opening, dialledAt, end }): OwnSocket[] => {
    if (!stream?.key) return [];
    const connecting = dialledAt + (opening.dns?.tookMs ?? 0);
    const askedAt = connecting + (opening.tcp?.tookMs ?? 0) + (opening.tls?.tookMs ?? 0);
    return [
      {
        key: stream.key,
        path: target.kind === 'socket' ? target.url.pathname : undefined,
        localPort: opening.localPort,
        dialledAt: connecting,
        askedAt,
        openedAt: askedAt + (opening.http?.tookMs ?? 0),
        endedAt: end?.at,
      },
    ];
  });
}
