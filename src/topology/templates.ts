import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CamofleetError, errorText } from '../core/index.js';

/** One template: where it lies, for messages, and its text. */
export interface Template {
  readonly file: string;
  readonly text: string;
}

export type Templates = Readonly<Record<TemplateName, Template>>;

type TemplateName = 'compose' | 'traefik' | 'dynamic' | 'seccomp';

/** Where each template lies below a templates folder. */
export const TEMPLATE_FILES: Readonly<Record<TemplateName, string>> = {
  compose: 'compose/compose.yaml',
  traefik: 'traefik/traefik.yaml',
  dynamic: 'traefik/dynamic.yaml',
  seccomp: 'compose/chromium-seccomp.json',
};

/** Reads the templates; a file in `ejected` (`./templates` beside the topology) wins over the package's. */
export async function loadTemplates(packageRoot: string, ejected: string): Promise<Templates> {
  const read = async (name: TemplateName): Promise<Template> =>
    (await readIfThere(join(ejected, TEMPLATE_FILES[name]))) ??
    (await readIfThere(join(packageRoot, 'templates', TEMPLATE_FILES[name]))) ??
    missing(join(packageRoot, 'templates', TEMPLATE_FILES[name]));
  const [compose, traefik, dynamic, seccomp] = await Promise.all([
    read('compose'),
    read('traefik'),
    read('dynamic'),
    read('seccomp'),
  ]);
  return { compose, traefik, dynamic, seccomp };
}

/** Undefined where there is no such file; one that cannot be read is an error, never a reason to take another. */
async function readIfThere(file: string): Promise<Template | undefined> {
  try {
    return { file, text: await readFile(file, 'utf8') };
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR'))
      return undefined;
    throw new CamofleetError('CF_FILES', `${file} cannot be read: ${errorText(cause)}`, { file }, { cause });
  }
}

function missing(file: string): never {
  throw new CamofleetError('CF_FILES', `${file} is missing from this installation of camofleet`, { file });
}
