import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CamofleetError, errorText } from '../core/index.js';

/** Undefined where there is none yet; what cannot be read is CF_FILES, never taken for nothing. */
export async function readStateFile(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw unusable(file, cause);
  }
}

/** Replaces a file at once and for good: after a crash or a loss of power it is the old one or the new one, whole. */
export async function writeStateFile(file: string, text: string): Promise<void> {
  const folder = dirname(file);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await flushed(`${file}.new`, 'w', (handle) => handle.writeFile(text));
    await rename(`${file}.new`, file);
    await flushed(folder, 'r');
  } catch (cause) {
    throw unusable(file, cause);
  }
}

async function flushed(
  path: string,
  flags: string,
  work: (handle: Awaited<ReturnType<typeof open>>) => Promise<void> = async () => {},
): Promise<void> {
  await using handle = await open(path, flags, 0o600);
  await work(handle);
  await handle.sync();
}

function unusable(file: string, cause: unknown): CamofleetError {
  return new CamofleetError('CF_FILES', `${file}: ${errorText(cause)}`, { file }, { cause });
}
