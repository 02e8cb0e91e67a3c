import { z } from 'zod';
import type { Daemon } from '../compose/docker.js';
import type { ServiceStatus } from '../engine.js';

/** Of what a container is to be, the part that a deployment changes. */
const containerSchema = z.object({
  Image: z.string(),
  Env: z.array(z.string()).nullish(),
  Secrets: z.array(z.object({ SecretID: z.string() })).nullish(),
  Configs: z.array(z.object({ ConfigID: z.string() })).nullish(),
});
type ContainerSpec = z.output<typeof containerSchema>;

const serviceSchema = z.array(
  z.object({
    ID: z.string(),
    CreatedAt: z.string(),
    Spec: z.object({
      Name: z.string(),
      Mode: z.object({ Replicated: z.object({ Replicas: z.int() }).optional() }),
      TaskTemplate: z.object({ ContainerSpec: containerSchema }),
    }),
    UpdateStatus: z.object({ State: z.string().optional(), Message: z.string().optional() }).nullish(),
  }),
);

const portSchema = z.object({ Protocol: z.string(), TargetPort: z.int(), PublishedPort: z.int().optional() });
type Port = z.output<typeof portSchema>;

const taskSchema = z.array(
  z.object({
    ID: z.string(),
    CreatedAt: z.string(),
    ServiceID: z.string(),
    Slot: z.int().optional(),
    DesiredState: z.string(),
    Spec: z.object({ ContainerSpec: containerSchema }),
    Status: z.object({
      State: z.string(),
      Message: z.string().optional(),
      Err: z.string().optional(),
      ContainerStatus: z.object({ ContainerID: z.string().optional(), PID: z.int().optional() }).nullish(),
      PortStatus: z
        .object({
          Ports: z.array(portSchema).nullish(),
        })
        .nullish(),
    }),
  }),
);
export type Task = z.output<typeof taskSchema>[number];

/** A service of a stack: how many replicas are wanted, and what is there of each. */
export interface StackService {
  /** `gateway` */
  readonly name: string;
  readonly wanted: number;
  /** A change that Swarm is in the middle of, or has given up. */
  readonly update: string | undefined;
  readonly createdAt: string;
  readonly replicas: readonly ServiceStatus[];
  /** Ids of the tasks that are these replicas: another task in the place of one is another container. */
  readonly tasks: readonly string[];
  /** Of the replicas that run on this node. */
  readonly containers: readonly { readonly id: string; readonly pid: number }[];
}

const NAMESPACE = 'com.docker.stack.namespace';
/** States in which a task is on its way; `running` is said of a healthy container. */
const STARTING = ['new', 'pending', 'assigned', 'accepted', 'preparing', 'ready', 'starting', 'allocated'];
const FAILED = ['failed', 'rejected'];

/** Every service of a stack, by name; none when it is not deployed. */
export async function servicesOf(docker: Daemon, stack: string): Promise<readonly StackService[]> {
  const ids = await listed(docker, ['service', 'ls', '--quiet', '--filter', `label=${NAMESPACE}=${stack}`]);
  if (ids.length === 0) return [];
  const services = serviceSchema.parse(JSON.parse(await docker.run(['service', 'inspect', ...ids])));
  const tasks = await tasksOf(docker, ids);
  return services.map((service): StackService => {
    const name = service.Spec.Name.slice(stack.length + 1);
    const own = tasks.filter(({ ServiceID }) => ServiceID === service.ID);
    const slots = [...Map.groupBy(own, ({ Slot = 0 }) => Slot)].toSorted(([a], [b]) => a - b);
    const wanted = service.Spec.TaskTemplate.ContainerSpec;
    const current = slots.map(([slot, all]) => replicaOf(name, slot, all, wanted)).filter((one) => one !== undefined);
    return {
      name,
      wanted: service.Spec.Mode.Replicated?.Replicas ?? 1,
      update: service.UpdateStatus?.State,
      createdAt: service.CreatedAt,
      replicas: current.map(({ status }) => status),
      tasks: current.map(({ task }) => task.ID),
      containers: current.flatMap(({ task: { Status } }) => {
        const { ContainerID: id = '', PID: pid = 0 } = Status.ContainerStatus ?? {};
        return id === '' || pid === 0 ? [] : [{ id, pid }];
      }),
    };
  });
}

/** The tasks of services, those included that are over and not forgotten yet. */
async function tasksOf(docker: Daemon, services: readonly string[]): Promise<readonly Task[]> {
  const ids = await listed(docker, ['service', 'ps', '--quiet', '--no-trunc', ...services]);
  if (ids.length === 0) return [];
  return taskSchema.parse(JSON.parse(await docker.run(['inspect', '--type', 'task', ...ids])));
}

async function listed(docker: Daemon, args: readonly string[]): Promise<string[]> {
  return (await docker.run(args)).split('\n').filter((line) => line !== '');
}

/**
 * What there is of one replica: the task that shall run, else nothing that people need to know of. One that runs and is not
 * what is wanted by now is about to be replaced.
 */
export function replicaOf(
  name: string,
  slot: number,
  tasks: readonly Task[],
  wanted: ContainerSpec,
): { readonly task: Task; readonly status: ServiceStatus } | undefined {
  const newest = tasks.toSorted((a, b) => b.CreatedAt.localeCompare(a.CreatedAt));
  const task = newest.find(({ DesiredState }) => DesiredState === 'running' || DesiredState === 'ready');
  if (!task) return undefined;
  const failures = newest.filter(({ ID, Status }) => ID !== task.ID && FAILED.includes(Status.State));
  const { Err: problem = '', PortStatus } = task.Status;
  const isOld = !isSame(task.Spec.ContainerSpec, wanted);
  const state = isOld && task.Status.State === 'running' ? 'starting' : stateOf(task);
  const last = problem || (failures[0]?.Status.Err ?? '');
  return {
    task,
    status: {
      name,
      instance: `${name}.${slot}`,
      state,
      restarts: failures.length,
      lastEnd: last === '' ? null : last,
      nextTryAt: null,
      ports: [...new Set((PortStatus?.Ports ?? []).map(portText))], // once for each kind of address
    },
  };
}

function isSame(a: ContainerSpec, b: ContainerSpec): boolean {
  return JSON.stringify(partsOf(a)) === JSON.stringify(partsOf(b));
}

function partsOf({ Image, Env, Secrets, Configs }: ContainerSpec): readonly (readonly string[])[] {
  const ids = [(Secrets ?? []).map(({ SecretID }) => SecretID), (Configs ?? []).map(({ ConfigID }) => ConfigID)];
  return [[Image], Env ?? [], ...ids].map((part) => part.toSorted());
}

function portText({ PublishedPort, TargetPort, Protocol }: Port): string {
  return `0.0.0.0:${PublishedPort ?? 0}->${TargetPort}/${Protocol}`;
}

function stateOf({ DesiredState, Status }: Task): ServiceStatus['state'] {
  if (DesiredState === 'ready') return 'waiting'; // the pause before it is started again
  if (Status.State === 'running') return 'ready';
  return STARTING.includes(Status.State) ? 'starting' : 'stopped';
}
