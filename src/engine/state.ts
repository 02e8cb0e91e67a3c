import { randomBytes } from 'node:crypto';
import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import { CamofleetError } from '../core/index.js';
import { ensurePki } from '../pki/index.js';
import type { FleetPaths, Topology } from '../topology/index.js';

/** What was made, for people. */
export interface StateReport {
  readonly made: readonly string[];
  readonly certificates: 'kept' | 'leaf renewed' | 'made';
}

const KEY_BYTES = 32;

/** Makes the state folder, the secrets and the certificates that are missing. Nothing that exists is replaced. */
export async function ensureState(paths: FleetPaths, topology: Topology, nowMs: number): Promise<StateReport> {
  for (const folder of [paths.state, paths.secrets, paths.pki, paths.run, paths.logs, paths.rendered('local')]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
  }
  const made: string[] = [];
  for (const file of [paths.operatorKey, paths.serviceKey])
    if (
      await makeOnce(file, () =>
        writeFile(file, `${randomBytes(KEY_BYTES).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' }),
      )
    )
      made.push(file);
  if (await makeOnce(paths.tokenKeys, () => makeTokenKeys(paths.tokenKeys))) made.push(paths.tokenKeys);
  return { made, certificates: await ensurePki(paths, certificateHosts(topology), nowMs) };
}

/** What the leaf of a fleet is for. */
export function certificateHosts(topology: Topology): readonly string[] {
  return [...new Set([topology.public.host, 'localhost', '127.0.0.1', '::1'])];
}

async function makeTokenKeys(file: string): Promise<void> {
  const { createKeyFile } = await import('../tokens/index.js');
  await createKeyFile(file);
}

/** True when the file was made; an existing one must be private. */
async function makeOnce(file: string, make: () => Promise<void>): Promise<boolean> {
  const found = await stat(file).catch(() => undefined); // absent: it is made
  if (!found) {
    await make();
    return true;
  }
  if ((found.mode & 0o077) !== 0)
    throw new CamofleetError('CF_KEYS_INVALID', `${file} can be read by others; run: chmod 600 ${file}`, { file });
  return false;
}
