import { setTimeout as pause } from 'node:timers/promises';
import { CamofleetError, type Clock } from '../../core/index.js';
import { type RunningProcess, startProcess, waitUntilReady } from '../../processes/index.js';
import { serviceDied, serviceFailed, serviceReady, serviceStarted, serviceStopped } from './events.js';
import type { ServiceName, ServiceRecord, ServiceStop } from './record.js';
import type { Probe } from './readiness.js';
import type { ServicePlan } from './services.js';
import type { Step } from '../steps.js';

export interface ServiceDeps {
  readonly clock: Clock;
  readonly onStep: (step: Step) => void;
  /** The record has changed. */
  readonly onChange: () => void;
}

/** How a service ended that nobody had stopped. */
interface Death {
  readonly how: string;
  readonly ranMs: number;
}

interface Succession {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly resolve: (successor: RunningProcess) => void;
}

/** For a service that is started again; the first start has the patience of its caller. */
const RESTART_READY_MS = 20_000;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 10_000;
/** A service that ran this long starts anew with the shortest pause. */
const STABLE_MS = 30_000;

/** One service of a fleet: started once, kept running until it is stopped. */
export class Service {
  readonly name: ServiceName;
  #record: ServiceRecord;
  #process: RunningProcess | undefined;
  #keeping: Promise<void> = Promise.resolve();
  #stopped: Promise<ServiceStop | undefined> | undefined;
  readonly #stopping = new AbortController();

  /** Who takes over from a process that is stopped for it; undefined when the successor did not come up. */
  readonly #successors = new Map<RunningProcess, Promise<RunningProcess | undefined>>();

  constructor(
    private plan: ServicePlan,
    private readonly deps: ServiceDeps,
  ) {
    this.name = plan.name;
    this.#record = { name: plan.name, identity: null, state: 'starting', restarts: 0, lastEnd: null, nextTryAt: null };
  }

  get record(): ServiceRecord {
    return this.#record;
  }

