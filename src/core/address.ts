import { BlockList, isIP, isIPv6 } from 'node:net';

const LOOPBACK = loopbackAddresses();

/** True for 127.0.0.0/8, ::1 (also mapped, also in brackets) and the name localhost. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  const kind = isIP(bare);
  return kind === 0 ? bare === 'localhost' : LOOPBACK.check(bare, kind === 4 ? 'ipv4' : 'ipv6');
}

function loopbackAddresses(): BlockList {
  const list = new BlockList();
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addAddress('::1', 'ipv6');
  return list;
}

/** True for addresses that no router of the internet passes on: RFC 1918, RFC 6598 and RFC 4193. */
export function isPrivate(address: string): boolean {
  const kind = isIP(address);
  return kind !== 0 && PRIVATE.check(address, kind === 4 ? 'ipv4' : 'ipv6');
}

const PRIVATE = privateAddresses();

function privateAddresses(): BlockList {
  const list = new BlockList();
  list.addSubnet('10.0.0.0', 8, 'ipv4');
  list.addSubnet('172.16.0.0', 12, 'ipv4');
  list.addSubnet('192.168.0.0', 16, 'ipv4');
  list.addSubnet('100.64.0.0', 10, 'ipv4');
  list.addSubnet('fc00::', 7, 'ipv6');
  return list;
}

const MAX_NAME_LENGTH = 253;

/** True for an IP address and for a name that means the same in a URL as it does here; no port, no brackets. */
export function isHost(text: string): boolean {
  if (isIPv6(text)) return !text.includes('%');
  if (!/^[A-Za-z0-9._-]+$/.test(text) || text.length > MAX_NAME_LENGTH) return false;
  const url = `http://${text}`;
  return URL.canParse(url) && new URL(url).hostname === text.toLowerCase();
}

/** True for an IP address and for a network in CIDR notation. */
export function isNetwork(text: string): boolean {
  const [address = '', prefix, ...rest] = text.split('/');
  const kind = isIP(address);
  if (kind === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (kind === 4 ? 32 : 128));
}

/** A host as it stands before a port: IPv6 addresses in brackets. */
export function urlHost(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}
