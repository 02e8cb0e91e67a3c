import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { nodeHttp } from '../../core/index.js';
import { printable } from '../../rfb/index.js';
import { acceptFor, newKey } from '../../websocket/index.js';
import { fail } from './connect.js';
import type { DialFacts } from './facts.js';
import { whenAborted, whyAborted } from './limit.js';

export interface UpgradeOptions {
  readonly url: URL;
  readonly origin: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** What a viewer offers: older ones `binary`, newer ones nothing. */
  readonly subprotocols?: readonly string[] | undefined;
  readonly signal: AbortSignal;
}

type HttpFacts = NonNullable<DialFacts['http']>;

const SUBPROTOCOLS: readonly string[] = ['binary'];
/** Characters of a refusal's body that are kept. */
const MAX_BODY = 2_048;
/** The first byte of a TLS alert, which a TLS server answers to a request in the clear. */
const TLS_ALERT = 0x15;

/** A WebSocket handshake on an open socket: the bytes behind the 101, or undefined with the refusal in `facts`. */
export async function upgrade(socket: Socket, options: UpgradeOptions, facts: DialFacts): Promise<Buffer | undefined> {
  const head = await exchange(socket, options, upgradeHeaders(options), facts);
  if (facts.http?.status === 101) facts.stage = 'upgrade';
  const failure = facts.http && (head ? flawOf(facts.http, options) : refusal(facts.http));
  if (failure !== undefined) facts.failure = failure;
  else if (head) return head;
  socket.destroy();
  return undefined;
}

/** The same request without a word of an upgrade: what the place says to whoever just looks. */
export async function lookAt(socket: Socket, options: UpgradeOptions, facts: DialFacts): Promise<void> {
  await exchange(socket, options, { connection: 'close' }, facts);
  socket.destroy();
}

/** One request and its answer, which lands in `facts`; the bytes behind a 101 that switches. */
async function exchange(
  socket: Socket,
  { url, origin, headers, signal }: UpgradeOptions,
  own: Readonly<Record<string, string>>,
  facts: DialFacts,
): Promise<Buffer | undefined> {
  facts.stage = 'http';
  const key = own['sec-websocket-key'] ?? '';
  const began = performance.now();
  try {
    const asked = nodeHttp().request({
      createConnection: () => socket,
      host: url.hostname,
      port: url.port,
      path: `${url.pathname}${url.search}`,
      headers: { host: url.host, ...own, ...(origin !== undefined && { origin }), ...headers },
    });
    const { response, head, body } = await answerTo(asked, signal);
    facts.http = { ...describe(response, body), key, wantedAccept: acceptFor(key), tookMs: performance.now() - began };
    return head;
  } catch (error) {
    failHttp(facts, error);
    return undefined;
  }
}

function upgradeHeaders({ subprotocols = SUBPROTOCOLS }: UpgradeOptions): Readonly<Record<string, string>> {
  return {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': newKey(),
    ...(subprotocols.length > 0 && { 'sec-websocket-protocol': subprotocols.join(', ') }),
  };
}

interface Answer {
  readonly response: IncomingMessage;
  /** Present behind a 101. */
  readonly head?: Buffer;
  readonly body: string;
}

/** The answer, as soon as it has come or its body is longer than what is kept. */
function answerTo(asked: ClientRequest, signal: AbortSignal): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  asked.once('upgrade', (response, _socket, head) => resolve({ response, head, body: '' }));
  let late = (): void => reject(new Error(whyAborted(signal, 'an answer to the upgrade')));
  asked.once('response', (response) => {
    let body = '';
    const whole = (): void => resolve({ response, body: body.slice(0, MAX_BODY) });
    late = whole; // a status is an answer, however much of its body is missing
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      body += text;
      if (body.length >= MAX_BODY) whole();
    });
    response.on('error', whole);
    response.once('close', whole);
  });
  asked.on('error', reject);
  asked.end();
  const release = whenAborted(signal, () => late());
  return promise.finally(release);
}

function describe(response: IncomingMessage, body: string): Pick<HttpFacts, 'status' | 'headers' | 'body'> {
  const headers = Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
  return { status: response.statusCode ?? 0, headers, body };
}

function refusal({ status, headers }: HttpFacts): string {
  if (status === 101) return 'answered 101 without the headers Upgrade and Connection of a switch';
  const location = headers['location'];
  const to = location !== undefined && status >= 300 && status < 400 ? `, and points to ${withoutQuery(location)}` : '';
  return `answered ${status} instead of 101${to}`;
}

/** A query may hold a token. */
function withoutQuery(location: string): string {
  return location.replace(/[?#].*$/s, '');
}

/** What a browser rejects in an answer of 101 (RFC 6455 section 4.1); undefined when the socket is open. */
function flawOf(
  { headers, wantedAccept }: HttpFacts,
  { subprotocols, headers: own }: UpgradeOptions,
): string | undefined {
  const { upgrade: protocol = 'none' } = headers;
  if (protocol.toLowerCase() !== 'websocket') return `switched to ${protocol}, wanted websocket`;
  const accept = headers['sec-websocket-accept'];
  if (accept !== wantedAccept) return `Sec-WebSocket-Accept is ${accept ?? 'missing'}, wanted ${wantedAccept}`;
  const subprotocol = headers['sec-websocket-protocol'];
  const offered = subprotocols ?? SUBPROTOCOLS;
  if (subprotocol !== undefined && !offered.includes(subprotocol))
    return `the subprotocol is ${subprotocol}, and ${offered.length > 0 ? `only ${offered.join(', ')}` : 'none'} was offered`;
  const extensions = offersExtensions(own) ? undefined : headers['sec-websocket-extensions'];
  return extensions === undefined ? undefined : `the extension ${extensions} was agreed on, and none was offered`;
}

function offersExtensions(headers: UpgradeOptions['headers']): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'sec-websocket-extensions');
}

/** A peer that does not speak HTTP is quoted. */
function failHttp(facts: DialFacts, error: unknown): void {
  fail(facts, error);
  const said = error instanceof Error && 'rawPacket' in error ? error.rawPacket : undefined;
  if (!Buffer.isBuffer(said) || said.length === 0 || said.toString('latin1', 0, 5) === 'HTTP/') return;
  facts.failure =
    said[0] === TLS_ALERT
      ? 'wanted HTTP, got a TLS alert: the port speaks TLS, dial it with wss://'
      : `wanted HTTP, got ${printable(said)}`;
}
