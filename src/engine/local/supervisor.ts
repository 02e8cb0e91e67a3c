import { CamofleetError, type Clock } from '../../core/index.js';
import {
  type RunningProcess,
  findProgram,
  isSame,
  startProcess,
  stopGroup,
  waitUntilReady,
} from '../../processes/index.js';
import {
  type FleetPaths,
  type Placement,
  type Templates,
  type Topology,
  localPlacement,
  publicOrigin,
} from '../../topology/index.js';
import { fleetUp, serviceDied, serviceReady, serviceStarted, serviceStopped, swept } from './events.js';
import { checkPorts } from './ports.js';
import { type FleetRecord, type ServiceRecord, readRecord, removeRecord, writeRecord } from './record.js';
import { rotateLogs } from './rotate.js';
import { type ServiceId, type ServicePlan, chooseIngress, planServices } from './services.js';

export interface SupervisorDeps {
  readonly clock: Clock;
  readonly paths: FleetPaths;
  readonly templates: Templates;
  readonly self: {
    readonly execPath: string;
    readonly entryPoint: string;
    readonly identity: { readonly pid: number; readonly startedAt: string };
  };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told of each step, for people. */
  readonly onStep: (service: ServiceId, state: 'starting' | 'ready', tookMs: number) => void;
}

export interface Supervisor extends AsyncDisposable {
  readonly url: string;
  readonly ingress: 'traefik' | 'embedded';
  /** Stops all services in reverse order; says how each stop went. */
  stop(): Promise<FleetRecord['stops']>;
}

const READY_MS = 20_000;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 10_000;
/** A service that ran this long starts anew with the shortest pause. */
const STABLE_MS = 30_000;
const SWEEP_GRACE_MS = 1_000;

interface Running {
  readonly plan: ServicePlan;
  process: RunningProcess | undefined;
  record: ServiceRecord;
  retry: NodeJS.Timeout | undefined;
  failures: number;
}

/** Starts a fleet on this host and keeps it running. Throws with the reason when a service does not become ready. */
export async function startSupervisor(
  topology: Topology,
  deps: SupervisorDeps,
  signal: AbortSignal,
): Promise<Supervisor> {
  const began = deps.clock.monotonic();
  await refuseSecond(deps.paths);
  await sweep(deps.paths);
  await checkPorts(topology);
  await rotateLogs(deps.paths);
  const found = findProgram('traefik', deps.env['PATH']);
  const ingress = chooseIngress(topology, found);
  const placement: Placement = localPlacement(topology, deps.paths);
  const plans = await planServices({
    topology,
    placement,
    paths: deps.paths,
    templates: deps.templates,
    self: deps.self,
    env: deps.env,
    programs: { traefik: ingress === 'traefik' ? found : undefined, setpriv: findProgram('setpriv', deps.env['PATH']) },
  });
  const fleet = new Fleet(plans, { url: publicOrigin(topology), ingress }, deps);
  try {
    await fleet.start(signal);
  } catch (error) {
    await fleet.stop();
    throw error;
  }
  fleetUp.publish({ url: publicOrigin(topology), ingress, tookMs: Math.round(deps.clock.monotonic() - began) });
  return {
    url: publicOrigin(topology),
    ingress,
    stop: () => fleet.stop(),
    [Symbol.asyncDispose]: async () => void (await fleet.stop()),
  };
}

