import { setTimeout as pause } from 'node:timers/promises';
import { CamofleetError } from '../../core/index.js';
import {
  type ImageService,
  STACK_FILE,
  imageName,
  publicOrigin,
  violationText,
  violations,
} from '../../topology/index.js';
import type { Daemon } from '../compose/docker.js';
import type { EngineDeps, RunningFleet, UpOptions } from '../engine.js';
import { swarmDown } from './down.js';
import { type Stack, stackEnvironment, writeStack } from './stack.js';
import { type StackService, servicesOf } from './tasks.js';

/** Between two looks at tasks that start. */
const LOOK_MS = 500;
/** A deployment is taken in no time; what it says of a file is not. */
const DEPLOY_MS = 60_000;
const DOWN_MS = 120_000;
const LAST_WORDS = 5;
const OURS: readonly ImageService[] = ['gateway', 'control', 'runner'];

/** `docker stack deploy`, told step by step. On failure or abort a fleet that did not run before is taken down again. */
export async function swarmUp(
  stack: Stack & { readonly node: string },
  deps: EngineDeps,
  { timeoutMs, scale, onStep }: UpOptions,
  signal: AbortSignal,
): Promise<RunningFleet> {
  const { name, topology, docker } = stack;
  requireRules(stack);
  await requireImages(docker, deps.version);
  const before = await servicesOf(docker, name);
  const down = { timeoutMs: DOWN_MS, volumes: false, onStop: () => {} };
  const stop = async (): Promise<void> => void (await swarmDown(stack, down));
  try {
    await deploy(stack, deps, { before, scale, signal });
    await ready(stack, deps, { timeoutMs, onStep }, signal);
    return { url: publicOrigin(topology), ingress: 'traefik', stop };
  } catch (error) {
    if (before.length === 0) await stop();
    throw error;
  }
}

/**
 * Gives Swarm the stack as it should be now; it replaces what differs. A secret that has changed is another secret, so those
 * who use it are replaced one by one: viewers of a gateway are told to come back.
 */
export async function deploy(
  stack: Stack & { readonly node: string },
  deps: EngineDeps,
  options: {
    readonly before: readonly StackService[];
    readonly scale: UpOptions['scale'];
    readonly signal?: AbortSignal;
  },
): Promise<void> {
  const { before, scale, signal } = options;
  await writeStack(deps, stack.topology);
  const replicas = { ...Object.fromEntries(before.map((one) => [one.name, one.wanted])), ...scale };
  const env = await stackEnvironment(deps, stack, replicas);
  const args = ['stack', 'deploy', '--resolve-image', 'never', '--prune', '--compose-file', STACK_FILE, stack.name];
  await stack.docker.run(args, { env, timeoutMs: DEPLOY_MS, ...(signal && { signal }) });
}

const OF_SWARM: ReadonlySet<string> = new Set([
  'topology.swarm-bind',
  'topology.docker-provider',
  'topology.runner-hosts',
]);

/** What only Swarm breaks is asked for here too: `--engine swarm` may be said of a file that does not say it. */
function requireRules({ topology }: Stack): void {
  const broken = violations({ ...topology, engine: 'swarm' }).filter(({ id }) => OF_SWARM.has(id));
  if (broken.length > 0) throw new CamofleetError('CF_TOPOLOGY_RULE', broken.map(violationText).join('\n'));
}

/** Ours are built, never pulled; other nodes must have them as well. */
async function requireImages(docker: Daemon, version: string): Promise<void> {
  const missing: string[] = [];
  for (const image of OURS.map((service) => imageName(service, version)))
    if ((await docker.run(['image', 'ls', '--quiet', image])).trim() === '') missing.push(image);
  if (missing.length > 0)
    throw new CamofleetError('CF_IMAGE_MISSING', `this Docker has no ${missing.join(', ')}`, { missing });
}

/** Resolves when each service has its replicas, none of them of an older state. */
async function ready(
  { name, docker }: Stack,
  { clock }: EngineDeps,
  { timeoutMs, onStep }: Pick<UpOptions, 'timeoutMs' | 'onStep'>,
  signal: AbortSignal,
): Promise<void> {
  const began = clock.monotonic();
  const told = new Set<string>();
  for (;;) {
    const services = await servicesOf(docker, name);
    const behind = services.filter((service) => !isReady(service));
    const tookMs = Math.round(clock.monotonic() - began);
    for (const service of services) {
      if (!behind.includes(service)) {
        if (!told.has(service.name)) onStep({ state: 'ready', service: service.name, tookMs });
        told.add(service.name);
      } else onStep({ state: 'waiting', service: service.name, because: because(service), leftMs: timeoutMs - tookMs });
    }
    if (services.length > 0 && behind.length === 0) return;
    if (tookMs > timeoutMs) throw await explained(docker, name, behind[0]!, onStep);
    await pause(LOOK_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** As many as are wanted, all of them healthy, and no change under way. */
export function isReady({ wanted, update, replicas }: StackService): boolean {
  const isChanging = update !== undefined && !['completed', 'rollback_completed'].includes(update);
  return !isChanging && replicas.filter(({ state }) => state === 'ready').length >= wanted;
}

function because({ wanted, update, replicas }: StackService): string {
  const bad = replicas.find(({ state }) => state !== 'ready');
  if (bad) return `${bad.instance ?? bad.name} is ${bad.state}${bad.lastEnd ? `: ${bad.lastEnd}` : ''}`;
  return update === undefined || update === 'completed'
    ? `${replicas.length} of ${wanted} replicas`
    : `its change is ${update.replaceAll('_', ' ')}`;
}

async function explained(
  docker: Daemon,
  stack: string,
  service: StackService,
  onStep: UpOptions['onStep'],
): Promise<CamofleetError> {
  const why = because(service);
  onStep({ state: 'failed', service: service.name, because: why });
  const said = await docker
    .run(['service', 'logs', '--raw', '--tail', String(LAST_WORDS), `${stack}_${service.name}`], { withStderr: true })
    .catch(() => ''); // gone already
  const words = said.split('\n').filter((line) => line !== '');
  return new CamofleetError('CF_SERVICE_NOT_READY', [why, ...words].join('\n'), { service: service.name });
}
