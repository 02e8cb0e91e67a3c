import { readFileSync } from 'node:fs';

/** TCP_LISTEN and TCP_ESTABLISHED, as /proc/net/tcp writes them. */
const LISTEN = '0A';
const ESTABLISHED = '01';

/**
 * Whether somebody listens on a TCP port in the network namespace of a process. It looks and does not dial: some servers
 * end after their first connection.
 */
export function listensOn(pid: number, port: number): boolean {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return ['tcp', 'tcp6'].some((table) =>
    readTable(`/proc/${pid}/net/${table}`).some((line) => {
      const [, local = '', , state] = line.trim().split(/\s+/);
      return state === LISTEN && local.endsWith(wanted);
    }),
  );
}

/** How many connections to a TCP port of this network namespace are open. */
export function connectionsTo(port: number): number {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readTable('/proc/net/tcp').filter((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    return state === ESTABLISHED && local.endsWith(wanted);
  }).length;
}

function readTable(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return []; // the process is gone, or there is no IPv6
  }
}
