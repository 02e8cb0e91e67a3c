import { join } from 'node:path';
import { CamofleetError } from '../../core/index.js';
import { COMPOSE_STATE, publicOrigin } from '../../topology/index.js';
import { merged } from '../compose/logs.js';
import type { Engine, EngineDeps, FleetStatus, LogOptions } from '../engine.js';
import { type LogLine, followLogs } from '../logs.js';
import { swarmDown } from './down.js';
import { swarmEvidence } from './evidence.js';
import { swarmLogs } from './logs.js';
import { type Stack, openStack } from './stack.js';
import { servicesOf } from './tasks.js';
import { deploy, isReady, swarmUp } from './up.js';
import { swarmUpgrade } from './upgrade.js';

const SERVICES = ['runner', 'control', 'gateway', 'traefik'];
const ACCESS_LOG = 'traefik-access';

/** Services as a stack on a swarm; its managers are the supervisor. */
export function swarmEngine(deps: EngineDeps): Engine {
  return {
    name: 'swarm',
    services: SERVICES,
    up: async (options, signal) => swarmUp(await openStack(deps), deps, options, signal),
    down: async (options) => swarmDown(await openStack(deps), options),
    status: async () => statusOf(await openStack(deps)),
    upgrade: async (options, signal) => swarmUpgrade(await openStack(deps), deps, options, signal),
    refresh: async () => {
      const stack = await openStack(deps);
      const before = await servicesOf(stack.docker, stack.name);
      if (before.length > 0) await deploy(stack, deps, { before, scale: {} });
    },
    logs: async function* (options, signal) {
      yield* logsOf(await openStack(deps), deps, options, signal);
    },
    evidence: async () => swarmEvidence(await openStack(deps), deps),
  };
}

async function statusOf({ name, topology, docker }: Stack): Promise<FleetStatus> {
  const services = await servicesOf(docker, name);
  if (services.length === 0) return { state: 'not running' };
  return {
    state: services.every(isReady) ? 'up' : 'starting',
    engine: 'swarm',
    url: publicOrigin(topology),
    ingress: 'traefik',
    startedAt: services.map(({ createdAt }) => createdAt).toSorted()[0]!,
    services: SERVICES.flatMap((service) => services.find((one) => one.name === service)?.replicas ?? []),
    stops: [],
  };
}

async function* logsOf(
  { name, docker }: Stack,
  { paths }: EngineDeps,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const known = [...SERVICES, ACCESS_LOG];
  const strange = options.sources.find((source) => !known.includes(source));
  if (strange !== undefined)
    throw new CamofleetError('CF_USAGE', `there is no log ${strange}. There are: ${known.join(', ')}`);
  const wants = (source: string): boolean => options.sources.length === 0 || options.sources.includes(source);
  const there = (await servicesOf(docker, name)).map((service) => service.name);
  const sources = SERVICES.filter((service) => wants(service) && there.includes(service));
  const reading = new AbortController();
  const either = AbortSignal.any([signal, reading.signal]);
  const access = { ...paths, logs: join(paths.root, COMPOSE_STATE.logs) };
  try {
    yield* merged<LogLine>([
      ...(sources.length > 0 ? [swarmLogs(docker, name, { ...options, sources }, either)] : []),
      ...(wants(ACCESS_LOG) ? [followLogs(access, { ...options, sources: [ACCESS_LOG] }, either)] : []),
    ]);
  } finally {
    reading.abort();
  }
}
