import { dirname, resolve } from 'node:path';
import { Flags } from '@oclif/core';

/** Where the fleet lies: a folder with a camofleet.yaml, or that file itself. */
export const fleetFlags = {
  dir: Flags.directory({ char: 'C', summary: 'Folder of the fleet (default: this one).', exists: true }),
  topology: Flags.file({
    summary: 'The topology file, where it is not DIR/camofleet.yaml.',
    env: 'CAMOFLEET_TOPOLOGY',
    exists: true,
  }),
};

/** The absolute folder of the fleet and its topology file, from flags. */
export function fleetLocation(
  flags: { readonly dir?: string | undefined; readonly topology?: string | undefined },
  cwd: string,
): { root: string; file: string | undefined } {
  if (flags.topology !== undefined) {
    const file = resolve(cwd, flags.topology);
    return { root: dirname(file), file };
  }
  return { root: resolve(cwd, flags.dir ?? '.'), file: undefined };
}
