import { type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import { acceptFor, newKey } from '../../websocket/index.js';
import { fail } from './connect.js';
import type { DialFacts } from './facts.js';

export interface UpgradeOptions {
  readonly url: URL;
  readonly origin: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Characters of a refusal's body that are kept. */
const MAX_BODY = 2_048;

/** A WebSocket handshake on an open socket: the bytes behind the 101, or undefined with the refusal in `facts`. */
export function upgrade(socket: Socket, options: UpgradeOptions, facts: DialFacts): Promise<Buffer | undefined> {
  facts.stage = 'http';
  const began = performance.now();
  const key = newKey();
  const { url } = options;
  return new Promise((resolve) => {
    const asked = request({
      createConnection: () => socket,
      host: url.hostname,
      port: url.port,
      path: `${url.pathname}${url.search}`,
      headers: {
        host: url.host,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': key,
        'sec-websocket-protocol': 'binary',
        ...(options.origin !== undefined && { origin: options.origin }),
        ...options.headers,
      },
      signal: options.signal,
    });
    const note = (response: IncomingMessage, body: string): void => {
      const headers = Object.fromEntries(
        Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
      );
      facts.http = {
        status: response.statusCode ?? 0,
        headers,
        body,
        key,
        wantedAccept: acceptFor(key),
        tookMs: performance.now() - began,
      };
    };
    asked.once('upgrade', (response, _socket, head) => {
      note(response, '');
      resolve(head);
    });
    asked.once('response', (response) => {
      let body = '';
      note(response, body);
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body = (body + text).slice(0, MAX_BODY);
      });
      response.once('close', () => {
        note(response, body);
        facts.failure = `answered ${response.statusCode} instead of 101`;
        socket.destroy();
        resolve(undefined);
      });
    });
    asked.once('error', (error) => {
      if (!facts.http) fail(facts, error);
      resolve(undefined);
    });
    asked.end();
  });
}
