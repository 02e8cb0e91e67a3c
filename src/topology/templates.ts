import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The templates by name, as text. */
export interface Templates {
  readonly compose: string;
  readonly traefik: string;
  readonly dynamic: string;
}

/** Where each template lies below a templates folder. */
export const TEMPLATE_FILES: Readonly<Record<keyof Templates, string>> = {
  compose: 'compose/compose.yaml',
  traefik: 'traefik/traefik.yaml',
  dynamic: 'traefik/dynamic.yaml',
};

/** Reads the templates; a file in `ejected` (`./templates` beside the topology) wins over the package's. */
export async function loadTemplates(packageRoot: string, ejected: string): Promise<Templates> {
  const read = (name: keyof Templates): Promise<string> =>
    readFile(join(ejected, TEMPLATE_FILES[name]), 'utf8').catch(() =>
      readFile(join(packageRoot, 'templates', TEMPLATE_FILES[name]), 'utf8'),
    ); // not ejected
  const [compose, traefik, dynamic] = await Promise.all([read('compose'), read('traefik'), read('dynamic')]);
  return { compose, traefik, dynamic };
}
