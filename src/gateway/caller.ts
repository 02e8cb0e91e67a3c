import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import { randomId } from '../core/index.js';
import { inNetwork } from './allowed-targets.js';

/** Who asks, as far as it can be believed. */
export interface Caller {
  /** The rightmost address that no configured proxy added. */
  readonly remote: string;
  readonly requestId: string;
  readonly wsKey: string | undefined;
  /** Host and port as the viewer typed them. */
  readonly host: string;
  readonly origin: string | undefined;
}

const REQUEST_ID = /^[A-Za-z0-9_.-]{1,64}$/;

/** Reads who asks; what proxies say is believed only from configured ones. */
export function callerReader(trustedProxies: readonly string[]): (request: IncomingMessage) => Caller {
  const networks = trustedProxies.map((entry) =>
    ipaddr.isValidCIDR(entry)
      ? ipaddr.parseCIDR(entry)
      : ipaddr.parseCIDR(`${entry}/${ipaddr.parse(entry).kind() === 'ipv4' ? 32 : 128}`),
  );
  const isTrusted = (address: string): boolean =>
    ipaddr.isValid(address) && networks.some((network) => inNetwork(ipaddr.process(address), network));
  return (request) => {
    const { headers } = request;
    const peer = plain(request.socket.remoteAddress ?? '');
    const trusted = isTrusted(peer);
    const given = trusted ? single(headers, 'x-request-id') : undefined;
    return {
      remote: trusted ? (forwardedFor(headers, isTrusted) ?? peer) : peer,
      requestId: given && REQUEST_ID.test(given) ? given : randomId(),
      wsKey: single(headers, 'sec-websocket-key'),
      host: (trusted && single(headers, 'x-forwarded-host')) || headers.host || '',
      origin: headers.origin,
    };
  };
}

/** An Origin that is present must be the host that the viewer typed, or be allowed by name. */
export function mayOpenFrom(caller: Caller, allowedOrigins: readonly string[]): boolean {
  if (caller.origin === undefined || allowedOrigins.includes('*')) return true;
  if (!URL.canParse(caller.origin)) return false;
  const origin = new URL(caller.origin);
  return origin.host === caller.host.toLowerCase() || allowedOrigins.includes(origin.origin);
}

function forwardedFor(headers: IncomingHttpHeaders, isTrusted: (address: string) => boolean): string | undefined {
  const chain =
    single(headers, 'x-forwarded-for')
      ?.split(',')
      .map((address) => plain(address.trim())) ?? [];
  return chain.findLast((address) => !isTrusted(address)) ?? chain[0];
}

function single(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Without the prefix of a mapped IPv4 address. */
function plain(address: string): string {
  return address.replace(/^::ffff:/i, '');
}
