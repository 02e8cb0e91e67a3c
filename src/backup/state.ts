import { readFile, readdir, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { CONTROL_MEMORY } from '../settings/index.js';
import { COMPOSE_STATE, type FleetPaths, TEMPLATE_FILES, TOPOLOGY_FILE, type Topology } from '../topology/index.js';
import type { TarEntry } from './tar.js';

/** Files with the operator's own word for Compose, beside the one that is rendered. */
const OVERRIDES = ['compose.override.yaml', 'compose.override.yml'];
const SCRATCH = /\.(?:new|tmp)$/;

/** The state of a fleet as it lies on the disk: what cannot be rendered or made again. */
export interface State {
  readonly files: readonly TarEntry[];
  /** Named by the topology, outside of the fleet's folder. */
  readonly elsewhere: readonly string[];
}

/** Reads it. Each file is whole: whoever writes one of them replaces it at once. */
export async function readState(paths: FleetPaths, { tls }: Topology): Promise<State> {
  const own = [tls.certificate, tls.key].flatMap((file) => (file === undefined ? [] : [resolve(paths.root, file)]));
  const inside = own.filter((file) => isInside(paths.root, file));
  const named = [
    ...OVERRIDES.map((file) => join(paths.root, file)),
    ...Object.values(TEMPLATE_FILES).map((file) => join(paths.root, 'templates', file)),
    ...(await filesOf(paths.secrets)),
    ...(await filesOf(paths.pki)),
    paths.acmeStorage,
    join(paths.root, COMPOSE_STATE.acme, 'acme.json'),
    join(paths.controlState, CONTROL_MEMORY.file),
    ...inside,
  ];
  const topology = await entryOf(paths.topologyFile, TOPOLOGY_FILE);
  const rest = await Promise.all([...new Set(named)].map((file) => entryOf(file, slashed(paths.root, file))));
  return {
    files: [topology, ...rest].filter((entry) => entry !== undefined),
    elsewhere: own.filter((file) => !inside.includes(file)),
  };
}

/** Where a file of a backup is put; undefined for a path that is none of a fleet's. */
export function placeOf(paths: FleetPaths, path: string): string | undefined {
  const file = resolve(paths.root, path);
  if (isAbsolute(path) || !isInside(paths.root, file) || slashed(paths.root, file) !== path) return undefined;
  if (path === TOPOLOGY_FILE) return paths.topologyFile;
  // Control takes it over when it starts, together with what it knows itself: nothing that is known is forgotten.
  if (file === join(paths.controlState, CONTROL_MEMORY.file)) return join(paths.controlState, CONTROL_MEMORY.restored);
  return file;
}

async function filesOf(folder: string): Promise<string[]> {
  const found = await readdir(folder, { withFileTypes: true }).catch(() => []); // not made yet
  return found.filter((item) => item.isFile() && !SCRATCH.test(item.name)).map(({ name }) => join(folder, name));
}

async function entryOf(file: string, path: string): Promise<TarEntry | undefined> {
  try {
    const [data, { mode }] = await Promise.all([readFile(file), stat(file)]);
    return { path, mode: mode & 0o777, data };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isInside(root: string, file: string): boolean {
  return file.startsWith(root.endsWith(sep) ? root : `${root}${sep}`);
}

function slashed(root: string, file: string): string {
  return relative(root, file).split(sep).join('/');
}
