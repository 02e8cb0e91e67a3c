import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { CamofleetError } from '../../core/index.js';
import { type Topology, listenerPorts } from '../../topology/index.js';

/** Throws CF_PORT_TAKEN for the listeners of a topology whose ports somebody holds, all at once. */
export async function checkPorts(topology: Topology): Promise<void> {
  const taken: string[] = [];
  for (const { setting, port } of listenerPorts(topology)) {
    const host = setting === 'public.port' ? topology.public.bind : '127.0.0.1';
    const code = await bindError(host, port);
    if (code === undefined) continue;
    const holder = code === 'EADDRINUSE' ? holderOf(port) : undefined;
    const who = holder ? `process ${holder.pid} (${holder.name})` : code === 'EADDRINUSE' ? 'another process' : code;
    taken.push(`port ${port} is held by ${who}; setting: ${setting} in camofleet.yaml`);
  }
  if (taken.length > 0) throw new CamofleetError('CF_PORT_TAKEN', taken.join('\n'), { taken });
}

async function bindError(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  server.listen({ host, port, exclusive: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
  server.close();
  await once(server, 'close');
  return undefined;
}

const LISTEN = '0A';

/** The process that listens on a port, where /proc lets us see it. */
export function holderOf(port: number): { readonly pid: number; readonly name: string } | undefined {
  const inodes = new Set(['tcp', 'tcp6'].flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0) return undefined;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    if (socketsOf(pid).some((inode) => inodes.has(inode))) return { pid: Number(pid), name: commandOf(pid) };
  return undefined;
}

/** Rows of /proc/net/tcp (proc(5)): local address and port in hex, state, and the socket's inode. */
function listeningInodes(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return readOrEmpty(`/proc/net/${table}`)
    .split('\n')
    .slice(1)
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${wanted}`) && fields[3] === LISTEN)
    .map((fields) => fields[9]!);
}

function socketsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(
      (fd) => /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [],
    );
  } catch {
    return []; // gone, or another user's
  }
}

function commandOf(pid: string): string {
  return readOrEmpty(`/proc/${pid}/comm`).trim() || 'unknown';
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // no such table or process
  }
}
