import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { CamofleetError, errorText, isNetwork } from '../core/index.js';

/**
 * The address that RFB servers bind and tokens lead to. A name may be that of all replicas, a network is theirs: of the
 * addresses behind it the one of this machine is taken. Throws CF_CONFIG_INVALID when none is.
 */
export async function ownAddress(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses?.map(({ address }) => address) ?? []);
  if (isNetwork(host)) {
    const inside = firstInside(host, own);
    if (inside !== undefined) return inside;
    throw new CamofleetError(
      'CF_CONFIG_INVALID',
      `CAMOFLEET_RUNNER_ADVERTISE_HOST must be a network that this machine is on, but ${host} is none of ${own.join(', ')}`,
    );
  }
  const found = await addressesOf(host);
  const address = firstShared(found, own);
  if (address !== undefined) return address;
  throw new CamofleetError(
    'CF_CONFIG_INVALID',
    `CAMOFLEET_RUNNER_ADVERTISE_HOST must lead to this machine, but ${host} is ${found.join(', ')}, and here are ${own.join(', ')}`,
  );
}

/** The first address that lies in a network. */
export function firstInside(network: string, addresses: readonly string[]): string | undefined {
  const [base = '', prefix] = network.split('/');
  const inside = new BlockList();
  inside.addSubnet(base, Number(prefix), kindOf(base));
  return addresses.find((address) => inside.check(address, kindOf(address)));
}

function kindOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** The first address of a list that is in the other as well. */
export function firstShared(addresses: readonly string[], own: readonly string[]): string | undefined {
  return addresses.find((address) => own.includes(address));
}

async function addressesOf(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true, order: 'ipv4first' })).map(({ address }) => address);
  } catch (cause) {
    throw new CamofleetError(
      'CF_CONFIG_INVALID',
      `CAMOFLEET_RUNNER_ADVERTISE_HOST must be an address or a name that resolves here: ${errorText(cause)}`,
      {},
      { cause },
    );
  }
}
