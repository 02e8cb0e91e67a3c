import { CamofleetError, EXIT, type ExitCode } from '../core/index.js';
import { type VerifyObserver, type VerifyOptions, verify, waitForFrame } from '../diagnostics/index.js';
import type { Engine, Step } from '../engine/index.js';
import { type DoctorReport, type Report, type SmokeRecord, type SmokeStep, formatMs } from '../report/index.js';
import type { EngineName, FleetPaths } from '../topology/index.js';
import { type EngineDeps, type StartedFleet, engineOf, start } from './engines.js';
import { type FleetDeps, type SmokeFleet, givenFleet, throwawayFleet } from './fleet.js';
import { type EvidenceFolder, openFolder } from './folder.js';
import { lookAtHost } from './host.js';
import { keepLogs, logsOf } from './logs.js';
import { ingressName, recordOf } from './record.js';
import { type Done, Steps } from './steps.js';

export interface SmokeOptions {
  /** Undefined: that of the topology. */
  readonly engine: EngineName | undefined;
  /** The fleet of this folder; undefined: one that is made for the run and thrown away. */
  readonly fleet: FleetPaths | undefined;
  /** Folder of the evidence, absolute. */
  readonly out: string;
  /** For each service to become ready, and for the frame. */
  readonly timeoutMs: number;
  readonly verify: Pick<VerifyOptions, 'durationMs' | 'modes' | 'capture' | 'budget' | 'strict'>;
}

export interface SmokeDeps extends FleetDeps, Pick<EngineDeps, 'self' | 'env' | 'isRoot'> {
  readonly monotonic: () => number;
  readonly suffix: string;
  /** As Node names it. */
  readonly platform: string;
  readonly signal: AbortSignal;
  readonly observer: SmokeObserver;
}

/** The fleet that is about to be started. */
export interface FleetSight {
  readonly root: string;
  readonly isThrowaway: boolean;
  /** Its services, as people read them. */
  readonly services: readonly string[];
}

/** Told of what happens while it happens. */
export interface SmokeObserver extends VerifyObserver {
  readonly onFleet: (fleet: FleetSight) => void;
  readonly onService: (step: Step) => void;
  readonly onFrameWait: (why: string, leftMs: number) => void;
  /** A step begins. */
  readonly onBegin: (name: SmokeStep['name']) => Promise<void>;
  /** A step is over, however it went. */
  readonly onStep: (step: SmokeStep) => Promise<void>;
}

export interface SmokeResult {
  readonly record: SmokeRecord;
  /** Of verify; undefined where it never came to that. */
  readonly report: Report | undefined;
  /** What could not be written, and why. */
  readonly unwritten: readonly string[];
}

/**
 * Runs a smoke test. What fails is in the record, and its evidence in the folder; the fleet is taken down in every case. Throws
 * CF_USAGE or CF_FILES when the folder cannot be had: then nothing was started.
 */
export async function smoke(options: SmokeOptions, deps: SmokeDeps): Promise<SmokeResult> {
  const folder = await openFolder(options.out);
  const startedMs = deps.now();
  const steps = new Steps(deps);
  const seen = await new Run(options, deps, folder, steps).all();
  const record = recordOf({
    version: deps.version,
    engine: seen.engine ?? options.engine ?? 'local',
    ingress: seen.started?.ingress,
    url: seen.started?.url,
    startedMs,
    endedMs: deps.now(),
    isInterrupted: deps.signal.aborted,
    // The folder of a fleet that was thrown away is gone; its logs are kept.
    steps: steps.all.map((step) => ({ ...step, saw: step.saw.replaceAll(`${seen.logs}/`, 'logs/') })),
    report: seen.report,
    host: seen.host,
  });
  return { record, report: seen.report, unwritten: await folder.finish(deps.suffix, record) };
}

interface Seen {
  readonly engine?: EngineName;
  /** Folder of the logs of the fleet. */
  readonly logs?: string;
  readonly started: StartedFleet | undefined;
  readonly report: Report | undefined;
  /** What the doctor says, where the fleet did not come up. */
  readonly host?: DoctorReport | undefined;
}

/** Ports that somebody took between the look at them and the start are a reason to try others. */
const PORT_TRIES = 3;

