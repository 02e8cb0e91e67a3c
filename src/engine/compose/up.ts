import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CamofleetError } from '../../core/index.js';
import { type Topology, loadTemplates, publicOrigin, render } from '../../topology/index.js';
import type { EngineDeps, RunningFleet, UpOptions } from '../engine.js';
import { writeFiles } from '../files.js';
import { type Container, containersOf } from './containers.js';
import type { Docker } from './docker.js';
import { composeEnvironment } from './environment.js';
import { containerUser, ensureEnvFile, ensureMounts } from './mounts.js';

/** Between two looks at containers that start. */
const LOOK_MS = 400;
/** On top of what services have, for pulling and for making containers. */
const START_MARGIN_MS = 120_000;
const DOWN_MS = 120_000;
const LAST_WORDS = 5;

/** A fleet as Compose knows it. */
export interface Project {
  readonly name: string;
  readonly topology: Topology;
  readonly docker: Docker;
}

/** Writes what follows from the topology: the files of the fleet, and what containers mount. */
export async function prepare({ paths, self, version }: EngineDeps, topology: Topology): Promise<void> {
  const templates = await loadTemplates(self.packageRoot, join(paths.root, 'templates'));
  await writeFiles(paths.root, render(topology, 'compose', { paths, templates, version }));
  const user = containerUser(await stat(paths.state));
  await ensureEnvFile(paths.root, user, await composeEnvironment(topology, self.env));
  await ensureMounts(paths, topology, user);
}

/** `docker compose up`, told step by step. On failure or abort a fleet that did not run before is taken down again. */
export async function composeUp(
  { name, topology, docker }: Project,
  deps: EngineDeps,
  { timeoutMs, scale, onStep }: UpOptions,
  signal: AbortSignal,
): Promise<RunningFleet> {
  await prepare(deps, topology);
  await requireImages(docker);
  const before = await containersOf(docker, name);
  const stop = async (): Promise<void> => void (await docker.compose(['down'], { timeoutMs: DOWN_MS }));
  const began = deps.clock.monotonic();
  const watching = new AbortController();
  const watch = watchStart(
    { docker, name, before, leftMs: () => timeoutMs - (deps.clock.monotonic() - began) },
    onStep,
    watching.signal,
  );
  try {
    const wait = ['--wait', '--wait-timeout', String(Math.ceil(timeoutMs / 1000))];
    const replicas = Object.entries({ ...counted(before), ...scale }).flatMap(([service, count]) => [
      '--scale',
      `${service}=${count}`,
    ]);
    await docker.compose(['up', '--detach', ...wait, '--remove-orphans', '--no-build', ...replicas], {
      signal,
      timeoutMs: timeoutMs + START_MARGIN_MS,
    });
    watching.abort();
    await watch;
    return { url: publicOrigin(topology), ingress: 'traefik', stop };
  } catch (error) {
    watching.abort();
    await watch;
    const problem = signal.aborted ? error : await explained(error, docker, name, onStep);
    if (!before.some(({ state }) => state !== 'stopped')) await stop();
    throw problem;
  }
}

interface Watch {
  readonly docker: Docker;
  readonly name: string;
  readonly before: readonly Container[];
  readonly leftMs: () => number;
}

/** Tells how far each service is until all that are there are ready, or the signal comes. Never throws. */
async function watchStart(
  { docker, name, leftMs }: Watch,
  onStep: UpOptions['onStep'],
  signal: AbortSignal,
): Promise<void> {
  const began = performance.now();
  const told = new Set<string>();
  const look = async (): Promise<void> => {
    const containers = await containersOf(docker, name).catch(() => []); // said by the command that is watched
    for (const [service, replicas] of Map.groupBy(containers, (one) => one.name)) {
      if (told.has(service)) continue;
      const behind = replicas.find(({ state }) => state !== 'ready');
      if (behind) {
        onStep({ state: 'waiting', service, because: behind.lastEnd ?? behind.state, leftMs: Math.max(0, leftMs()) });
        continue;
      }
      told.add(service);
      onStep({ state: 'ready', service, tookMs: Math.round(performance.now() - began) });
    }
  };
  while (!signal.aborted) {
    await look();
    await pause(LOOK_MS, undefined, { signal }).catch(() => {}); // aborted: the last look is below
  }
  await look();
}

/** As many as there are. */
function counted(containers: readonly Container[]): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(containers, ({ name }) => name)].map(([name, all]) => [name, all.length]));
}

/** Ours are built, never pulled. */
export async function requireImages(docker: Docker): Promise<void> {
  const images = (await docker.compose(['config', '--images'])).split('\n').filter((image) => image !== '');
  const missing: string[] = [];
  for (const image of new Set(images)) {
    if (!image.startsWith('camofleet/')) continue;
    const found = await docker.run(['image', 'ls', '--quiet', image]);
    if (found.trim() === '') missing.push(image);
  }
  if (missing.length > 0)
    throw new CamofleetError('CF_IMAGE_MISSING', `this Docker has no ${missing.join(', ')}`, { missing });
}

/** Why it did not come up: what of the containers says it best, else what Compose said. */
async function explained(
  failure: unknown,
  docker: Docker,
  name: string,
  onStep: UpOptions['onStep'],
): Promise<unknown> {
  if (!(failure instanceof CamofleetError)) return failure;
  if (/port is already allocated|address already in use/.test(failure.message))
    return new CamofleetError('CF_PORT_TAKEN', failure.message, {}, { cause: failure });
  const containers = await containersOf(docker, name).catch(() => []); // the failure stands
  const bad =
    containers.find(({ state }) => state !== 'ready' && state !== 'starting') ??
    containers.find(({ state, lastEnd }) => state !== 'ready' && lastEnd !== null) ?? // it is started again and again
    containers.find(({ state }) => state !== 'ready');
  if (!bad?.instance) return failure;
  const words = await lastWords(docker, bad.instance);
  const because = `${bad.instance} is ${bad.state}${bad.lastEnd ? `: ${bad.lastEnd}` : ''}`;
  onStep({ state: 'failed', service: bad.name, because });
  const code = bad.state === 'stopped' || bad.state === 'waiting' ? 'CF_SERVICE_EXITED' : 'CF_SERVICE_NOT_READY';
  return new CamofleetError(code, [because, ...words].join('\n'), { container: bad.instance }, { cause: failure });
}

async function lastWords(docker: Docker, container: string): Promise<string[]> {
  const said = await docker
    .run(['logs', '--tail', String(LAST_WORDS), container], { withStderr: true })
    .catch(() => ''); // gone already
  return said.split('\n').filter((line) => line !== '');
}
