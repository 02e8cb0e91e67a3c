import { constants } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CamofleetError, errorText, randomId } from '../core/index.js';
import { type RenderedFile, TEMPLATE_FILES, diffLines, isPrivate } from '../topology/index.js';

/** What became of one file, named by its path below the fleet's folder. */
export interface FileChange {
  readonly path: string;
  readonly change: 'written' | 'unchanged' | 'kept';
}

/** Writes files that differ, each at once: a Traefik that watches them never reads half of one. */
export async function writeFiles(root: string, files: readonly RenderedFile[]): Promise<FileChange[]> {
  return withFileErrors(async () => {
    const changes: FileChange[] = [];
    for (const { path, text } of files) {
      const same = (await readIfThere(join(root, path))) === text;
      if (!same) await replaceFile(join(root, path), text, isPrivate(path));
      changes.push({ path, change: same ? 'unchanged' : 'written' });
    }
    return changes;
  });
}

/** The files that are not what they should be, with a diff each. */
export async function compareFiles(
  root: string,
  files: readonly RenderedFile[],
): Promise<{ readonly path: string; readonly diff: string }[]> {
  return withFileErrors(async () => {
    const compared = await Promise.all(
      files.map(async ({ path, text }) => ({
        path,
        diff: diffLines(path, await readIfThere(join(root, path)), text),
      })),
    );
    return compared.filter(({ diff }) => diff !== '');
  });
}

/** Copies the templates to `./templates` of a fleet; those that are there already are kept. */
export async function ejectTemplates(packageRoot: string, root: string): Promise<FileChange[]> {
  return withFileErrors(async () => {
    const changes: FileChange[] = [];
    for (const file of Object.values(TEMPLATE_FILES)) {
      const path = join('templates', file);
      await mkdir(dirname(join(root, path)), { recursive: true });
      const copied = await copyIfAbsent(join(packageRoot, path), join(root, path));
      changes.push({ path, change: copied ? 'written' : 'kept' });
    }
    return changes;
  });
}

/** Turns what the system says about a file into an error that a person can act on. */
export async function withFileErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof Error) || !('syscall' in cause)) throw cause;
    throw new CamofleetError('CF_FILES', errorText(cause), {}, { cause });
  }
}

/** Undefined where there is no such file. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function replaceFile(file: string, text: string, isPrivate: boolean): Promise<void> {
  await mkdir(dirname(file), { recursive: true, ...(isPrivate && { mode: 0o700 }) });
  const temporary = `${file}.${randomId()}.tmp`;
  try {
    await writeFile(temporary, text, { mode: isPrivate ? 0o600 : 0o644, flag: 'wx' });
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function copyIfAbsent(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
