import { dirname, resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { processContext } from './context.js';

const TOPOLOGY_NAME = 'CAMOFLEET_TOPOLOGY';

/** Where the fleet lies: a folder with a camofleet.yaml, or that file itself. */
export const fleetFlags = {
  dir: Flags.directory({ char: 'C', summary: 'Folder of the fleet (default: this one).', exists: true }),
  topology: Flags.file({
    summary: `The topology file, where it is not DIR/camofleet.yaml (${TOPOLOGY_NAME}).`,
    exists: true,
    exclusive: ['dir'],
  }),
};

/** As in src/topology, which is imported only when a command runs. */
const ENGINES = ['local', 'compose', 'swarm'] as const;

/** Where the fleet runs; most commands know it from the last `up`. */
export const engineFlag = {
  engine: Flags.option({
    options: ENGINES,
    summary: 'Where the fleet runs (default: where it was started, else `engine` of camofleet.yaml).',
  })(),
};

/** The absolute folder of the fleet and its topology file: flag > environment > this folder. */
export function fleetLocation(
  flags: { readonly dir?: string | undefined; readonly topology?: string | undefined },
  cwd: string,
): { root: string; file: string | undefined } {
  const topology = flags.topology ?? (flags.dir === undefined ? processContext().env[TOPOLOGY_NAME] : undefined);
  if (topology !== undefined && topology !== '') {
    const file = resolve(cwd, topology);
    return { root: dirname(file), file };
  }
  return { root: resolve(cwd, flags.dir ?? '.'), file: undefined };
}
