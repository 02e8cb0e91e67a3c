/** One line of a service's JSON log. `line` counts from 1 in the collected file. */
export interface ServiceLine {
  readonly line: number;
  readonly time: string;
  readonly event: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** One line of Traefik's or the embedded ingress's JSON access log. */
export interface AccessLine {
  readonly line: number;
  readonly startedAt: string;
  readonly status: number;
  readonly originStatus: number;
  readonly durationMs: number;
  readonly path: string;
  readonly router: string | undefined;
  readonly service: string | undefined;
  readonly serviceAddr: string | undefined;
  readonly wsKey: string | undefined;
  /** Sec-WebSocket-Accept of the service: the proof of an upgrade. */
  readonly accept: string | undefined;
}

export function parseServiceLog(lines: readonly string[]): readonly ServiceLine[] {
  return lines.flatMap((text, index) => {
    const record = objectIn(text);
    if (!record || typeof record['event'] !== 'string') return [];
    const { time, event, ...facts } = record;
    return [{ line: index + 1, time: String(time), event, facts }];
  });
}

const NANOSECONDS_A_MILLISECOND = 1e6;

export function parseAccessLog(lines: readonly string[]): readonly AccessLine[] {
  return lines.flatMap((text, index) => {
    const record = objectIn(text);
    if (!record || typeof record['DownstreamStatus'] !== 'number') return [];
    return [
      {
        line: index + 1,
        startedAt: String(record['StartUTC'] ?? ''),
        status: record['DownstreamStatus'],
        originStatus: Number(record['OriginStatus'] ?? 0),
        durationMs: Number(record['Duration'] ?? 0) / NANOSECONDS_A_MILLISECOND,
        path: String(record['RequestPath'] ?? ''),
        router: textOf(record['RouterName']),
        service: textOf(record['ServiceName']),
        serviceAddr: textOf(record['ServiceAddr']),
        wsKey: textOf(record['request_Sec-Websocket-Key']),
        accept: textOf(record['origin_Sec-Websocket-Accept']),
      },
    ];
  });
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined; // not a line of ours
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
