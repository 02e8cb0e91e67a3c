import { createWriteStream } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Clock } from '../core/index.js';
import type { Routed } from './routes.js';

/** What is known when a request or a socket has ended. */
export interface Outcome {
  readonly routed: Routed | undefined;
  /** `127.0.0.1:6900`; undefined when no service was asked. */
  readonly serviceAddr: string | undefined;
  /** As answered; 0 for an upgraded socket, as Traefik writes it. */
  readonly downstreamStatus: number;
  readonly originStatus: number;
  /** Headers of the service's answer. */
  readonly origin: IncomingHttpHeaders;
  readonly contentSize: number;
}

/** Writes Traefik's JSON access-log fields, a line when a request or socket has ended. The query is never written. */
export class AccessLog implements AsyncDisposable {
  readonly #stream;

  constructor(file: string) {
    this.#stream = createWriteStream(file, { flags: 'a', mode: 0o600 });
  }

  /** Begins a request; the function writes its line. Times are nanoseconds, as in Traefik's log. */
  begin(request: IncomingMessage, clock: Clock): (outcome: Outcome) => void {
    const startUtc = new Date(clock.now()).toISOString();
    const path = (request.url ?? '').split('?', 1)[0]; // before a prefix is stripped from it
    const started = clock.monotonic();
    const socket = request.socket as TLSSocket;
    const client = `${socket.remoteAddress}:${socket.remotePort}`;
    const tlsVersion = socket.getProtocol?.()?.replace('TLSv', '');
    return (outcome) => {
      const { headers } = request;
      const line = {
        ClientAddr: client,
        ClientHost: socket.remoteAddress,
        DownstreamContentSize: outcome.contentSize,
        DownstreamStatus: outcome.downstreamStatus,
        Duration: Math.round((clock.monotonic() - started) * 1e6),
        OriginContentSize: outcome.contentSize,
        OriginStatus: outcome.originStatus,
        RequestAddr: headers.host,
        RequestMethod: request.method,
        RequestPath: path,
        RequestProtocol: `HTTP/${request.httpVersion}`,
        RequestScheme: 'https',
        RetryAttempts: 0,
        ...(outcome.routed && { RouterName: `${outcome.routed.router}@embedded` }),
        ...(outcome.serviceAddr !== undefined && {
          ServiceAddr: outcome.serviceAddr,
          ServiceName: `${outcome.routed?.service}@embedded`,
          ServiceURL: `http://${outcome.serviceAddr}`,
        }),
        StartUTC: startUtc,
        TLSVersion: tlsVersion,
        ...kept('request', headers),
        ...kept('origin', outcome.origin),
        ...kept('downstream', outcome.origin),
        time: new Date(clock.now()).toISOString(),
      };
      this.#stream.write(`${JSON.stringify(line)}\n`);
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#stream.end(resolve));
  }
}

/** Headers that are kept, spelt as Traefik spells its fields. */
const KEPT: Readonly<Record<string, string>> = {
  'sec-websocket-key': 'Sec-Websocket-Key',
  'sec-websocket-accept': 'Sec-Websocket-Accept',
  'sec-websocket-protocol': 'Sec-Websocket-Protocol',
  upgrade: 'Upgrade',
  'x-request-id': 'X-Request-Id',
};

function kept(side: string, headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(KEPT).flatMap(([name, field]) => {
      const value = headers[name];
      return value === undefined ? [] : [[`${side}_${field}`, String(value)]];
    }),
  );
}
