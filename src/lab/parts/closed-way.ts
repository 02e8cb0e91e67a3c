import type { Stage } from '../stage.js';
import { openNamespace } from './namespace.js';

export interface Room {
  /** Of the network namespace. */
  readonly name: string;
  /** From now on packets to a port at an address are dropped, without a word. */
  readonly drop: (address: string, port: number) => Promise<void>;
}

/** A network namespace with nothing but a loopback. */
export async function openRoom(stage: Stage): Promise<Room> {
  const { name, run } = await openNamespace(stage);
  const nft = (...words: readonly string[]) => run('nft', ...words);
  return {
    name,
    drop: async (address, port) => {
      await nft('add', 'table', 'ip', 'ways');
      await nft('add', 'chain', 'ip', 'ways', 'out', '{ type filter hook output priority 0 ; }');
      await nft('add', 'rule', 'ip', 'ways', 'out', 'ip', 'daddr', address, 'tcp', 'dport', String(port), 'drop');
    },
  };
}
