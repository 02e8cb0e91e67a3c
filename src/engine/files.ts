import { constants } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
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
      if (!same) await replaceFile(root, path, text);
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
      await makeFolders(root, dirname(path), MODES.public.folder);
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

/** Rendered files are for containers and repositories too; state is for this user alone. The umask decides neither. */
const MODES = { public: { file: 0o644, folder: 0o755 }, private: { file: 0o600, folder: 0o700 } } as const;

async function replaceFile(root: string, path: string, text: string): Promise<void> {
  const mode = isPrivate(path) ? MODES.private : MODES.public;
  await makeFolders(root, dirname(path), mode.folder);
  const file = join(root, path);
  const temporary = `${file}.${randomId()}.tmp`;
  try {
    await writeFile(temporary, text, { flag: 'wx' });
    await chmod(temporary, mode.file);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Makes the folders that are missing below the fleet's own. */
async function makeFolders(root: string, path: string, mode: number): Promise<void> {
  await mkdir(root, { recursive: true });
  let folder = root;
  for (const part of path.split(sep).filter((name) => name !== '.')) {
    folder = join(folder, part);
    const made = await mkdir(folder, { recursive: true });
    if (made !== undefined) await chmod(folder, mode);
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
