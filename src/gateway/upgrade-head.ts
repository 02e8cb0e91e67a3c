import type { Buffer } from 'node:buffer';

/** What of a request decides about an upgrade; names of headers are lower case, as node:http gives them. */
export interface RequestHead {
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A header's one value; the first, where it was said more than once. */
export function single(headers: RequestHead['headers'], name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** A whole head, and how many bytes it takes. */
export interface UpgradeHead extends RequestHead {
  readonly length: number;
}

/** The longest head that is waited for here. */
const MAX_HEAD_BYTES = 16_384;
const END = '\r\n\r\n';
const START = 'GET /';
/** A GET of HTTP/1.1 in visible ASCII: no folded line, no lone CR or LF, no byte that a proxy might read another way. */
const CLEAN = /^GET (\/[\x21-\x7e]*) HTTP\/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e]*\r\n)+\r\n$/;
/** With one of these the request has a body, or wants something before the answer. */
const NOT_OURS = ['content-length', 'transfer-encoding', 'expect', 'te', 'http2-settings'];

/**
 * Reads the head of a WebSocket handshake (RFC 6455 section 4.1) where it is beyond doubt one: every header once, no body,
 * nothing but visible ASCII. `other`: whatever else it is, node:http is to read it. Nothing of `bytes` is kept.
 */
export function readUpgradeHead(bytes: Buffer): UpgradeHead | 'incomplete' | 'other' {
  const end = bytes.indexOf(END, 0, 'latin1');
  if (end < 0) return startsLikeOne(bytes) ? 'incomplete' : 'other';
  const length = end + END.length;
  if (length > MAX_HEAD_BYTES) return 'other';
  const text = bytes.toString('latin1', 0, length);
  const url = CLEAN.exec(text)?.[1];
  if (url === undefined) return 'other';
  const headers = headersOf(text, bytes);
  if (!headers || NOT_OURS.some((name) => name in headers) || !asksForWebSocket(headers)) return 'other';
  const at = START.length - 1;
  return { url: bytes.toString('latin1', at, at + url.length), headers, length };
}

/** Whether more may make it one. A lone LF ends a line for some: node:http refuses it. */
function startsLikeOne(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, MAX_HEAD_BYTES);
  const isOurs = start.startsWith(START) || START.startsWith(start);
  return bytes.length < MAX_HEAD_BYTES && isOurs && !/(^|[^\r])\n/.test(start);
}

/** Values are cut from the bytes: a part of the text would keep all of it, and the token in it, for as long as it lives. */
function headersOf(text: string, bytes: Buffer): Record<string, string> | undefined {
  const headers: Record<string, string> = Object.create(null);
  let at = text.indexOf('\r\n') + 2;
  for (let end = text.indexOf('\r\n', at); end > at; at = end + 2, end = text.indexOf('\r\n', at)) {
    const colon = text.indexOf(':', at);
    const name = text.slice(at, colon).toLowerCase();
    if (name in headers) return undefined;
    let [from, to] = [colon + 1, end];
    while (from < to && isBlank(text.charCodeAt(from))) from += 1;
    while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
    headers[name] = bytes.toString('latin1', from, to);
  }
  return headers;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function asksForWebSocket(headers: Readonly<Record<string, string>>): boolean {
  const isUpgrade = headers['connection']
    ?.toLowerCase()
    .split(',')
    .some((word) => word.trim() === 'upgrade');
  return headers['host'] !== undefined && isUpgrade === true && headers['upgrade']?.toLowerCase() === 'websocket';
}
