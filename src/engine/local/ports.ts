import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { basename } from 'node:path';
import { CamofleetError } from '../../core/index.js';
import { type Topology, listenerPorts } from '../../topology/index.js';

/** Throws CF_PORT_TAKEN for the listeners of a topology that cannot be bound, all at once. */
export async function checkPorts(topology: Topology): Promise<void> {
  const taken: string[] = [];
  for (const { setting, port } of listenerPorts(topology)) {
    const host = setting.startsWith('public.') ? topology.public.bind : '127.0.0.1';
    const problem = await bindProblem(setting, host, port);
    if (problem !== undefined) taken.push(problem);
  }
  if (taken.length > 0) throw new CamofleetError('CF_PORT_TAKEN', taken.join('\n'), { taken });
}

/** Why a listener of the topology cannot be bound: who holds the port, where that can be seen, and the setting. */
export async function bindProblem(setting: string, host: string, port: number): Promise<string | undefined> {
  const code = await bindError(host, port);
  return code === undefined ? undefined : explain(code, { setting, host, port });
}

interface Listener {
  readonly setting: string;
  readonly host: string;
  readonly port: number;
}

function explain(code: string, { setting, host, port }: Listener): string {
  switch (code) {
    case 'EADDRINUSE': {
      const holder = holderOf(port);
      const who = holder ? `process ${holder.pid} (${holder.name})` : 'a process that cannot be seen from here';
      return `port ${port} is held by ${who}; setting: ${setting} in camofleet.yaml`;
    }
    case 'EACCES':
      return `port ${port} may not be bound by this user; setting: ${setting} in camofleet.yaml`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is no address of this host; setting: public.bind in camofleet.yaml`;
    default:
      return `port ${port} cannot be bound on ${host}: ${code}; setting: ${setting} in camofleet.yaml`;
  }
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
const SCRIPT = /^[\w./@-]+\.(?:[cm]?[jt]s|py|rb|pl|sh)$/;

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

/** Inodes of the sockets that a process has open; empty when it is gone, or another user's. */
function socketsOf(pid: string): string[] {
  const folder = `/proc/${pid}/fd`;
  return orNothing(() => readdirSync(folder)).flatMap((fd) =>
    orNothing(() => /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`))?.slice(1) ?? []),
  );
}

/** The program, and the script that an interpreter runs; never its other arguments, which may be anything. */
function commandOf(pid: string): string {
  const [program, script] = readOrEmpty(`/proc/${pid}/cmdline`).split('\0');
  if (!program) return readOrEmpty(`/proc/${pid}/comm`).trim() || 'unknown';
  return [program, ...(script && SCRIPT.test(script) ? [script] : [])].map((path) => basename(path)).join(' ');
}

function readOrEmpty(path: string): string {
  return orNothing(() => [readFileSync(path, 'utf8')]).join('');
}

/** Processes come and go while they are looked at. */
function orNothing(look: () => string[]): string[] {
  try {
    return look();
  } catch {
    return []; // gone, or not ours to see
  }
}
