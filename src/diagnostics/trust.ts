import { readFile } from 'node:fs/promises';
import type { FleetPaths, Topology } from '../topology/index.js';

/** How every dial of a run is made. */
export interface Trust {
  /** PEM of an authority to trust beside those that Node trusts. */
  readonly ca: string | undefined;
  /** Go on when the certificate is not trusted. */
  readonly insecure: boolean;
  /** `host:port` → address. */
  readonly resolve: ReadonlyMap<string, string>;
}

/** Addresses that mean every interface: from here they are reached over loopback. */
const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** How the fleet of a folder is dialled: its own authority, and the address that its ingress is bound to. */
export async function trustOf(paths: FleetPaths, topology: Topology): Promise<Trust> {
  const ca =
    topology.tls.mode === 'throwaway' ? await readFile(paths.caCertificate, 'utf8').catch(() => undefined) : undefined; // absent: the system's authorities
  const { host, port, bind } = topology.public;
  return { ca, insecure: false, resolve: new Map([[`${host}:${port}`, EVERYWHERE[bind] ?? bind]]) };
}

/** What flags say comes before what the fleet says. */
export async function trustFor(
  flags: Trust,
  fleet: { readonly topology: Topology; readonly paths: FleetPaths } | undefined,
): Promise<Trust> {
  if (!fleet) return flags;
  const own = await trustOf(fleet.paths, fleet.topology);
  return {
    ca: flags.ca ?? own.ca,
    insecure: flags.insecure,
    resolve: new Map([...own.resolve, ...flags.resolve]),
  };
}
