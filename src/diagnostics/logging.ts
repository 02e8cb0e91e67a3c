import type { EvidenceRef, Finding } from '../report/index.js';
import { CODES } from './codes.js';
import type { AccessLine } from './logs/index.js';

/** What verify did at an ingress whose access log it was given. */
export interface Logged {
  /** Sec-WebSocket-Keys of sockets that opened there and have ended. */
  readonly sockets: readonly string[];
  /** The path of the socket. */
  readonly path: string;
  readonly access: readonly AccessLine[];
  /** Wall clock, milliseconds since the epoch. */
  readonly sinceMs: number;
}

/** The log of Traefik may be written by a host whose clock is a little behind. */
const SLACK_MS = 2_000;

/** Sockets that ended without a line, though requests of the same run have one: a filter of the log, and no fault of the path. */
export function judgeLogging({ sockets, path, access, sinceMs }: Logged): Finding | undefined {
  const ours = access.filter(({ startedAt }) => !(Date.parse(startedAt) < sinceMs - SLACK_MS));
  const [plain] = ours.filter((line) => line.status !== 0 && withoutQuery(line.path) === path);
  const isLogged = ours.some((line) => isSocket(line, sockets, path));
  if (sockets.length === 0 || isLogged || !plain) return undefined;
  const { want, remedy, not } = CODES['CF-TRAEFIK-LOG'];
  const evidence: EvidenceRef = {
    file: 'traefik-access.log',
    line: plain.line,
    text: `a plain request to the same path, answered ${plain.status}, is logged`,
  };
  return {
    code: 'CF-TRAEFIK-LOG',
    hop: 'traefik',
    severity: 'info',
    confidence: 'proven',
    saw: `${sockets.length} sockets opened and ended well, and none has a line; a plain request to the same path has one. A socket is logged when it has ended, with status 0: no fault, and a filter drops it`,
    want,
    remedy,
    not,
    evidence: [evidence],
  };
}

/** A log that keeps no headers has no keys: status 0 on the path is a socket of somebody, so sockets are logged. */
function isSocket(line: AccessLine, keys: readonly string[], path: string): boolean {
  if (line.wsKey !== undefined) return keys.includes(line.wsKey);
  return line.status === 0 && withoutQuery(line.path) === path;
}

function withoutQuery(path: string): string {
  return path.replace(/[?#].*$/s, '');
}
