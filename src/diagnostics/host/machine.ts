import { readdir, readFile, readlink } from 'node:fs/promises';
import { isLoopback } from '../../core/index.js';
import { type KernelSocket, parseLocalAddresses, parseOpenFiles, parseSockets, parseState, parseWork } from './proc.js';

/** The sockets at one port in the network namespace that has an address. */
export interface PortSight {
  readonly listening: readonly KernelSocket[];
  /** Connections that are open there, whoever dialled them. */
  readonly established: number;
}

/** A process that listens. */
export interface OwnerSight {
  readonly pid: number;
  readonly name: string;
  /** How many files it may have open. */
  readonly openFiles: number | undefined;
  /** How many it has open. */
  readonly opened: number;
  /** As the kernel says it: `R` running, `S` sleeping, `T` stopped, `D` waiting for a device. */
  readonly state: string | undefined;
}

/** What this machine's own kernel says of a port, when the address is one of this machine: undefined when it cannot be seen. */
export async function portOn(address: string, port: number): Promise<PortSight | undefined> {
  const pid = isLoopback(address) ? 'self' : await namespaceWith(address);
  if (pid === undefined) return undefined;
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => textOf(`/proc/${pid}/net/${name}`)));
  const sockets = tables.flatMap((text) => parseSockets(text ?? '')).filter((socket) => socket.port === port);
  return {
    listening: sockets.filter(({ state }) => state === 'listen'),
    established: sockets.filter(({ state }) => state === 'established').length,
  };
}

/** A process of the network namespace that has the address. */
async function namespaceWith(address: string): Promise<string | undefined> {
  const seen = new Set<string>();
  for (const pid of ['self', ...(await pids())]) {
    const namespace = await readlink(`/proc/${pid}/ns/net`).catch(() => undefined); // gone, or not ours to see
    if (namespace === undefined || seen.has(namespace)) continue;
    seen.add(namespace);
    const routes = await textOf(`/proc/${pid}/net/fib_trie`);
    if (routes !== undefined && parseLocalAddresses(routes).has(address)) return pid;
  }
  return undefined;
}

/** The process that holds a socket; undefined when it is not ours to see. */
export async function ownerOf({ inode }: KernelSocket): Promise<OwnerSight | undefined> {
  const wanted = `socket:[${inode}]`;
  for (const pid of await pids()) {
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []); // gone, or not ours to see
    for (const descriptor of descriptors) {
      if ((await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')) !== wanted) continue;
      const [name, limits, stat] = await Promise.all(
        ['comm', 'limits', 'stat'].map((file) => textOf(`/proc/${pid}/${file}`)),
      );
      const openFiles = parseOpenFiles(limits ?? '');
      return {
        pid: Number(pid),
        name: name?.trim() ?? '',
        openFiles,
        opened: descriptors.length,
        state: parseState(stat ?? ''),
      };
    }
  }
  return undefined;
}

/** Nanoseconds that a process has run, or wanted to run, so far. */
export async function workOf(pid: number): Promise<number | undefined> {
  return parseWork((await textOf(`/proc/${pid}/schedstat`)) ?? '');
}

async function pids(): Promise<string[]> {
  const names = await readdir('/proc').catch(() => []); // another system than Linux
  return names.filter((name) => /^\d+$/.test(name));
}

function textOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined); // gone meanwhile, or not ours to see
}
