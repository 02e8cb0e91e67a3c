import { readFile } from 'node:fs/promises';
import { type Clock, errorText } from '../../core/index.js';
import { findProgram } from '../../processes/index.js';
import {
  type FleetPaths,
  type Placement,
  type Templates,
  type Topology,
  loadTopology,
  localPlacement,
  publicOrigin,
} from '../../topology/index.js';
import { renewCertificate, touchDynamic, watchCertificate } from '../certificates.js';
import { claimFleet } from './claim.js';
import { certificateChanged, certificateProblem, fleetUp, recordUnwritten, serviceReplaced } from './events.js';
import { startLog } from './log.js';
import { checkPorts } from './ports.js';
import { type FleetRecord, type ServiceName, type ServiceStop, type UpgradeRecord, writeRecord } from './record.js';
import { rotateLogs } from './rotate.js';
import { Service } from './service.js';
import { type PlanInput, type ServicePlan, chooseIngress, planServices } from './services.js';
import type { Step } from '../steps.js';
import { sweep } from './sweep.js';
import { UPGRADES, readUpgradeRequest, sessionsOf, upgradeServices } from './upgrade.js';

type Planner = (topology: Topology, self: PlanInput['self']) => Promise<readonly ServicePlan[]>;

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
  /** For each service, from its start until it is ready. */
  readonly startTimeoutMs: number;
  /** Told of each step, for people. */
  readonly onStep: (step: Step) => void;
}

export interface Supervisor extends AsyncDisposable {
  readonly url: string;
  readonly ingress: 'traefik' | 'embedded';
  /** Does what the request says that lies in the state folder; how it goes is in the record. Never throws. */
  upgrade(): Promise<void>;
}

/**
 * Starts a fleet on this host and keeps it running. Throws with the reason when a service does not become ready. Dispose
 * stops all services in reverse order.
 */
