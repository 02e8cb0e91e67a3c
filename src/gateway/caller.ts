import { randomFillSync } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { CamofleetError } from '../core/index.js';
import { inNetwork } from './allowed-targets.js';
import { type RequestHead, single } from './upgrade-head.js';

type Headers = RequestHead['headers'];

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

/** A key has 24 characters; of what is none, the log shows no more than this. */
const MAX_KEY_LENGTH = 64;
const REQUEST_ID = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * Reads who asks; what proxies say is believed only from configured ones. Throws CF_CONFIG_INVALID for an entry that is
 * neither an address nor a network.
 */
export function callerReader(
  trustedProxies: readonly string[],
): (request: Pick<RequestHead, 'headers'>, socket: { readonly remoteAddress?: string | undefined }) => Caller {
  const networks = trustedProxies.map(parseNetwork);
  const isTrusted = (address: string): boolean =>
    networks.length > 0 &&
    ipaddr.isValid(address) &&
    networks.some((network) => inNetwork(ipaddr.process(address), network));
  return ({ headers }, { remoteAddress }) => {
    const peer = plain(remoteAddress ?? '');
    const trusted = isTrusted(peer);
    const given = trusted ? single(headers, 'x-request-id') : undefined;
    const forwardedHost = trusted ? single(headers, 'x-forwarded-host')?.split(',')[0]?.trim() : undefined;
    return {
      remote: trusted ? forwardedFor(headers, peer, isTrusted) : peer,
      requestId: given && REQUEST_ID.test(given) ? given : newId(),
      wsKey: single(headers, 'sec-websocket-key')?.slice(0, MAX_KEY_LENGTH),
      host: (forwardedHost || single(headers, 'host') || '').toLowerCase(),
      origin: single(headers, 'origin'),
    };
  };
}

/** An Origin that is present must be the host that the viewer typed, or be allowed by name. */
export function mayOpenFrom(caller: Caller, allowedOrigins: readonly string[]): boolean {
  if (caller.origin === undefined || allowedOrigins.includes('*')) return true;
  if (!URL.canParse(caller.origin)) return false;
  const { origin, protocol, host } = new URL(caller.origin);
  const own = `${protocol}//${caller.host}`; // parsed, so that a port that goes without saying does not differ
  return allowedOrigins.includes(origin) || (host !== '' && URL.canParse(own) && new URL(own).host === host);
}

const ID_BYTES = 16;
const entropy = { bytes: Buffer.alloc(256 * ID_BYTES), at: Infinity };

/** 128 random bits in hexadecimal. A UUID is put together from parts that Node keeps apart, at 500 bytes a session. */
function newId(): string {
  if (entropy.at >= entropy.bytes.length) {
    randomFillSync(entropy.bytes);
    entropy.at = 0;
  }
  const from = entropy.at;
  entropy.at += ID_BYTES;
  return entropy.bytes.toString('hex', from, entropy.at);
}

function parseNetwork(entry: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (ipaddr.isValidCIDR(entry)) return ipaddr.parseCIDR(entry);
  if (!ipaddr.isValid(entry))
    throw new CamofleetError(
      'CF_CONFIG_INVALID',
      `trusted proxy ${JSON.stringify(entry)} is neither an address nor a network (CAMOFLEET_GATEWAY_TRUSTED_PROXIES)`,
    );
  const address = ipaddr.process(entry);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** Walks X-Forwarded-For from the right, past our own proxies; an entry that is no address ends the walk. */
function forwardedFor(headers: Headers, peer: string, isTrusted: (address: string) => boolean): string {
  const chain = single(headers, 'x-forwarded-for')?.split(',') ?? [];
  let remote = peer;
  for (const entry of chain.toReversed()) {
    const address = plain(entry.trim());
    if (!ipaddr.isValid(address)) return remote;
    remote = address;
    if (!isTrusted(address)) return remote;
  }
  return remote;
}

/** Without the prefix of a mapped IPv4 address. */
function plain(address: string): string {
  return address.replace(/^::ffff:/i, '');
}
