import { objectIn, textOf } from './parse.js';

/** One line of Traefik's or the embedded ingress's access log. */
export interface AccessLine {
  /** From 1, in the collected file. */
  readonly line: number;
  /** ISO, as the log has it. */
  readonly startedAt: string;
  /** 0: upgraded, and ended since (or the client went away before an answer). */
  readonly status: number;
  /** Repeats Traefik's own 502, 504 and 499: no proof that the service spoke. */
  readonly originStatus: number;
  readonly durationMs: number;
  readonly path: string;
  readonly router: string | undefined;
  readonly service: string | undefined;
  readonly serviceAddr: string | undefined;
  /** Sec-WebSocket-Key: the id that joins client, Traefik and gateway. Absent in common log format. */
  readonly wsKey: string | undefined;
  /** Who connected: `10.0.0.1:54321`. Absent in common log format. */
  readonly client: string | undefined;
  /** Sec-WebSocket-Accept of the service: the proof of an upgrade. */
  readonly accept: string | undefined;
}

const NANOSECONDS_A_MILLISECOND = 1e6;

/** Lines of an access log, in JSON or in common log format; a line that is neither is skipped. */
export function parseAccessLog(lines: readonly string[]): readonly AccessLine[] {
  return lines.flatMap((text, index) => {
    const line = parseAccessLine(text);
    return line ? [{ line: index + 1, ...line }] : [];
  });
}

/** One line, without its number. */
export function parseAccessLine(text: string): Omit<AccessLine, 'line'> | undefined {
  return text.startsWith('{') ? fromJson(text) : fromCommon(text);
}

function fromJson(text: string): Omit<AccessLine, 'line'> | undefined {
  const record = objectIn(text);
  if (!record || typeof record['DownstreamStatus'] !== 'number') return undefined;
  return {
    startedAt: textOf(record['StartUTC']) ?? '',
    status: record['DownstreamStatus'],
    originStatus: Number(record['OriginStatus'] ?? 0),
    durationMs: Number(record['Duration'] ?? 0) / NANOSECONDS_A_MILLISECOND,
    path: textOf(record['RequestPath']) ?? '',
    router: textOf(record['RouterName']),
    service: textOf(record['ServiceName']),
    serviceAddr: textOf(record['ServiceAddr']),
    wsKey: textOf(record['request_Sec-Websocket-Key']),
    client: textOf(record['ClientAddr']),
    accept: textOf(record['origin_Sec-Websocket-Accept']),
  };
}

/** `127.0.0.1 - - [23/Nov/2026:15:31:49 +0000] "GET /ws/x HTTP/1.1" 0 0 "-" "-" 1 "ws@file" "http://127.0.0.1:7101" 1208ms` */
const COMMON =
  /^\S+ \S+ \S+ \[([^\]]+)\] "\S+ (\S+) [^"]*" (\d+|-) (?:\d+|-)(?: "[^"]*" "[^"]*"(?: \d+ "([^"]*)" "([^"]*)" (\d+)ms|.*)?)?\s*$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const COMMON_TIME = /^(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}:\d{2}:\d{2}) ([+-]\d{2})(\d{2})$/;

function fromCommon(text: string): Omit<AccessLine, 'line'> | undefined {
  const match = COMMON.exec(text);
  if (!match) return undefined;
  const [, time = '', path = '', status = '0', router, serviceUrl, duration] = match;
  const known = (value: string | undefined): string | undefined => (value === '-' ? undefined : textOf(value));
  return {
    startedAt: commonTime(time),
    status: Number(status) || 0,
    originStatus: 0,
    durationMs: Number(duration ?? 0),
    path,
    router: known(router),
    service: undefined,
    serviceAddr: known(serviceUrl)?.replace(/^\w+:\/\//, ''),
    wsKey: undefined,
    client: undefined,
    accept: undefined,
  };
}

/** A time of the common log format as ISO; the text itself where it is no time. */
export function commonTime(text: string): string {
  const [, day, month = '', year, time, hours, minutes] = COMMON_TIME.exec(text) ?? [];
  if (day === undefined || !MONTHS.includes(month)) return text;
  const number = String(MONTHS.indexOf(month) + 1).padStart(2, '0');
  return new Date(`${year}-${number}-${day}T${time}${hours}:${minutes}`).toISOString();
}
