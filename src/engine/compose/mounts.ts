import { chmod, chown, mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { CamofleetError, errorText } from '../../core/index.js';
import { CONTROL_MEMORY } from '../../settings/index.js';
import { COMPOSE_STATE, CONTAINER_USER, type FleetPaths, type Topology, composeSecrets } from '../../topology/index.js';

/** Who the processes of containers are: `uid:gid`. */
export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
}

/** Root's files are not for containers: there they belong to the user of the images. Everybody else's are their own. */
export function containerUser(state: ContainerUser): ContainerUser {
  return state.uid === 0 ? CONTAINER_USER : { uid: state.uid, gid: state.gid };
}

/**
 * Makes what containers mount: copies of the secrets that they can read, and folders that they can write. A file is
 * written where it stands, because a mount keeps the file that it was made with. Throws CF_FILES.
 */
export async function ensureMounts(paths: FleetPaths, topology: Topology, user: ContainerUser): Promise<void> {
  for (const folder of Object.values(COMPOSE_STATE).map((below) => resolve(paths.root, below))) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await own(folder, 0o700, user);
  }
  for (const name of Object.values(CONTROL_MEMORY)) {
    const file = join(paths.controlState, name);
    if (existsSync(file)) await own(file, 0o600, user); // restored, or left by a fleet of processes
  }
  for (const { from, to } of composeSecrets(topology)) {
    const [source, copy] = [resolve(paths.root, from), resolve(paths.root, to)];
    await mkdir(dirname(copy), { recursive: true, mode: 0o700 });
    await copyInPlace(source, copy, user);
  }
}

async function copyInPlace(source: string, copy: string, user: ContainerUser): Promise<void> {
  const text = await readFile(source).catch((cause: unknown) => {
    throw new CamofleetError('CF_FILES', `${source} cannot be read: ${errorText(cause)}`, { file: source }, { cause });
  });
  const before = await readFile(copy).catch(() => undefined); // not there yet
  if (before === undefined || !before.equals(text)) {
    const file = await open(copy, before === undefined ? 'wx' : 'r+', 0o600);
    try {
      await file.writeFile(text);
      await file.truncate(text.length);
    } finally {
      await file.close();
    }
  }
  await own(copy, 0o600, user);
}

async function own(path: string, mode: number, { uid, gid }: ContainerUser): Promise<void> {
  await chmod(path, mode);
  await chown(path, uid, gid);
}

const ENV_FILE = '.env';

/**
 * Tells a plain `docker compose` what `camofleet` tells it otherwise, in the file that Compose reads by itself: who the
 * containers are, where that is somebody else than the user of the images, and what else is given. What stands there stays.
 */
export async function ensureEnvFile(
  root: string,
  { uid, gid }: ContainerUser,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const isImages = uid === CONTAINER_USER.uid && gid === CONTAINER_USER.gid;
  const wanted = { ...(!isImages && { CAMOFLEET_USER: `${uid}:${gid}` }), ...more };
  const file = join(root, ENV_FILE);
  const before = existsSync(file) ? await readFile(file, 'utf8') : '';
  const missing = Object.entries(wanted).filter(([name]) => !new RegExp(`^${name}=`, 'm').test(before));
  if (missing.length === 0) return;
  const lines = missing.map(([name, value]) => `# Made by camofleet: ${MEANINGS[name]}\n${name}=${value}\n`);
  await writeFile(file, [before && !before.endsWith('\n') ? `${before}\n` : before, ...lines].join(''));
}

const MEANINGS: Readonly<Record<string, string>> = {
  CAMOFLEET_USER: 'the owner of .camofleet, as whom containers run.',
  COMPOSE_PROFILES: 'what of the Compose file this host runs.',
  CAMOFLEET_DOCKER_GROUP: 'the group of the socket of Docker, which Traefik is in.',
  CAMOFLEET_DOCKER_SOCKET: 'where the socket of Docker is.',
};
