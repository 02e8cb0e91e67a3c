import { commonTime, parseAccessLine } from './access.js';
import { objectIn, textOf } from './parse.js';

/** A line of the log of any proxy, reduced to what tells of an end. */
export interface EdgeLine {
  /** From 1, in the collected file. */
  readonly line: number;
  readonly by: 'traefik' | 'nginx' | 'haproxy';
  /** When the request ended, in milliseconds since the epoch of its own clock; NaN where the line has no time. */
  readonly endedAtMs: number;
  /** Undefined where the log does not say. */
  readonly durationMs: number | undefined;
  readonly status: number | undefined;
  readonly path: string | undefined;
  /** The client's end of the connection, where the line has it: `10.0.0.1:5000`. */
  readonly client: string | undefined;
  readonly wsKey: string | undefined;
  /** How it ended, as the proxy says; undefined where it does not. */
  readonly end: EdgeEnd | undefined;
}

interface EdgeEnd {
  /** In words. */
  readonly text: string;
  /** Who let go, as this proxy saw it: a side, or the proxy itself by one of its timers. */
  readonly by: 'client' | 'server' | 'timer' | 'proxy';
}

type Line = Omit<EdgeLine, 'line'>;

/** Lines of a log of Traefik, nginx (access and error log) or HAProxy, mixed as they come; what is none is skipped. */
export function parseEdgeLog(lines: readonly string[]): readonly EdgeLine[] {
  return lines.flatMap((text, index) => {
    const line = fromHaproxy(text) ?? fromNginxError(text) ?? fromNginxJson(text) ?? fromAccess(text);
    return line ? [{ line: index + 1, ...line }] : [];
  });
}

/** `10.0.0.1:58512 [26/Nov/2026:03:11:22.351] front back/s1 0/0/0/9/2010 101 132 - - cD-- 2/1/0/0/0 0/0 "GET /w HTTP/1.1"`, also behind a syslog head, and without status and request in TCP mode. */
const HAPROXY =
  /(?:^|\s)(\S+:\d+) \[(\d{2}\/[A-Z][a-z]{2}\/\d{4}:\d{2}:\d{2}:\d{2})\.(\d{3})\] \S+ \S+\/\S+ (-?\d+(?:\/-?\d+)*\/\+?-?\d+)(?: (-?\d+))? \+?\d+ (?:\S+ \S+ )?([A-Za-z-]{2,4}) [\d/+]+ [\d/]+(?: (?:\{[^}]*\} )*"\S+ (\S+)[^"]*")?/;
/** First letter of the termination state: what ended the session (HAProxy configuration manual, section 8.5). */
const HAPROXY_ENDS: Readonly<Record<string, EdgeEnd>> = {
  C: { text: 'the client side ended it', by: 'client' },
  S: { text: 'the server side ended it, or refused', by: 'server' },
  c: { text: 'the client side was silent for longer than its timeout', by: 'timer' },
  s: { text: 'the server side was silent for longer than its timeout', by: 'timer' },
  P: { text: 'the proxy refused it', by: 'proxy' },
  L: { text: 'the proxy answered by itself', by: 'proxy' },
  R: { text: 'a resource of the proxy was exhausted', by: 'proxy' },
  I: { text: 'the proxy failed', by: 'proxy' },
  D: { text: 'the proxy cut it: the server was marked down', by: 'proxy' },
  U: { text: 'the proxy cut it: a better server came back', by: 'proxy' },
  K: { text: 'an operator ended it', by: 'proxy' },
};

function fromHaproxy(text: string): Line | undefined {
  const [, client, time = '', ms, timers = '', status, state = '', path] = HAPROXY.exec(text) ?? [];
  if (client === undefined) return undefined;
  const total = Math.abs(Number(timers.slice(timers.lastIndexOf('/') + 1).replace('+', '')));
  const end = HAPROXY_ENDS[state[0]!];
  return {
    by: 'haproxy',
    // Its time is that of the accept, without a zone.
    endedAtMs: Date.parse(commonTime(`${time} +0000`)) + Number(ms) + total,
    durationMs: total,
    status: status === undefined || Number(status) < 100 ? undefined : Number(status),
    path,
    client,
    wsKey: undefined,
    end: end && { text: `${state}: ${end.text}`, by: end.by },
  };
}

/** `2026/11/26 03:11:24 [info] 7645#7645: *1 upstream timed out (110: Connection timed out) while proxying upgraded connection, client: …` */
const NGINX_ERROR = /^(\d{4})\/(\d{2})\/(\d{2}) (\d{2}:\d{2}:\d{2}) \[[a-z]+\] \d+#\d+: (?:\*\d+ )?(.*)$/s;
const NGINX_ENDS: readonly (readonly [RegExp, EdgeEnd['by']])[] = [
  [/^(?:upstream|client) timed out/, 'timer'],
  [/upstream prematurely closed|recv\(\) failed .*upstream|connect\(\) failed/, 'server'],
  [/client .*closed|recv\(\) failed .*client/, 'client'],
  [/exiting|gracefully shutting down|reconfiguring|worker process/, 'proxy'],
];

function fromNginxError(text: string): Line | undefined {
  const [, year, month, day, time, message] = NGINX_ERROR.exec(text) ?? [];
  if (message === undefined) return undefined;
  const said = message.replace(/, client: .*$/s, '');
  const by = NGINX_ENDS.find(([pattern]) => pattern.test(message))?.[1];
  return {
    by: 'nginx',
    endedAtMs: Date.parse(`${year}-${month}-${day}T${time}Z`),
    durationMs: undefined,
    status: undefined,
    path: /, request: "\S+ (\S+)/.exec(message)?.[1],
    client: undefined,
    wsKey: undefined,
    end: by && { text: said, by },
  };
}

/** A log_format of JSON, with nginx's own names of variables. */
function fromNginxJson(text: string): Line | undefined {
  const record = objectIn(text);
  if (!record || record['status'] === undefined || record['DownstreamStatus'] !== undefined) return undefined;
  const status = Number(record['status']);
  const at = textOf(record['time_iso8601']) ?? commonTime(textOf(record['time_local']) ?? '');
  if (!Number.isInteger(status) || Number.isNaN(Date.parse(at))) return undefined;
  const seconds = Number(record['request_time']);
  return {
    by: 'nginx',
    endedAtMs: Date.parse(at),
    durationMs: Number.isFinite(seconds) ? seconds * 1_000 : undefined,
    status,
    path: textOf(record['request_uri']) ?? textOf(record['uri']) ?? textOf(record['request'])?.split(' ')[1],
    client: undefined,
    wsKey: textOf(record['http_sec_websocket_key']),
    end: undefined,
  };
}

const SWITCHING = 101;

function fromAccess(text: string): Line | undefined {
  const line = parseAccessLine(text);
  if (!line) return undefined;
  const { status, durationMs, path, wsKey, router, startedAt } = line;
  // Traefik logs an upgrade as 0, and no request without its own fields in common log format.
  const by = text.startsWith('{') || router !== undefined || status === 0 ? 'traefik' : 'nginx';
  const isKnown = by === 'traefik' && status !== SWITCHING;
  return {
    by,
    endedAtMs: Date.parse(startedAt) + (isKnown ? durationMs : 0),
    durationMs: isKnown ? durationMs : undefined,
    status,
    path,
    client: undefined,
    wsKey,
    end: undefined,
  };
}
