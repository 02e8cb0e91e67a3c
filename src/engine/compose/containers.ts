import { z } from 'zod';
import type { ServiceStatus } from '../engine.js';
import type { Docker } from './docker.js';

/** What `docker inspect` says, as far as it is read here. */
const inspectSchema = z.array(
  z.object({
    Id: z.string(),
    Name: z.string(),
    RestartCount: z.int(),
    State: z.object({
      Status: z.string(),
      OOMKilled: z.boolean(),
      ExitCode: z.int(),
      Error: z.string(),
      StartedAt: z.string(),
      FinishedAt: z.string(),
      Pid: z.int(),
      Health: z.object({ Status: z.string(), Log: z.array(z.object({ Output: z.string() })).nullish() }).nullish(),
    }),
    Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
    NetworkSettings: z.object({
      Ports: z.record(z.string(), z.array(z.object({ HostIp: z.string(), HostPort: z.string() })).nullish()).nullish(),
      Networks: z.record(z.string(), z.object({ IPAddress: z.string() })),
    }),
  }),
);
type Inspected = z.output<typeof inspectSchema>[number];

/** One container of a fleet. */
export interface Container extends ServiceStatus {
  readonly id: string;
  /** Of its first process on this host; 0 when none runs. */
  readonly pid: number;
  readonly startedAt: string;
  /** Its address by the name of the network. */
  readonly addresses: Readonly<Record<string, string>>;
}

const PROJECT = 'com.docker.compose.project';
const SERVICE = 'com.docker.compose.service';
const NUMBER = 'com.docker.compose.container-number';
const MAX_SAID = 200;

/** Every container of a project, running or not, by service and number. */
export async function containersOf(docker: Docker, project: string): Promise<readonly Container[]> {
  const filters = [`label=${PROJECT}=${project}`, 'label=com.docker.compose.oneoff=False'];
  const listed = await docker.run(['ps', '-aq', '--no-trunc', ...filters.flatMap((filter) => ['--filter', filter])]);
  const ids = listed.split('\n').filter((id) => id !== '');
  if (ids.length === 0) return [];
  const text = await docker.run(['inspect', '--type', 'container', ...ids]);
  const number = (one: Inspected): number => Number(one.Config.Labels?.[NUMBER] ?? 0);
  return inspectSchema
    .parse(JSON.parse(text))
    .toSorted((a, b) => number(a) - number(b))
    .map(containerOf);
}

/** What `docker inspect` says of one container, in our words. */
export function containerOf({ Id, Name, RestartCount, State, Config, NetworkSettings }: Inspected): Container {
  const state = stateOf(State);
  return {
    id: Id,
    name: Config.Labels?.[SERVICE] ?? '',
    instance: Name.replace(/^\//, ''),
    state,
    restarts: RestartCount,
    lastEnd: lastEnd(State, state, RestartCount),
    nextTryAt: null,
    ports: Object.entries(NetworkSettings.Ports ?? {}).flatMap(([inside, outside]) =>
      (outside ?? []).map(({ HostIp, HostPort }) => `${HostIp}:${HostPort}->${inside}`),
    ),
    pid: State.Pid,
    startedAt: State.StartedAt,
    addresses: Object.fromEntries(
      Object.entries(NetworkSettings.Networks).map(([name, { IPAddress }]) => [name, IPAddress]),
    ),
  };
}

function stateOf({ Status, Health }: Inspected['State']): ServiceStatus['state'] {
  if (Status === 'restarting') return 'waiting';
  if (Status === 'created') return 'starting';
  if (Status !== 'running') return 'stopped';
  if (!Health || Health.Status === 'healthy' || Health.Status === 'none') return 'ready';
  return Health.Status === 'starting' ? 'starting' : 'unhealthy';
}

function lastEnd(
  { OOMKilled, ExitCode, Error: problem, FinishedAt, Health }: Inspected['State'],
  state: ServiceStatus['state'],
  restarts: number,
): string | null {
  if (state === 'unhealthy') return `its check says: ${Health?.Log?.at(-1)?.Output.trim().slice(0, MAX_SAID) ?? ''}`;
  if (state === 'stopped' || state === 'waiting') {
    const killed = ExitCode > 128 ? ` (signal ${ExitCode - 128})` : '';
    const memory = OOMKilled ? ', out of memory' : '';
    return `exited with code ${ExitCode}${killed}${memory}${problem && `: ${problem}`}`;
  }
  return restarts > 0 ? `ended at ${FinishedAt.replace(/\.\d+Z$/, 'Z')}` : null;
}
