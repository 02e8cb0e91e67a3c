import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CamofleetError } from '../core/index.js';
import { checkPorts, createFleet, ensureState } from '../engine/index.js';
import {
  type FleetPaths,
  type Topology,
  fleetPaths,
  loadTopology,
  newTopologyText,
  parseTopology,
} from '../topology/index.js';

/** The fleet of a run, before it is started. */
export interface SmokeFleet extends AsyncDisposable {
  readonly paths: FleetPaths;
  readonly topology: Topology;
  /** Its folder goes with the run. */
  readonly isThrowaway: boolean;
}

export interface FleetDeps {
  readonly packageRoot: string;
  readonly version: string;
  /** Folder for what is thrown away. */
  readonly temporary: string;
  readonly now: () => number;
  /** From 0 up to a number, that one not included. */
  readonly random: (below: number) => number;
}

/** The fleet of a folder that was named. */
export async function givenFleet(paths: FleetPaths, now: () => number): Promise<SmokeFleet> {
  const topology = await loadTopology(paths.topologyFile);
  await ensureState(paths, topology, now());
  return { paths, topology, isThrowaway: false, [Symbol.asyncDispose]: async () => {} };
}

/** A fleet in a folder of its own, on ports that are free now. It goes when it is disposed. */
export async function throwawayFleet(deps: FleetDeps): Promise<SmokeFleet> {
  await using scope = new AsyncDisposableStack();
  const root = await mkdtemp(join(deps.temporary, 'camofleet-smoke-'));
  scope.defer(() => rm(root, { recursive: true, force: true }));
  await createFleet({
    folder: root,
    cwd: root,
    packageRoot: deps.packageRoot,
    version: deps.version,
    force: false,
    host: 'localhost',
    publicPort: undefined,
    fleetId: undefined,
    shift: await freeShift(deps.random),
    nowMs: deps.now(),
  });
  const paths = fleetPaths(root);
  const topology = await loadTopology(paths.topologyFile);
  const owner = scope.move();
  return { paths, topology, isThrowaway: true, [Symbol.asyncDispose]: () => owner.disposeAsync() };
}

/** Steps of a hundred, beside the ports of a default fleet and below those that the kernel hands out (32768). */
const [MIN_SHIFT, MAX_SHIFT, STEP] = [40, 230, 100];
const TRIES = 20;

async function freeShift(random: FleetDeps['random']): Promise<number> {
  for (let left = TRIES; ; left -= 1) {
    const shift = (MIN_SHIFT + random(MAX_SHIFT - MIN_SHIFT)) * STEP;
    const parsed = parseTopology(
      newTopologyText({ fleetId: 'camofleet', host: 'localhost', publicPort: undefined, shift }),
    );
    if (!('topology' in parsed)) throw new Error('a new topology is always valid');
    try {
      await checkPorts(parsed.topology);
      return shift;
    } catch (error) {
      if (left <= 1 || !(error instanceof CamofleetError)) throw error;
    }
  }
}
