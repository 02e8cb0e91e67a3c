import { readFile } from 'node:fs/promises';
import { CamofleetError } from '../../core/index.js';
import type { DialTarget } from '../probe/dial.js';
import { openToken, parseKeyring } from '../../tokens/index.js';
import type { FleetPaths, Topology } from '../../topology/index.js';

/** The raw RFB target inside a token: who may read the token keys may know the RFB password. */
export async function rawTarget(
  token: string,
  { paths, topology }: { readonly paths: FleetPaths; readonly topology: Topology },
): Promise<DialTarget | undefined> {
  const text = await readFile(paths.tokenKeys, 'utf8').catch(() => undefined); // not readable here: a named skip
  if (text === undefined) return undefined;
  try {
    const keyring = parseKeyring(text, paths.tokenKeys);
    const opened = await openToken(token, keyring, { fleetId: topology.fleet.id, nowMs: Date.now() });
    return opened.ok ? { kind: 'rfb', ...opened.value.target, password: opened.value.pw } : undefined;
  } catch (error) {
    if (error instanceof CamofleetError) return undefined; // no key file: the same named skip
    throw error;
  }
}
