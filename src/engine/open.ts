import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../core/index.js';
import { ENGINES, type EngineName, type FleetPaths, loadTopology } from '../topology/index.js';
import type { Engine, EngineDeps } from './engine.js';
import { localEngine } from './local/engine.js';

type OpenDeps = Pick<EngineDeps, 'paths' | 'self' | 'version'>;

/** The engine of a fleet: the one that is named, else the one that it runs on, else that of its topology. */
export async function openEngine(named: EngineName | undefined, given: OpenDeps): Promise<Engine> {
  const deps: EngineDeps = {
    ...given,
    clock: systemClock,
    topology: () => loadTopology(given.paths.topologyFile),
  };
  switch (named ?? (await lastEngine(deps.paths)) ?? (await ownEngine(deps))) {
    case 'local':
      return localEngine(deps);
    case 'compose':
      return (await import('./compose/engine.js')).composeEngine(deps); // what it needs is loaded where it is used
    case 'swarm':
      return (await import('./swarm/engine.js')).swarmEngine(deps);
  }
}

/** What the fleet was started with; undefined when it never was, or was taken down. */
export async function lastEngine(paths: FleetPaths): Promise<EngineName | undefined> {
  const text = await readFile(fileOf(paths), 'utf8').catch(() => ''); // never started
  return ENGINES.find((name) => name === text.trim());
}

/** Notes what the fleet is started with; undefined: it is down. */
export async function noteEngine(paths: FleetPaths, name: EngineName | undefined): Promise<void> {
  if (name === undefined) await rm(fileOf(paths), { force: true });
  else await writeFile(fileOf(paths), `${name}\n`, { mode: 0o600 });
}

/** Processes need no topology to be stopped or looked at, so one that cannot be read is no failure here. */
async function ownEngine({ topology }: EngineDeps): Promise<EngineName> {
  return topology().then(
    ({ engine }) => engine,
    () => 'local',
  );
}

function fileOf({ run }: FleetPaths): string {
  return join(run, 'engine');
}