/** The processes of one fleet. */
class Fleet {
  readonly #services: readonly Running[];
  readonly #startedAt: string;
  #state: FleetRecord['state'] = 'starting';
  #stops: FleetRecord['stops'] = [];
  #stopping: Promise<FleetRecord['stops']> | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    plans: readonly ServicePlan[],
    private readonly facts: { readonly url: string; readonly ingress: 'traefik' | 'embedded' },
    private readonly deps: SupervisorDeps,
  ) {
    this.#startedAt = new Date(deps.clock.now()).toISOString();
    this.#services = plans.map((plan) => ({
      plan,
      process: undefined,
      record: { name: plan.name, identity: null, state: 'starting', restarts: 0, lastEnd: null },
      retry: undefined,
      failures: 0,
    }));
  }

  /** Starts all, those that wait for others after them. */
  async start(signal: AbortSignal): Promise<void> {
    const ready = new Map<ServiceId, Promise<void>>();
    for (const service of this.#services)
      ready.set(
        service.plan.name,
        Promise.all(service.plan.after.flatMap((name) => ready.get(name) ?? [])).then(() =>
          this.#launch(service, signal),
        ),
      );
    const outcomes = await Promise.allSettled(ready.values());
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
    this.#state = 'up';
    await this.#write();
  }

  stop(): Promise<FleetRecord['stops']> {
    return (this.#stopping ??= this.#stopAll());
  }

  async #stopAll(): Promise<FleetRecord['stops']> {
    this.#state = 'stopping';
    await this.#write();
    for (const service of this.#services.toReversed()) {
      clearTimeout(service.retry);
      if (!service.process) continue;
      const { how, tookMs } = await service.process.stop(service.plan.stopGraceMs);
      serviceStopped.publish({ service: service.plan.name, how, tookMs });
      this.#stops = [...this.#stops, { service: service.plan.name, how, tookMs }];
      this.#note(service, { state: 'stopped', identity: null });
      await this.#write();
    }
    this.#state = 'stopped';
    await this.#write();
    return this.#stops;
  }

  async #launch(service: Running, signal: AbortSignal): Promise<void> {
    const { plan } = service;
    const began = this.deps.clock.monotonic();
    this.deps.onStep(plan.name, 'starting', 0);
    const process = await startProcess(plan.spec);
    service.process = process;
    this.#note(service, { identity: process.identity, state: 'starting' });
    serviceStarted.publish({ service: plan.name, pid: process.pid });
    await this.#write();
    await waitUntilReady(process, plan.ready, { timeoutMs: READY_MS, signal });
    void this.#watch(service, process);
    this.#note(service, { state: 'ready' });
    const tookMs = Math.round(this.deps.clock.monotonic() - began);
    serviceReady.publish({ service: plan.name, tookMs });
    this.deps.onStep(plan.name, 'ready', tookMs);
    await this.#write();
  }

  /** Starts a service that has died again, with a pause that grows while it keeps dying. */
  async #watch(service: Running, process: RunningProcess): Promise<void> {
    const began = this.deps.clock.monotonic();
    const { code, signal } = await process.exited;
    if (this.#state === 'stopping' || this.#state === 'stopped') return;
    await process.stop(0); // what it started in its group
    if (this.deps.clock.monotonic() - began > STABLE_MS) service.failures = 0;
    const how = signal ? `ended by ${signal}` : `exited with code ${code}`;
    this.#scheduleRestart(service, how);
  }

  #scheduleRestart(service: Running, how: string): void {
    const retryInMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** service.failures);
    service.failures += 1;
    serviceDied.publish({ service: service.plan.name, how, retryInMs, level: 'warn' });
    this.#note(service, { state: 'waiting', identity: null, restarts: service.record.restarts + 1, lastEnd: how });
    void this.#write();
    service.retry = setTimeout(() => {
      this.#launch(service, new AbortController().signal).catch(async (error: unknown) => {
        await service.process?.stop(0);
        if (this.#state !== 'stopping')
          this.#scheduleRestart(service, error instanceof Error ? error.message.split('\n')[0]! : String(error));
      });
    }, retryInMs);
  }

  #note(service: Running, change: Partial<ServiceRecord>): void {
    service.record = { ...service.record, ...change };
  }

  /** One write after the other, each with the newest facts. */
  #write(): Promise<void> {
    this.#writing = this.#writing.then(() =>
      writeRecord(this.deps.paths, {
        supervisor: this.deps.self.identity,
        startedAt: this.#startedAt,
        ...this.facts,
        state: this.#state,
        services: this.#services.map(({ record }) => record),
        stops: this.#stops,
      }),
    );
    return this.#writing;
  }
}

async function refuseSecond(paths: FleetPaths): Promise<void> {
  const record = await readRecord(paths);
  if (record && isSame(record.supervisor))
    throw new CamofleetError(
      'CF_FLEET_RUNNING',
      `this fleet already runs at ${record.url}, supervised by process ${record.supervisor.pid}`,
      { url: record.url },
    );
}

/** Ends what a supervisor that is gone left running, by pid and start time. */
export async function sweep(paths: FleetPaths): Promise<FleetRecord['stops']> {
  const record = await readRecord(paths);
  if (!record || isSame(record.supervisor)) return [];
  const stops = [...record.stops];
  for (const { name, identity } of record.services) {
    if (!identity || !isSame(identity)) continue;
    const { how, tookMs } = await stopGroup(identity.pid, SWEEP_GRACE_MS);
    swept.publish({ service: name, pid: identity.pid, level: 'warn' });
    stops.push({ service: name, how, tookMs });
  }
  await removeRecord(paths);
  return stops;
}
