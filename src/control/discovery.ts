import { lookup } from 'node:dns/promises';
import { urlHost } from '../core/index.js';
import type { ControlConfig } from '../settings/index.js';

type WorkerEntry = ControlConfig['workers'][number];

/** The addresses behind a name; throws when it does not resolve. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** As programs of this host see names: what the system resolves, files and networks of containers included. */
export const systemResolve: Resolve = async (host) =>
  (await lookup(host, { all: true, order: 'ipv4first' })).map(({ address }) => address);

/** The runners behind the name of an entry. Undefined when it does not resolve: that says nothing of those that are known. */
export async function runnersBehind(entry: WorkerEntry, resolve: Resolve): Promise<readonly WorkerEntry[] | undefined> {
  const url = new URL(entry.url);
  const addresses = await resolve(url.hostname.replace(/^\[(.*)\]$/, '$1')).catch(() => undefined); // asked again soon
  return addresses?.map((address) => {
    const own = new URL(url);
    own.hostname = urlHost(address);
    return { ...entry, name: `${entry.name}-${address.replaceAll(':', '-')}`, url: own.href.replace(/\/$/, '') };
  });
}
