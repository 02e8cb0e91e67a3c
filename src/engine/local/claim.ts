import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CamofleetError } from '../../core/index.js';
import { type ProcessIdentity, isSame } from '../../processes/index.js';
import type { FleetPaths } from '../../topology/index.js';
import { identitySchema, readRecord, runningRecord } from './record.js';

const TRIES = 3;

/** Makes a process the one supervisor of a fleet until it is disposed. Throws CF_FLEET_RUNNING when another one lives. */
export async function claimFleet(paths: FleetPaths, supervisor: ProcessIdentity): Promise<AsyncDisposable> {
  const running = await runningRecord(paths);
  if (running) throw await runningAlready(paths, running.supervisor);
  const file = join(paths.run, 'supervisor.lock');
  for (let left = TRIES; left > 0; left -= 1) {
    if (await create(file, JSON.stringify(supervisor)))
      return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
    const holder = await holderOf(file);
    if (holder && isSame(holder)) throw await runningAlready(paths, holder);
    await rm(file, { force: true }); // left by a supervisor that was killed
  }
  throw new CamofleetError('CF_FLEET_RUNNING', `another \`up\` is starting this fleet (${file})`);
}

/** The refusal to start a fleet twice. */
export async function runningAlready(paths: FleetPaths, { pid }: ProcessIdentity): Promise<CamofleetError> {
  const record = await readRecord(paths);
  const url = record?.supervisor.pid === pid ? record.url : undefined;
  return new CamofleetError(
    'CF_FLEET_RUNNING',
    `this fleet already runs${url === undefined ? '' : ` at ${url}`}, supervised by process ${pid}`,
    { pid, ...(url !== undefined && { url }) },
  );
}

/** False when the file is there already. */
async function create(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function holderOf(file: string): Promise<ProcessIdentity | undefined> {
  try {
    return identitySchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined; // released meanwhile, or cut: nobody's
  }
}
