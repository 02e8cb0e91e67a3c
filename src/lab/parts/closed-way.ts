import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Stage } from '../stage.js';

const run = promisify(execFile);
/** `ip` and `nft` answer at once, or something is wrong with them. */
const TIMEOUT_MS = 10_000;

export interface Room {
  /** Of the network namespace. */
  readonly name: string;
  /** From now on packets to a port at an address are dropped, without a word. */
  readonly drop: (address: string, port: number) => Promise<void>;
}

/** A network namespace with nothing but a loopback. */
export async function openRoom(stage: Stage): Promise<Room> {
  const name = `vnc-${await stage.port()}`;
  const ip = (...args: readonly string[]) => run(stage.program('ip'), args, { timeout: TIMEOUT_MS });
  await ip('netns', 'add', name);
  stage.defer(async () => void (await ip('netns', 'del', name)));
  await ip('-n', name, 'link', 'set', 'lo', 'up');
  const nft = (...words: readonly string[]) => ip('netns', 'exec', name, stage.program('nft'), ...words);
  return {
    name,
    drop: async (address, port) => {
      await nft('add', 'table', 'ip', 'ways');
      await nft('add', 'chain', 'ip', 'ways', 'out', '{ type filter hook output priority 0 ; }');
      await nft('add', 'rule', 'ip', 'ways', 'out', 'ip', 'daddr', address, 'tcp', 'dport', String(port), 'drop');
    },
  };
}