  /** Starts it and waits until it is ready; from then on it is started again whenever it ends. */
  async start(timeoutMs: number, signal: AbortSignal): Promise<void> {
    try {
      const either = AbortSignal.any([signal, this.#stopping.signal]);
      const running = await this.#launch(timeoutMs, either, this.plan.joined);
      this.#keeping = this.#keep(running);
    } catch (error) {
      if (!signal.aborted) this.#tellFailure(firstLine(error)); // else the reason is another's
      throw error;
    }
  }

  /**
   * Runs another version in its place: beside it first, where both can share the ports, and stops the one before when the
   * successor is ready; else one after the other. Throws when the successor does not become ready; beside, the one before
   * then goes on.
   */
  async replace(plan: ServicePlan, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const before = this.#process;
    if (this.#stopped || !before || before.exitInfo)
      throw new CamofleetError('CF_SERVICE_EXITED', `${this.name} does not run now; look at it with camofleet status`);
    const either = AbortSignal.any([signal, this.#stopping.signal]);
    const { promise, resolve } = Promise.withResolvers<RunningProcess | undefined>();
    this.#successors.set(before, promise);
    try {
      if (plan.overlaps) await this.#replaceBeside(before, plan, { timeoutMs, signal: either, resolve });
      else {
        await this.#stopFor(before);
        this.plan = plan;
        resolve(await this.#launch(timeoutMs, either, plan.joined));
      }
    } finally {
      resolve(undefined); // where nobody came: it is started again like one that died
    }
  }

  async #replaceBeside(
    before: RunningProcess,
    plan: ServicePlan,
    { timeoutMs, signal, resolve }: Succession,
  ): Promise<void> {
    const { record } = this;
    try {
      resolve(await this.#launch(timeoutMs, signal, plan.joined, plan));
    } catch (error) {
      if (this.#process !== before) await this.#process?.stop(plan.stopGraceMs);
      this.#successors.delete(before);
      this.#process = before;
      this.#note(record);
      throw error;
    }
    await this.#stopFor(before);
    this.plan = plan;
  }

  /** With all the time that it has, unless the whole fleet stops meanwhile. */
  async #stopFor(before: RunningProcess): Promise<void> {
    const hurry = (): void => before.letGo();
    this.#stopping.signal.addEventListener('abort', hurry, { once: true });
    await before.stop(this.plan.stopGraceMs);
    this.#stopping.signal.removeEventListener('abort', hurry);
  }

  /** Ends it for good; undefined when nothing ran. */
  stop(): Promise<ServiceStop | undefined> {
    return (this.#stopped ??= this.#end());
  }

  async #end(): Promise<ServiceStop | undefined> {
    this.#stopping.abort(new Error('the fleet is stopping'));
    const wasRunning = this.#process !== undefined && this.#process.exitInfo === undefined;
    const report = await this.#stopProcess();
    await this.#keeping;
    this.#note({ state: 'stopped', identity: null, nextTryAt: null });
    if (!report || !wasRunning) return undefined;
    const stop: ServiceStop = { service: this.name, ...report };
    serviceStopped.publish(stop);
    this.deps.onStep({ state: 'stopped', ...stop });
    return stop;
  }

  async #stopProcess(): Promise<Pick<ServiceStop, 'how' | 'tookMs'> | undefined> {
    const stopping = this.#process?.stop(this.plan.stopGraceMs);
    if (this.plan.hurries) this.#process?.letGo();
    return stopping;
  }

  async #launch(
    timeoutMs: number,
    signal: AbortSignal,
    joined?: Probe,
    plan: ServicePlan = this.plan,
  ): Promise<RunningProcess> {
    const began = this.deps.clock.monotonic();
    signal.throwIfAborted();
    this.deps.onStep({ state: 'waiting', service: this.name, because: 'starts', leftMs: timeoutMs });
    const running = await startProcess(plan.spec);
    this.#process = running;
    this.#note({ identity: running.identity, state: 'starting', nextTryAt: null });
    serviceStarted.publish({ service: this.name, pid: running.pid });
    const ready: Probe = async (patience) => {
      const answer = await plan.ready(patience);
      return answer === true && joined ? joined(patience) : answer;
    };
    await waitUntilReady(running, ready, {
      timeoutMs,
      signal,
      onWaiting: (because, leftMs) => this.deps.onStep({ state: 'waiting', service: this.name, because, leftMs }),
    });
    const tookMs = Math.round(this.deps.clock.monotonic() - began);
    this.#note({ state: 'ready' });
    serviceReady.publish({ service: this.name, tookMs });
    this.deps.onStep({ state: 'ready', service: this.name, tookMs });
    return running;
  }

  /** Starts it again whenever it has died, with a pause that grows while it keeps dying. */
  async #keep(first: RunningProcess): Promise<void> {
    let failures = 0;
    let death = await this.#watch(first);
    while (death) {
      if (death.ranMs > STABLE_MS) failures = 0;
      const retryInMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures);
      failures += 1;
      this.#tellDeath(death.how, retryInMs);
      await pause(retryInMs, undefined, { signal: this.#stopping.signal }).catch(() => {}); // stopped: #again sees it
      death = await this.#again();
    }
  }

  /** Resolves when it has ended by itself; with undefined when it was stopped. */
  async #watch(running: RunningProcess): Promise<Death | undefined> {
    const began = this.deps.clock.monotonic();
    const { code, signal } = await running.exited;
    const successor = this.#successors.get(running);
    this.#successors.delete(running);
    if (this.#stopping.signal.aborted) return undefined;
    if (successor) return this.#watchNext(await successor);
    await running.stop(0); // what it started in its group
    const how = signal ? `ended by ${signal}` : `exited with code ${code}`;
    return { how, ranMs: this.deps.clock.monotonic() - began };
  }

  #watchNext(successor: RunningProcess | undefined): Promise<Death | undefined> | Death {
    return successor ? this.#watch(successor) : { how: 'the version that took its place did not come up', ranMs: 0 };
  }

  /** One more start, and its end. */
  async #again(): Promise<Death | undefined> {
    const { signal } = this.#stopping;
    try {
      return await this.#watch(await this.#launch(RESTART_READY_MS, signal));
    } catch (error) {
      await this.#process?.stop(this.plan.stopGraceMs);
      return signal.aborted ? undefined : { how: firstLine(error), ranMs: 0 };
    }
  }

  #tellFailure(because: string): void {
    serviceFailed.publish({ service: this.name, because });
    this.deps.onStep({ state: 'failed', service: this.name, because });
    this.#note({ lastEnd: because });
  }

  #tellDeath(how: string, retryInMs: number): void {
    serviceDied.publish({ service: this.name, how, retryInMs });
    this.deps.onStep({ state: 'died', service: this.name, because: how, retryInMs });
    this.#note({
      state: 'waiting',
      identity: null,
      restarts: this.#record.restarts + 1,
      lastEnd: how,
      nextTryAt: new Date(this.deps.clock.now() + retryInMs).toISOString(),
    });
  }

  #note(change: Partial<ServiceRecord>): void {
    this.#record = { ...this.#record, ...change };
    this.deps.onChange();
  }
}

/** Of what went wrong; the rest are last words and places. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!;
}