export async function startSupervisor(
  topology: Topology,
  deps: SupervisorDeps,
  signal: AbortSignal,
): Promise<Supervisor> {
  await using scope = new AsyncDisposableStack();
  const began = deps.clock.monotonic();
  scope.use(await claimFleet(deps.paths, deps.self.identity));
  await rotateLogs(deps.paths);
  scope.use(startLog(deps.paths, deps.clock));
  await sweep(deps.paths);
  await checkPorts(topology);
  const traefik = findProgram('traefik', deps.env['PATH']);
  const ingress = chooseIngress(topology, traefik);
  const placement = localPlacement(topology, deps.paths);
  const plan = (now: Topology, self: PlanInput['self']): Promise<readonly ServicePlan[]> =>
    planServices({
      topology: now,
      placement: localPlacement(now, deps.paths),
      paths: deps.paths,
      templates: deps.templates,
      self,
      env: deps.env,
      programs: {
        traefik: ingress === 'traefik' ? traefik : undefined,
        setpriv: findProgram('setpriv', deps.env['PATH']),
      },
    });
  const plans = await plan(topology, deps.self);
  scope.use(keepCertificate(topology, placement, deps));
  const url = publicOrigin(topology);
  const fleet = scope.use(new Fleet(plans, { url, ingress }, deps));
  await fleet.start(signal);
  fleetUp.publish({ url, ingress, tookMs: Math.round(deps.clock.monotonic() - began) });
  const owner = scope.move();
  return {
    url,
    ingress,
    upgrade: () => fleet.upgrade(topology, plan),
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}

/** Renews the certificate in time and has the ingress read every new one, without a cut. */
function keepCertificate(topology: Topology, { ingress }: Placement, { clock, paths }: SupervisorDeps): Disposable {
  if (topology.tls.mode === 'acme') return { [Symbol.dispose]: () => {} };
  return watchCertificate({
    clock,
    certificate: ingress.certificate,
    key: ingress.key,
    renew: async () => void (await renewCertificate(paths, topology, { anew: false, nowMs: clock.now() })),
    onChange: async () => {
      await touchDynamic(ingress.dynamicFolder, clock.now());
      certificateChanged.publish({ file: ingress.certificate });
    },
    onProblem: (problem) => certificateProblem.publish({ problem }),
  });
}

/** The services of one fleet, and its record on disk. */
class Fleet implements AsyncDisposable {
  readonly #services: readonly Service[];
  readonly #startedAt: string;
  #state: FleetRecord['state'] = 'starting';
  #stops: readonly ServiceStop[] = [];
  #upgrade: UpgradeRecord | undefined;
  readonly #ending = new AbortController();
  #writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly plans: readonly ServicePlan[],
    private readonly facts: Pick<FleetRecord, 'url' | 'ingress'>,
    private readonly deps: SupervisorDeps,
  ) {
    this.#startedAt = new Date(deps.clock.now()).toISOString();
    const onChange = (): void => void this.#write();
    this.#services = plans.map((plan) => new Service(plan, { clock: deps.clock, onStep: deps.onStep, onChange }));
  }

  /** Starts all, each after those that it needs. The first failure ends the waiting for the others. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#write();
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const ready = new Map<ServiceName, Promise<void>>();
    for (const [index, service] of this.#services.entries()) {
      const { after } = this.plans[index]!;
      if (after.length > 0) this.deps.onStep({ state: 'queued', service: service.name, after: [...after] });
      const started = Promise.all(after.flatMap((name) => ready.get(name) ?? []))
        .then(() => service.start(this.deps.startTimeoutMs, either))
        .catch((error: unknown) => {
          failed.abort(error); // the first reason stays
          throw error;
        });
      ready.set(service.name, started);
    }
    await Promise.allSettled(ready.values());
    either.throwIfAborted();
    await this.#enter('up');
  }

  /**
   * In reverse order; a stop that fails does not spare the others. Viewers hear the reason from the gateway at once: there
   * is no other to send them to.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error('the fleet is stopping'));
    await this.#enter('stopping');
    const gateway = this.#services.find(({ name }) => name === 'gateway');
    gateway?.stop().catch(() => {}); // awaited in its turn
    const errors: unknown[] = [];
    for (const service of this.#services.toReversed()) {
      const stop = await service.stop().catch((error: unknown) => void errors.push(error));
      if (stop) this.#stops = [...this.#stops, stop];
      await this.#write();
    }
    await this.#enter('stopped');
    if (errors.length > 0) throw new AggregateError(errors, 'not every service could be stopped');
  }

  /** One at a time; the record says how it goes. */
  async upgrade(running: Topology, plan: Planner): Promise<void> {
    if (this.#upgrade?.state === 'running' || this.#state !== 'up') return;
    let record: UpgradeRecord = { id: '', state: 'running', because: '', replaced: [] };
    const note = (change: Partial<UpgradeRecord>): Promise<void> => {
      this.#upgrade = record = { ...record, ...change };
      return this.#write();
    };
    try {
      const request = await readUpgradeRequest(this.deps.paths);
      await note({ id: request.id });
      const topology = await loadTopology(this.deps.paths.topologyFile);
      const { dial } = localPlacement(topology, this.deps.paths);
      await upgradeServices(
        request,
        {
          services: this.#services,
          running,
          topology,
          plan: (self) => plan(topology, self),
          sessions: async () =>
            sessionsOf(`http://${dial.runner}:${topology.runner.port}`, await readKey(this.deps.paths.serviceKey)),
          monotonic: () => this.deps.clock.monotonic(),
          onReplaced: (replaced) => {
            serviceReplaced.publish({ ...replaced, level: replaced.how === 'failed' ? 'error' : 'info' });
            void note({ replaced: [...record.replaced, replaced] });
          },
        },
        this.#ending.signal,
      );
      await note({ state: 'done' });
    } catch (error) {
      await note({ state: 'failed', because: error instanceof Error ? error.message : String(error) });
    }
  }

  #enter(state: FleetRecord['state']): Promise<void> {
    this.#state = state;
    return this.#write();
  }

  /** One write after the other, each with the newest facts. A record that cannot be written stops no fleet. */
  #write(): Promise<void> {
    this.#writing = this.#writing.then(() =>
      writeRecord(this.deps.paths, {
        supervisor: this.deps.self.identity,
        startedAt: this.#startedAt,
        ...this.facts,
        state: this.#state,
        services: this.#services.map(({ record }) => record),
        stops: [...this.#stops],
        accepts: [UPGRADES],
        upgrade: this.#upgrade ?? null,
      }).catch((error: unknown) => recordUnwritten.publish({ problem: errorText(error) })),
    );
    return this.#writing;
  }
}

async function readKey(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).trim();
}
