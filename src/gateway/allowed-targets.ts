import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { CamofleetError } from '../core/index.js';

interface Rule {
  readonly matchesHost: (host: string) => boolean;
  readonly min: number;
  readonly max: number;
}

/** Where tokens may lead. Throws CF_CONFIG_INVALID for an entry that is no target. */
export function parseAllowedTargets(entries: readonly string[]): (host: string, port: number) => boolean {
  const rules = entries.map(parseRule);
  return (host, port) => rules.some((rule) => port >= rule.min && port <= rule.max && rule.matchesHost(host));
}

function parseRule(entry: string): Rule {
  const match = /^(.+):(\d+)(?:-(\d+))?$/.exec(entry);
  const [min, max] = [Number(match?.[2]), Number(match?.[3] ?? match?.[2])];
  if (!match || min > max || max > 65_535)
    throw new CamofleetError(
      'CF_CONFIG_INVALID',
      `allowed target ${JSON.stringify(entry)} is not host:port or host:min-max`,
    );
  return { matchesHost: hostMatcher(match[1]!.replace(/^\[|\]$/g, '')), min, max };
}

function hostMatcher(pattern: string): (host: string) => boolean {
  if (ipaddr.isValidCIDR(pattern)) {
    const network = ipaddr.parseCIDR(pattern);
    // Strictly: the resolver takes `0177.1` and `2130706433` for addresses as well, each library in its own way.
    return (host) => isIP(host) !== 0 && inNetwork(ipaddr.process(host), network);
  }
  return (host) => host === pattern;
}

/** Whether an address lies in a network of its own kind. */
export function inNetwork(address: ipaddr.IPv4 | ipaddr.IPv6, network: [ipaddr.IPv4 | ipaddr.IPv6, number]): boolean {
  return address.kind() === network[0].kind() && address.match(network);
}
