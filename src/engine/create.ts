import { randomBytes } from 'node:crypto';
import { lstat, stat } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { CamofleetError } from '../core/index.js';
import {
  type FleetPaths,
  type Topology,
  fleetPaths,
  loadTemplates,
  newTopologyText,
  parseTopology,
  publicOrigin,
  render,
  violationText,
  violations,
} from '../topology/index.js';
import { containerUser, ensureEnvFile, ensureMounts } from './compose/mounts.js';
import { readIfThere, withFileErrors, writeFiles } from './files.js';
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
  /** The address that the ingress binds. */
  readonly bind: string;
  /** Relative to the working folder of the caller. */
  readonly files: readonly string[];
  /** Rules that the new topology breaks, in words. */
  readonly warnings: readonly string[];
}

const IGNORED = ['.camofleet/', 'artifacts/', '.env'];
const GITIGNORE = '.gitignore';

/** Writes a new fleet. Throws CF_FILE_EXISTS, with nothing changed, when a file is there already. */
export async function createFleet(options: CreateOptions): Promise<Created> {
  const root = resolve(options.cwd, options.folder);
  const fleetId = options.fleetId ?? `camofleet-${randomBytes(2).toString('hex')}`;
  const text = newTopologyText({ fleetId, host: options.host, publicPort: options.publicPort, shift: options.shift });
  const topology = checkedTopology(text);
  const paths = fleetPaths(root);
  const templates = await loadTemplates(options.packageRoot, join(root, 'templates'));
  const rendered = render(topology, 'compose', { paths, templates, version: options.version });
  return withFileErrors(async () => {
    const existing = await existingOf(root, ['camofleet.yaml', ...rendered.map(({ path }) => path), GITIGNORE]);
    if (!options.force && existing.length > 0)
      throw new CamofleetError('CF_FILE_EXISTS', `${root} already has ${existing.join(', ')}`, { existing });
    const state = await ensureState(paths, topology, options.nowMs);
    await readyForCompose(paths, topology);
    const ignore = { path: GITIGNORE, text: gitignore(await readIfThere(join(root, GITIGNORE))) };
    const files = [{ path: 'camofleet.yaml', text }, ...rendered, ignore];
    await writeFiles(root, files);
    const written = [
      ...files.map(({ path }) => join(root, path)),
      ...state.made,
      ...(state.certificates === 'kept' ? [] : [paths.caCertificate, paths.leafCertificate]),
    ];
    return {
      folder: root,
      url: publicOrigin(topology),
      bind: topology.public.bind,
      files: written.map((file) => relative(options.cwd, file)),
      warnings: violations(topology).map(violationText),
    };
  });
}

/** What a plain `docker compose up` needs: a new fleet has certificates of its own authority. */
async function readyForCompose(paths: FleetPaths, topology: Topology): Promise<void> {
  const user = containerUser(await stat(paths.state));
  await ensureEnvFile(paths.root, user);
  await ensureMounts(paths, topology, user);
}

const FLAGS: Readonly<Record<string, string>> = {
  'fleet.id': '--fleet',
  'public.host': '--host',
  'public.port': '--public-port',
};

/** The topology of a new file; what is wrong with it came from a flag. */
function checkedTopology(text: string): Topology {
  const parsed = parseTopology(text);
  if ('topology' in parsed) return parsed.topology;
  const problems = parsed.problems.map(({ path, message }) => `${FLAGS[path] ?? path} ${message}`);
  throw new CamofleetError('CF_USAGE', problems.join('\n'), { problems });
}

/** The lines that keep state out of a repository, after what the file says already. */
function gitignore(existing: string | undefined): string {
  const lines = existing?.split('\n') ?? [];
  const missing = IGNORED.filter((line) => !lines.includes(line));
  if (missing.length === 0) return existing!;
  const before = existing === undefined || existing === '' ? '' : `${existing.trimEnd()}\n\n`;
  return `${before}# Keys, certificates, logs and runs of this fleet.\n${missing.join('\n')}\n`;
}

/** Throws what the system says when a path cannot be looked at, before anything is written. */
async function existingOf(root: string, files: readonly string[]): Promise<string[]> {
  const existing: string[] = [];
  for (const file of files) {
    const found = await lstat(join(root, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (found) existing.push(file);
  }
  return existing;
}
