import type { AccessLine } from './access.js';

/** A request of verify, as an access log can tell it apart. */
export interface OwnRequest {
  /** Sec-WebSocket-Key; empty where it is not known, and in a request without an upgrade. */
  readonly key: string;
  readonly path: string;
  /** 0 where there was no answer, or a socket. */
  readonly status: number;
  /** Wall clock, milliseconds since the epoch. */
  readonly from: number;
  readonly until: number;
}

/** The log has whole seconds in the common format, and the clock of its host. */
const SLACK_MS = 1_500;
/** Traefik's own status where the client left before an answer. */
const CLIENT_LEFT = 499;

/**
 * The line that an ingress wrote of a request: by the key of its handshake; where the log keeps no headers, by path, time
 * and status, if only one line has them.
 */
export function ownLine(
  lines: readonly AccessLine[],
  { key, path, status, from, until }: OwnRequest,
): AccessLine | undefined {
  const keyed = key === '' ? undefined : lines.find(({ wsKey }) => wsKey === key);
  if (keyed) return keyed;
  const alike = lines.filter((line) => {
    const at = Date.parse(line.startedAt);
    if ((line.wsKey !== undefined && key !== '') || !(at >= from - SLACK_MS && at <= until + SLACK_MS)) return false;
    return withoutQuery(line.path) === withoutQuery(path) && (line.status === status || isLeft(line.status, status));
  });
  return alike.length === 1 ? alike[0] : undefined;
}

function isLeft(logged: number, seen: number): boolean {
  return seen === 0 && logged === CLIENT_LEFT;
}

/** A log may leave the query out, for the token in it. */
function withoutQuery(path: string): string {
  return path.replace(/[?#].*$/s, '');
}
