import type { IncomingMessage } from 'node:http';
import type { RefusalCode } from './refusals.js';
import type { Route } from './routes.js';
import { type RequestHead, single } from './upgrade-head.js';

/** No request has a body that says anything; what a client library adds is shorter than this. */
const MAX_BODY_BYTES = 1_024;
/** Said twice, each of these could be read one way by a proxy and another way here. */
const SINGLE_HEADERS: ReadonlySet<string> = new Set([
  'host',
  'origin',
  'upgrade',
  'authorization',
  'content-length',
  'transfer-encoding',
]);

/** What is wrong with a plain request, before anybody looks at what it asks for. */
export function requestProblem(request: IncomingMessage, route: Route): RefusalCode | undefined {
  const { method, headers } = request;
  if (isAmbiguous(request)) return 'request_malformed';
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > MAX_BODY_BYTES)
    return 'body_refused';
  if (route.to === 'nothing') return 'not_found';
  const isTaken = route.to === 'renew' ? method === 'POST' : method === 'GET' || method === 'HEAD';
  return isTaken ? undefined : 'method_refused';
}

/** What is wrong with an upgrade that node:http has read. */
export function upgradeProblem(request: IncomingMessage): RefusalCode | undefined {
  const { method, headers, httpVersion } = request;
  if (isAmbiguous(request)) return 'request_malformed';
  if (method !== 'GET') return 'method_refused';
  // A body would be one to a proxy that counts it, and the first frames to us.
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) return 'body_refused';
  return httpVersion === '1.1' ? handshakeProblem(request) : 'upgrade_required';
}

/** An upgrade that is no WebSocket handshake (RFC 6455 section 4.2.1), or one that no browser would accept from us. */
export function handshakeProblem({ headers }: Pick<RequestHead, 'headers'>): RefusalCode | undefined {
  const isHandshake =
    headers['sec-websocket-version'] === '13' &&
    /^[+/0-9A-Za-z]{22}==$/.test(single(headers, 'sec-websocket-key') ?? '');
  if (!isHandshake) return 'upgrade_required';
  const offered = single(headers, 'sec-websocket-protocol');
  return offered === undefined || mayChooseBinary(offered) ? undefined : 'subprotocol_refused';
}

/** A version that has another form on the wire, or a header that counts said twice. */
function isAmbiguous({ httpVersionMajor, rawHeaders }: IncomingMessage): boolean {
  if (httpVersionMajor !== 1) return true;
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    if (!SINGLE_HEADERS.has(name)) continue;
    if (seen.has(name)) return true;
    seen.add(name);
  }
  return false;
}

/** Whether an offer is a list of different tokens (RFC 6455 section 4.1) with `binary` among them. */
function mayChooseBinary(offer: string): boolean {
  const names = offer.split(',').map((name) => name.trim());
  return names.includes('binary') && names.every(isToken) && new Set(names).size === names.length;
}

/** A token of HTTP (RFC 9110 section 5.6.2). */
function isToken(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}
