import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CamofleetError } from '../../core/index.js';
import { COMPOSE_STATE, composeProject, publicOrigin } from '../../topology/index.js';
import { touchDynamic } from '../certificates.js';
import type { Engine, EngineDeps, FleetStatus, LogOptions } from '../engine.js';
import { type LogLine, followLogs } from '../logs.js';
import { containersOf } from './containers.js';
import { openDocker } from './docker.js';
import { composeEnvironment } from './environment.js';
import { composeDown } from './down.js';
import { composeEvidence } from './evidence.js';
import { composeLogs, merged } from './logs.js';
import { containerUser, ensureMounts } from './mounts.js';
import { type Project, composeUp } from './up.js';
import { composeUpgrade } from './upgrade.js';

const SERVICES = ['runner', 'control', 'gateway', 'traefik'];
const ACCESS_LOG = 'traefik-access';
/** As rendered, below the root of the fleet. */
const TRAEFIK_DYNAMIC = 'traefik/dynamic';

/** Services as containers of one Docker host; Docker is the supervisor, Compose the one who speaks to it. */
export function composeEngine(deps: EngineDeps): Engine {
  const project = async (): Promise<Project> => {
    const topology = await deps.topology();
    const { uid, gid } = containerUser(await stat(deps.paths.state));
    const more = await composeEnvironment(topology, deps.self.env);
    const env = { ...deps.self.env, CAMOFLEET_USER: `${uid}:${gid}`, ...more };
    return { name: composeProject(topology), topology, docker: await openDocker(deps.paths.root, env) };
  };
  return {
    name: 'compose',
    services: SERVICES,
    up: async (options, signal) => composeUp(await project(), deps, options, signal),
    down: async (options) => composeDown(await project(), options),
    status: async () => statusOf(await project()),
    upgrade: async (options, signal) => composeUpgrade(await project(), deps, options, signal),
    refresh: async () => {
      const { paths, topology, clock } = deps;
      await ensureMounts(paths, await topology(), containerUser(await stat(paths.state)));
      await touchDynamic(join(paths.root, TRAEFIK_DYNAMIC), clock.now());
    },
    logs: async function* (options, signal) {
      yield* logsOf(await project(), deps, options, signal);
    },
    evidence: async () => composeEvidence(await project(), deps),
  };
}

async function statusOf({ name, topology, docker }: Project): Promise<FleetStatus> {
  const containers = await containersOf(docker, name);
  if (containers.length === 0) return { state: 'not running' };
  const running = containers.filter(({ pid }) => pid !== 0);
  const inOrder = SERVICES.flatMap((service) => containers.filter((one) => one.name === service));
  const isStarting = running.some(({ state }) => state === 'starting');
  return {
    state: running.length === 0 ? 'stopped' : isStarting ? 'starting' : 'up',
    engine: 'compose',
    url: publicOrigin(topology),
    ingress: 'traefik',
    startedAt: containers.map(({ startedAt }) => startedAt).toSorted()[0]!,
    services: inOrder.map(({ id: _id, pid: _pid, addresses: _addresses, startedAt: _startedAt, ...status }) => status),
    stops: [],
  };
}

async function* logsOf(
  { docker }: Project,
  { paths }: EngineDeps,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const known = [...SERVICES, ACCESS_LOG];
  const strange = options.sources.find((source) => !known.includes(source));
  if (strange !== undefined)
    throw new CamofleetError('CF_USAGE', `there is no log ${strange}. There are: ${known.join(', ')}`);
  const wants = (source: string): boolean => options.sources.length === 0 || options.sources.includes(source);
  const services = SERVICES.filter(wants);
  const reading = new AbortController();
  const either = AbortSignal.any([signal, reading.signal]);
  const access = { ...paths, logs: join(paths.root, COMPOSE_STATE.logs) };
  try {
    yield* merged<LogLine>([
      ...(services.length > 0 ? [composeLogs(docker, { ...options, sources: services }, either)] : []),
      ...(wants(ACCESS_LOG) ? [followLogs(access, { ...options, sources: [ACCESS_LOG] }, either)] : []),
    ]);
  } finally {
    reading.abort();
  }
}
