import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { CamofleetError, errorText, randomId } from '../core/index.js';
import { type FleetPaths, isPrivate } from '../topology/index.js';
import { MANIFEST, type Manifest, backupInvalid, manifestSchema, sha256 } from './manifest.js';
import { placeOf } from './state.js';
import { type TarEntry, unpackTar } from './tar.js';

/** What a whole archive may hold; a fleet's state is some kilobytes. */
const MAX_BYTES = 67_108_864;

interface RestoreOptions {
  /** The archive, and its name for messages. */
  readonly file: string;
  readonly force: boolean;
  /** Of this camofleet. */
  readonly version: string;
}

export interface Restored {
  readonly manifest: Manifest;
  /** Files that were written, by the path that they have in the archive. */
  readonly written: readonly string[];
  readonly unchanged: readonly string[];
}

/**
 * Puts the state of a backup into the folder of a fleet, with its modes. Nothing is written before all of it was checked.
 * Throws CF_BACKUP_INVALID for an archive that is not whole or too new, CF_FILE_EXISTS where other state would be lost.
 */
export async function restoreBackup(paths: FleetPaths, { file, force, version }: RestoreOptions): Promise<Restored> {
  try {
    const { manifest, entries } = await readBackup(file, version);
    const places = entries.map((entry) => {
      const place = placeOf(paths, entry.path);
      if (place === undefined) throw backupInvalid(file, `holds ${JSON.stringify(entry.path)}, which no fleet has`);
      return { ...entry, place };
    });
    const there = await Promise.all(places.map(({ place }) => readIfThere(place)));
    const different = places.filter(({ data }, at) => !there[at]?.equals(data));
    const lost = places.filter(({ data }, at) => there[at] && !there[at].equals(data)).map(({ path }) => path);
    if (lost.length > 0 && !force)
      throw new CamofleetError('CF_FILE_EXISTS', `${paths.root} has its own ${lost.join(', ')}`, { existing: lost });
    await putAll(different);
    return {
      manifest,
      written: different.map(({ path }) => path),
      unchanged: places.filter((entry) => !different.includes(entry)).map(({ path }) => path),
    };
  } catch (cause) {
    if (cause instanceof CamofleetError) throw cause;
    throw new CamofleetError('CF_FILES', errorText(cause), {}, { cause });
  }
}

async function readBackup(
  file: string,
  version: string,
): Promise<{ readonly manifest: Manifest; readonly entries: readonly TarEntry[] }> {
  const packed = await readFile(file);
  const bytes = await promisify(gunzip)(packed, { maxOutputLength: MAX_BYTES }).catch((cause: unknown) => {
    throw backupInvalid(file, `is no backup that is whole: ${errorText(cause)}`);
  });
  const unpacked = unpackTar(bytes);
  if (!unpacked.ok) throw backupInvalid(file, unpacked.error);
  const manifest = manifestOf(file, unpacked.value);
  if (isNewer(manifest.version, version))
    throw backupInvalid(file, `was written by camofleet ${manifest.version}; this is ${version}`);
  const entries = manifest.files.map(({ path, mode, sha256: wanted }) => {
    const data = unpacked.value.findLast((entry) => entry.path === path)?.data;
    if (!data) throw backupInvalid(file, `lacks ${path}, which its manifest names`);
    if (sha256(data) !== wanted) throw backupInvalid(file, `holds a ${path} that was altered: its SHA-256 differs`);
    return { path, mode, data };
  });
  return { manifest, entries };
}

function manifestOf(file: string, entries: readonly TarEntry[]): Manifest {
  const text = entries.find(({ path }) => path === MANIFEST)?.data;
  if (!text) throw backupInvalid(file, `has no ${MANIFEST}: it is no backup of a fleet`);
  try {
    return manifestSchema.parse(JSON.parse(Buffer.from(text).toString('utf8')));
  } catch {
    throw backupInvalid(file, `has a ${MANIFEST} that this camofleet cannot read`);
  }
}

/** Whether the first of two versions has the greater major or minor number. */
function isNewer(theirs: string, ours: string): boolean {
  const [[theirMajor = 0, theirMinor = 0], [ourMajor = 0, ourMinor = 0]] = [theirs, ours].map((version) =>
    version.split('.').map((part) => Number.parseInt(part, 10) || 0),
  ) as [number[], number[]];
  return theirMajor > ourMajor || (theirMajor === ourMajor && theirMinor > ourMinor);
}

/** Beside their places first, so that a disk that fills up leaves everything as it was. */
async function putAll(files: readonly (TarEntry & { readonly place: string })[]): Promise<void> {
  const temporaries: string[] = [];
  try {
    for (const { path, place, mode, data } of files) {
      await mkdir(dirname(place), { recursive: true, mode: isPrivate(path) ? 0o700 : 0o755 });
      const temporary = `${place}.${randomId()}.tmp`;
      temporaries.push(temporary);
      await writeFile(temporary, data, { flag: 'wx', mode: 0o600, flush: true });
      await chmod(temporary, mode);
    }
    for (const [at, { place }] of files.entries()) await rename(temporaries[at]!, place);
  } finally {
    for (const temporary of temporaries) await rm(temporary, { force: true });
  }
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
