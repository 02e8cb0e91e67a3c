import { EVENT_SCHEMAS, type RunnerHealth, type RunnerSession, type Worker } from '../api/index.js';
import { CamofleetError, type Clock, errorText } from '../core/index.js';
import type { ControlConfig } from '../settings/index.js';
import { EventHistory, followEvents } from '../sse/index.js';
import { type Resolve, runnersBehind } from './discovery.js';
import { sessionEnded, workerForgotten, workerFound, workerState, workerUnpublished } from './events.js';
import type { Memory } from './memory.js';
import { RunnerClient } from './runner-client.js';

type WorkerEntry = ControlConfig['workers'][number];

/** A runner as control knows it, with the age of what it knows. */
export interface KnownWorker {
  readonly entry: WorkerEntry;
  readonly client: RunnerClient;
  /** The entry whose name it was found behind; itself where it is named one by one. */
  readonly from: WorkerEntry;
  /** The last answer, when it came, and what went wrong since. */
  report:
    | { readonly at: number; readonly health: RunnerHealth | undefined; readonly error: string | undefined }
    | undefined;
}

interface RegistryDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly serviceKey: string | undefined;
  /** Where the ends of sessions are announced to gateways. */
  readonly history: EventHistory;
  /** What was revoked is over with its session. */
  readonly memory: Pick<Memory, 'sessionEnded'>;
  readonly resolve: Resolve;
}

const HEALTH_EVERY_MS = 5_000;
const DISCOVER_EVERY_MS = 5_000;
/** Sessions that were seen at a runner lately: which runner to ask. */
const MAX_SEEN = 20_000;

/** The runners, their last reports, and which sessions they have. */
export class Registry implements AsyncDisposable {
  readonly #workers = new Map<string, KnownWorker>();
  readonly #seen = new Map<string, string>();
  readonly #discoveries: readonly WorkerEntry[];
  /** What ends the looks at one worker, by its name. */
  readonly #stops = new Map<string, readonly (() => void)[]>();
  #discovering: NodeJS.Timeout | undefined;

  constructor(
    private readonly config: ControlConfig,
    private readonly deps: RegistryDeps,
  ) {
    this.#discoveries = config.workers.filter(({ discover }) => discover === true);
    for (const entry of config.workers) if (entry.discover !== true) this.#add(entry, entry);
  }

  get workers(): ReadonlyMap<string, KnownWorker> {
    return this.#workers;
  }

  /** Begins to follow every runner, and to look for those that are behind a name. */
  start(): void {
    for (const entry of this.config.workers)
      if (entry.vncWs === undefined || entry.vncHttp === undefined)
        workerUnpublished.publish({
          worker: entry.name,
          why: 'vnc_ws or vnc_http is not set: its sessions get no public URL',
        });
    for (const worker of this.#workers.values()) this.#watch(worker);
    if (this.#discoveries.length === 0) return;
    void this.discover();
    this.#discovering = setInterval(() => void this.discover(), DISCOVER_EVERY_MS);
  }

  /** Looks once for the runners behind names. One that has left its name stays as long as it answers. */
  async discover(): Promise<void> {
    await Promise.all(
      this.#discoveries.map(async (entry) => {
        const found = await runnersBehind(entry, this.deps.resolve);
        if (!found) return;
        for (const one of found) {
          if (this.#workers.has(one.name)) continue;
          workerFound.publish({ worker: one.name, url: one.url });
          this.#watch(this.#add(one, entry));
        }
        const names = new Set(found.map(({ name }) => name));
        for (const worker of this.#workers.values())
          if (worker.from === entry && !names.has(worker.entry.name) && worker.report?.error !== undefined)
            await this.#forget(worker);
      }),
    );
  }

  /** Asks a runner how it is; never throws. */
  async refresh(worker: KnownWorker): Promise<void> {
    const before = worker.report;
    const at = this.deps.clock.now();
    try {
      worker.report = { at, health: await worker.client.health(), error: undefined };
    } catch (error) {
      worker.report = { at: before?.at ?? at, health: before?.health, error: errorText(error) };
    }
    const wasReachable = before ? before.error === undefined : undefined;
    const isReachable = worker.report.error === undefined;
    if (wasReachable !== isReachable)
      workerState.publish({
        worker: worker.entry.name,
        reachable: isReachable,
        why: worker.report.error ?? 'answers',
        level: isReachable ? 'info' : 'warn',
      });
  }

  find(name: string): KnownWorker {
    const worker = this.#workers.get(name);
    if (!worker) throw new CamofleetError('CF_USAGE', `no worker is called ${JSON.stringify(name)}`);
    return worker;
  }

  describe(): Worker[] {
    return [...this.#workers.values()].map(({ entry, report }) => ({
      name: entry.name,
      supports_vnc: entry.supportsVnc,
      reachable: report ? report.error === undefined : null,
      age_seconds: report ? Math.max(0, (this.deps.clock.now() - report.at) / 1000) : null,
      sessions: report?.health?.sessions ?? null,
      capacity: report?.health?.capacity ?? null,
      browsers: report?.health?.browsers ?? [],
      error: report?.error ?? null,
    }));
  }

  /** Notes where sessions live. */
  saw(worker: string, sessions: readonly RunnerSession[]): void {
    for (const { id } of sessions) {
      this.#seen.set(id, worker);
      const [oldest] = this.#seen.keys();
      if (this.#seen.size > MAX_SEEN && oldest !== undefined) this.#seen.delete(oldest);
    }
  }

  workerOf(session: string): KnownWorker | undefined {
    return this.#workers.get(this.#seen.get(session) ?? '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#discovering);
    for (const stops of this.#stops.values()) for (const stop of stops) stop();
    await Promise.all([...this.#workers.values()].map(({ client }) => client.close()));
  }

  #add(entry: WorkerEntry, from: WorkerEntry): KnownWorker {
    const timeoutMs = this.config.requestTimeoutSeconds * 1000;
    const client = new RunnerClient(entry.url, this.deps.serviceKey, timeoutMs);
    const worker: KnownWorker = { entry, client, from, report: undefined };
    this.#workers.set(entry.name, worker);
    return worker;
  }

  #watch(worker: KnownWorker): void {
    const look = (): void => void this.refresh(worker);
    look();
    const timer = setInterval(look, HEALTH_EVERY_MS);
    this.#stops.set(worker.entry.name, [this.#follow(worker), () => clearInterval(timer)]);
  }

  async #forget({ entry: { name }, client, report }: KnownWorker): Promise<void> {
    workerForgotten.publish({ worker: name, why: report?.error ?? '' });
    this.#workers.delete(name);
    for (const stop of this.#stops.get(name) ?? []) stop();
    this.#stops.delete(name);
    await client.close();
  }

  /** Gives what ends it. */
  #follow(worker: KnownWorker): () => void {
    const follower = followEvents({
      url: new URL('/events', worker.entry.url).href,
      headers: this.deps.serviceKey === undefined ? {} : { authorization: `Bearer ${this.deps.serviceKey}` },
      random: this.deps.random,
      onState: () => void this.refresh(worker),
      onEvent: ({ name, data }) => {
        if (name !== 'session.ended') return;
        const fact = EVENT_SCHEMAS[name].safeParse(parsed(data));
        if (!fact.success) return;
        this.#seen.delete(fact.data.session);
        this.deps.memory.sessionEnded(fact.data.session);
        this.deps.history.announce('session.ended', fact.data);
        const { session, reason, detail } = fact.data;
        sessionEnded.publish({ session, worker: worker.entry.name, reason, detail });
      },
    });
    return () => follower.stop();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema then refuses it
  }
}