/** The steps of one run. */
class Run {
  #logs: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(
    private readonly options: SmokeOptions,
    private readonly deps: SmokeDeps,
    private readonly folder: EvidenceFolder,
    private readonly steps: Steps,
  ) {}

  async all(): Promise<Seen> {
    const fleet = await this.steps.take('fleet', () => this.#fleet());
    if (!fleet) return { started: undefined, report: undefined };
    await using scope = new AsyncDisposableStack();
    const current = { fleet: scope.use(fleet) };
    const up = await this.steps.take('up', async (): Promise<Done<StartedFleet>> => {
      for (let left = PORT_TRIES; ; left -= 1)
        try {
          return await this.#up(current.fleet);
        } catch (error) {
          const isTaken = error instanceof CamofleetError && error.code === 'CF_PORT_TAKEN';
          if (!isTaken || !current.fleet.isThrowaway || left <= 1) throw error;
          current.fleet = scope.use(await throwawayFleet(this.deps));
        }
    });
    const report = up && (await this.#prove(current.fleet, up));
    const engine = await this.#engineOf(current.fleet);
    if (engine.name === 'local') this.#logs = await logsOf(engine);
    for (const [name, lines] of this.#logs) await this.folder.keepLog(name, lines);
    const isHostAsked = !up && !this.deps.signal.aborted;
    const host = isHostAsked ? await lookAtHost(engine.name, current.fleet, this.deps) : undefined;
    if (host) await this.folder.keepHost(host);
    return { engine: engine.name, logs: current.fleet.paths.logs, started: up, report, host };
  }

  /** What is to be seen of a fleet that is up; it is down afterwards, whatever comes between. */
  async #prove(fleet: SmokeFleet, running: StartedFleet): Promise<Report | undefined> {
    try {
      await this.steps.take('frame', () => this.#frame(fleet));
      // It names the hop where no frame came.
      return this.deps.signal.aborted ? undefined : await this.steps.take('verify', () => this.#verify(fleet));
    } finally {
      await this.steps.take('down', () => this.#down(running));
    }
  }

  async #fleet(): Promise<Done<SmokeFleet>> {
    const { fleet: given } = this.options;
    const fleet = given ? await givenFleet(given, this.deps.now) : await throwawayFleet(this.deps);
    const { paths, isThrowaway } = fleet;
    const { services } = await this.#engineOf(fleet);
    this.deps.observer.onFleet({ root: paths.root, isThrowaway, services });
    return { value: fleet, saw: isThrowaway ? 'one was made for this run' : paths.topologyFile };
  }

  async #up(fleet: SmokeFleet): Promise<Done<StartedFleet>> {
    const engine = await this.#engineOf(fleet);
    const logs = engine.name === 'local' ? undefined : keepLogs(engine);
    try {
      const started = await start(engine, fleet, this.#engineDeps(), this.deps.signal);
      const stop = async (): ReturnType<StartedFleet['stop']> => {
        const stops = await started.stop();
        await logs?.[Symbol.asyncDispose]();
        return stops;
      };
      return { value: { ...started, stop }, saw: `${started.url}/ behind ${ingressName(started.ingress)}` };
    } catch (error) {
      await logs?.[Symbol.asyncDispose]();
      throw error;
    } finally {
      if (logs) this.#logs = logs.lines; // it goes on growing until the fleet is down
    }
  }

  async #frame({ paths, topology }: SmokeFleet): Promise<Done<true>> {
    const { monotonic, observer, signal } = this.deps;
    const wait = { timeoutMs: this.options.timeoutMs, monotonic, onWaiting: observer.onFrameWait };
    const seen = await waitForFrame(paths, topology, wait, signal);
    if (seen.ok) return { value: true, saw: `${seen.width}x${seen.height} in ${formatMs(seen.tookMs)}` };
    const remedy = 'report.html has what verify saw of each hop, logs/ what the services wrote';
    return {
      value: true,
      saw: `${seen.hop} (${seen.code}): ${seen.saw}`,
      as: { verdict: 'fail', exitCode: EXIT.failed, code: 'CF_NO_FRAME', remedy },
    };
  }

  async #verify({ paths, topology, ...own }: SmokeFleet): Promise<Done<Report>> {
    const engine = await this.#engineOf({ paths, topology, ...own });
    await using evidence = await engine.evidence();
    const fleet = { paths, topology, evidence };
    const { version, now, monotonic, suffix, isRoot, env, signal, observer } = this.deps;
    const { report, dir } = await verify(
      { ...UNGIVEN, ...this.options.verify, out: this.folder.runs },
      { version, fleet, now, monotonic, suffix, isRoot, env, signal, observer },
    );
    await this.folder.adopt(dir);
    const [first] = report.findings.filter(({ severity }) => severity !== 'info');
    const { verdict, summary } = report;
    const exitCode = report.exitCode as ExitCode;
    const why = exitCode === EXIT.ok || !first ? {} : { code: first.code, remedy: first.remedy };
    return { value: report, saw: summary, as: { verdict, exitCode, ...why } };
  }

  async #down(running: StartedFleet): Promise<Done<true>> {
    const stops = await running.stop();
    const forced = stops.filter(({ how }) => how !== 'graceful');
    const saw = (forced.length > 0 ? forced : stops).map(({ service, how }) => `${service} ${how}`).join(', ');
    return {
      value: true,
      saw: saw || 'nothing ran any more',
      as: { verdict: forced.length > 0 ? 'warn' : 'pass', exitCode: EXIT.ok },
    };
  }

  #engineOf(fleet: SmokeFleet): Promise<Engine> {
    return engineOf(this.options.engine, fleet, this.#engineDeps());
  }

  #engineDeps(): EngineDeps {
    const { packageRoot, version, self, env, isRoot, observer } = this.deps;
    return {
      packageRoot,
      version,
      self,
      env,
      isRoot,
      startTimeoutMs: this.options.timeoutMs,
      onStep: observer.onService,
    };
  }
}

/** What a fleet of our own needs no flag for. */
const UNGIVEN = {
  findIdle: false,
  session: undefined,
  url: undefined,
  page: undefined,
  frame: undefined,
  gateway: undefined,
  rfb: undefined,
  control: undefined,
  health: [],
  password: undefined,
  origin: undefined,
  headers: {},
  ca: undefined,
  insecure: false,
  resolve: new Map<string, string>(),
  logs: { traefik: undefined, gateway: undefined, runner: undefined },
  pcap: [],
  screenshot: false,
} satisfies Omit<VerifyOptions, keyof SmokeOptions['verify'] | 'out'>;
