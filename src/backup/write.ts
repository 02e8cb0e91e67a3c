import { chmod, link, rename, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { CamofleetError, errorText, randomId } from '../core/index.js';
import type { FleetPaths, Topology } from '../topology/index.js';
import { MANIFEST, type Manifest, sha256 } from './manifest.js';
import { readState } from './state.js';
import { packTar } from './tar.js';

export interface BackupOptions {
  /** Absolute; undefined: the archive is given back and lies nowhere. */
  readonly file: string | undefined;
  readonly force: boolean;
  readonly version: string;
  readonly nowMs: number;
}

export interface BackupReport {
  readonly file: string | undefined;
  readonly manifest: Manifest;
  readonly archive: Buffer;
}

/** The archive is its owner's alone: it holds every key of the fleet. */
const ARCHIVE_MODE = 0o600;

/** Puts the state of a fleet into one `tar.gz`. Throws CF_FILE_EXISTS where one lies already. */
export async function writeBackup(
  paths: FleetPaths,
  topology: Topology,
  { file, force, version, nowMs }: BackupOptions,
): Promise<BackupReport> {
  try {
    const { files, elsewhere } = await readState(paths, topology);
    const manifest: Manifest = {
      schema: 'camofleet.backup/1',
      version,
      fleet: topology.fleet.id,
      createdAt: new Date(nowMs).toISOString(),
      files: files.map(({ path, mode, data }) => ({ path, mode, bytes: data.length, sha256: sha256(data) })),
      elsewhere: [...elsewhere],
    };
    const first = { path: MANIFEST, mode: ARCHIVE_MODE, data: Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`) };
    const archive = await promisify(gzip)(packTar([first, ...files], Math.floor(nowMs / 1000)));
    if (file !== undefined) await put(file, archive, force);
    return { file, manifest, archive };
  } catch (cause) {
    if (cause instanceof CamofleetError) throw cause;
    throw new CamofleetError('CF_FILES', errorText(cause), {}, { cause });
  }
}

/** Whole or not at all. */
async function put(file: string, archive: Buffer, force: boolean): Promise<void> {
  const temporary = `${file}.${randomId()}.tmp`;
  try {
    await writeFile(temporary, archive, { flag: 'wx', mode: ARCHIVE_MODE, flush: true });
    await chmod(temporary, ARCHIVE_MODE);
    if (force) await rename(temporary, file);
    else await link(temporary, file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST')
      throw new CamofleetError('CF_FILE_EXISTS', `${file} is there already`, { existing: [file] }, { cause: error });
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}
