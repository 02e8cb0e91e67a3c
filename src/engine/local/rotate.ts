import { readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FleetPaths } from '../../topology/index.js';

/** A log above this is put aside when the fleet starts; one older one is kept. */
const MAX_LOG_BYTES = 16_777_216;

/** Puts large logs aside, as `<name>.1`. */
export async function rotateLogs(paths: FleetPaths): Promise<void> {
  for (const name of await readdir(paths.logs)) {
    if (!name.endsWith('.log')) continue;
    const file = join(paths.logs, name);
    if ((await stat(file)).size > MAX_LOG_BYTES) await rename(file, `${file}.1`);
  }
}
