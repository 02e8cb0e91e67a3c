import { readFile } from 'node:fs/promises';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const ESTABLISHED = '01';

/** Connections that are open to each local TCP port, as the kernel lists them; empty where it does not. */
export async function connectionsByPort(): Promise<ReadonlyMap<number, number>> {
  const texts = await Promise.all(TABLES.map((file) => readFile(file, 'utf8').catch(() => ''))); // no such system
  const counts = new Map<number, number>();
  for (const port of texts.flatMap(establishedPorts)) counts.set(port, (counts.get(port) ?? 0) + 1);
  return counts;
}

/** The local ports of established connections in a table of proc(5) `net/tcp`. */
export function establishedPorts(table: string): number[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local, , state] = line.trim().split(/\s+/);
      const port = Number.parseInt(local?.split(':')[1] ?? '', 16);
      return state === ESTABLISHED && Number.isInteger(port) ? [port] : [];
    });
}
