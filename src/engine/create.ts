import { randomBytes } from 'node:crypto';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { CamofleetError } from '../core/index.js';
import {
  fleetPaths,
  loadTemplates,
  newTopologyText,
  parseTopology,
  publicOrigin,
  renderCompose,
} from '../topology/index.js';
import { ensureState } from './state.js';

export interface CreateOptions {
  readonly folder: string;
  readonly cwd: string;
  readonly packageRoot: string;
  readonly version: string;
  readonly force: boolean;
  readonly host: string;
  readonly publicPort: number | undefined;
  readonly fleetId: string | undefined;
  readonly shift: number;
  readonly nowMs: number;
}

export interface Created {
  readonly folder: string;
  readonly url: string;
  /** Relative to the working folder of the caller. */
  readonly files: readonly string[];
}

const GITIGNORE = '# Keys, certificates, logs and runs of this fleet.\n.camofleet/\nartifacts/\n';

/** Writes a new fleet. Throws CF_FILE_EXISTS, with nothing changed, when a file is there already. */
export async function createFleet(options: CreateOptions): Promise<Created> {
  const root = resolve(options.cwd, options.folder);
  const fleetId = options.fleetId ?? `camofleet-${randomBytes(2).toString('hex')}`;
  const text = newTopologyText({ fleetId, host: options.host, publicPort: options.publicPort, shift: options.shift });
  const parsed = parseTopology(text);
  if ('problems' in parsed)
    throw new CamofleetError('CF_USAGE', parsed.problems.map(({ path, message }) => `${path} ${message}`).join('\n'));
  const { topology } = parsed;
  const paths = fleetPaths(root);
  const templates = await loadTemplates(options.packageRoot, join(root, 'templates'));
  const files = [
    { path: 'camofleet.yaml', text },
    ...renderCompose(topology, templates, options.version),
    { path: '.gitignore', text: GITIGNORE },
  ];
  if (!options.force)
    await refuseExisting(
      root,
      files.map(({ path }) => path),
    );
  for (const file of files) {
    await mkdir(dirname(join(root, file.path)), { recursive: true });
    await writeFile(join(root, file.path), file.text, { mode: 0o644 });
  }
  const state = await ensureState(paths, topology, options.nowMs);
  const written = [
    ...files.map(({ path }) => join(root, path)),
    ...state.made,
    ...(state.certificates === 'kept' ? [] : [paths.caCertificate, paths.leafCertificate]),
  ];
  return { folder: root, url: publicOrigin(topology), files: written.map((file) => relative(options.cwd, file)) };
}

async function refuseExisting(root: string, files: readonly string[]): Promise<void> {
  const existing: string[] = [];
  for (const file of files)
    if (
      await access(join(root, file)).then(
        () => true,
        () => false,
      )
    )
      existing.push(file); // an error means that it is not there
  if (existing.length > 0)
    throw new CamofleetError('CF_FILE_EXISTS', `${root} already has ${existing.join(', ')}`, { existing });
}
