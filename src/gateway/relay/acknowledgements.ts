import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The kernel's connections, where there is such a file (Linux). */
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];
/** A table is read at most this often, for all who ask meanwhile. */
const READ_EVERY_MS = 2_000;
/** A line with bytes that wait and were sent again: local port, and the remote end. */
const RETRANSMITTED =
  /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]+:[0-9A-F]{4}) [0-9A-F]{2} (?!0{8})[0-9A-F]{8}:[0-9A-F]{8} [0-9A-F]{2}:[0-9A-F]{8} (?!0{8})/gm;

/** Hears whether what it sent is being sent again and again because nobody acknowledges it. */
type Hearer = (isUnacknowledged: boolean) => void;

/**
 * What became of bytes that the kernel took: a host that has vanished acknowledges none, and the kernel alone gives up
 * only after a quarter of an hour. Node cannot set TCP_USER_TIMEOUT; where the kernel shows its connections, they are
 * looked at instead. Elsewhere everything counts as acknowledged.
 */
export class Acknowledgements {
  readonly #asked = new Map<string, Hearer>();
  #isLooking = false;

  constructor(private readonly tables: readonly string[] = TABLES) {}

  /** Asks about a socket; the answer comes with the next look at the table. */
  ask({ localPort, remoteAddress, remotePort }: Socket, hearer: Hearer): void {
    if (localPort === undefined || remoteAddress === undefined || remotePort === undefined) return;
    this.#asked.set(connectionKey(localPort, remoteAddress, remotePort), hearer);
    if (this.#isLooking) return;
    this.#isLooking = true;
    setTimeout(() => void this.#look(), READ_EVERY_MS).unref();
  }

  async #look(): Promise<void> {
    const texts = await Promise.all(this.tables.map((file) => readFile(file, 'latin1').catch(() => ''))); // not this system
    this.#isLooking = false;
    const asked = [...this.#asked];
    this.#asked.clear();
    const unacknowledged = new Set(texts.flatMap(retransmitted));
    for (const [key, hear] of asked) hear(unacknowledged.has(key));
  }
}

/** The connections of a table (proc(5), /proc/net/tcp) that send again what was not acknowledged. */
export function retransmitted(table: string): string[] {
  return [...table.matchAll(RETRANSMITTED)].map(([, port, remote]) => `${Number.parseInt(port!, 16)} ${remote}`);
}

/** As a table writes it: addresses as words in the order of the machine, all of ours little-endian. */
export function connectionKey(localPort: number, remoteAddress: string, remotePort: number): string {
  const bytes = ipaddr.parse(remoteAddress.split('%')[0]!).toByteArray();
  const words = Array.from({ length: bytes.length / 4 }, (_, at) => bytes.slice(at * 4, at * 4 + 4).toReversed());
  const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');
  return `${localPort} ${words
    .flat()
    .map((byte) => hex(byte, 2))
    .join('')}:${hex(remotePort, 4)}`;
}
