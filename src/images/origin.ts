import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

/** Where a package comes from, as far as it can be known. */
export interface Origin {
  /** The commit that a checkout stands on; `-dirty` follows when files differ from it. */
  readonly revision: string | undefined;
  readonly source: string | undefined;
}

/** Git answers at once or is not asked again. */
const GIT_MS = 5_000;

/** Looks at package.json and, in a checkout, at git. */
export async function originOf(packageRoot: string): Promise<Origin> {
  const { repository } = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as {
    readonly repository?: string | { readonly url: string };
  };
  const declared = typeof repository === 'object' ? repository.url : repository;
  const top = await git(packageRoot, 'rev-parse', '--show-prefix'); // empty where the package is the checkout itself
  if (top !== '') return { revision: undefined, source: declared };
  const [commit, changes, remote] = await Promise.all([
    git(packageRoot, 'rev-parse', 'HEAD'),
    git(packageRoot, 'status', '--porcelain', '--untracked-files=no'),
    git(packageRoot, 'remote', 'get-url', 'origin'),
  ]);
  return {
    revision: commit && (changes === '' ? commit : `${commit}-dirty`),
    source: declared ?? (remote && withoutUser(remote)),
  };
}

async function git(folder: string, ...args: readonly string[]): Promise<string | undefined> {
  const { failed, stdout } = await execa('git', ['-C', folder, ...args], { reject: false, timeout: GIT_MS });
  return failed ? undefined : stdout;
}

/** A URL may carry a password; a label is for everybody. */
export function withoutUser(url: string): string {
  return url.replace(/^([a-z+]+:\/\/)[^/]*@/i, '$1');
}
