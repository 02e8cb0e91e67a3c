import { Flags } from '@oclif/core';
import {
  CamofleetCommand,
  type Progress,
  engineFlag,
  fleetFlags,
  fleetLocation,
  progressLine,
  startProgress,
} from '../cli/index.js';
import { CamofleetError, EXIT, systemClock } from '../core/index.js';
import type { BackgroundMessage, Engine, FleetStatus, Step, Supervisor } from '../engine/index.js';
import type { FleetPaths, Topology } from '../topology/index.js';

interface Fleet {
  readonly paths: FleetPaths;
  readonly topology: Topology;
  readonly engine: Engine;
}

interface Options {
  readonly wait: boolean;
  readonly json: boolean;
  readonly timeoutMs: number;
  readonly scale: Readonly<Record<string, number>>;
}

const FRAME = 'frame';

export default class Up extends CamofleetCommand {
  static override summary = 'Bring the fleet up and keep it running.';
  static override description = [
    'Starts runner, control plane, gateway and ingress (Traefik when it is on PATH, else the embedded one) as processes, restarts what dies, and stops all of it on Ctrl-C. The public URL is the only line on stdout.',
    'With `--engine compose` the same topology is rendered and handed to Docker, which keeps it running: the command returns when every container is healthy. Replicas stay as many as they are unless --scale says otherwise.',
    'Exit code 0 when a fleet that was up was stopped; 130 when Ctrl-C came before it was up, and then nothing of it is left.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> up',
    '<%= config.bin %> up --detach --wait    # returns when a frame was seen at the public URL',
    'URL=$(<%= config.bin %> up --detach --wait)',
    '<%= config.bin %> up --engine compose --wait',
    '<%= config.bin %> up --engine compose --scale runner=3 --scale gateway=2',
  ];
  static override flags = {
    ...fleetFlags,
    ...engineFlag,
    detach: Flags.boolean({ char: 'd', summary: 'Run in the background; `camofleet down` stops it.' }),
    wait: Flags.boolean({ char: 'w', summary: 'Wait until a frame was seen at the public URL.' }),
    timeout: Flags.integer({
      default: 60,
      min: 1,
      max: 86_400,
      summary: 'Seconds that each service has to become ready, and that --wait waits for the frame.',
    }),
    scale: Flags.string({ multiple: true, summary: 'SERVICE=N, replicas of a service of containers.' }),
    json: Flags.boolean({ summary: 'Print the result as JSON.' }),
    supervise: Flags.boolean({ hidden: true, summary: 'Be the supervisor that --detach has started.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Up);
    const [{ fleetPaths, loadTopology, violationText, violations }, { ensureState, noteEngine, openEngine }] =
      await Promise.all([import('../topology/index.js'), import('../engine/index.js')]);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const paths = fleetPaths(root, file);
    const topology = await loadTopology(paths.topologyFile);
    if (!flags.supervise) for (const violation of violations(topology)) this.say(violationText(violation));
    await ensureState(paths, topology, Date.now());
    const self = { paths, self: this.context, version: this.config.version };
    const engine = await openEngine(flags.supervise ? 'local' : flags.engine, self);
    const scale = Object.fromEntries((flags.scale ?? []).map((text) => replicas(text, engine)));
    const options = { wait: flags.wait, json: flags.json, timeoutMs: flags.timeout * 1000, scale };
    const fleet = { paths, topology, engine };
    if (!flags.supervise) await this.#refuseTwice(fleet, (name) => openEngine(name, self));
    await noteEngine(paths, engine.name);
    try {
      if (flags.supervise) await this.#supervise(fleet, options);
      else if (flags.detach || engine.name !== 'local') await this.#detach(fleet, options);
      else await this.#stay(fleet, options);
    } catch (error) {
      if (!isRunning(await engine.status())) await noteEngine(paths, undefined);
      throw error;
    }
    process.exit(EXIT.ok); // timers of libraries must not hold a stopped supervisor
  }

  /** A fleet that runs elsewhere holds the ports and the tokens of this one. */
  async #refuseTwice({ paths, engine }: Fleet, open: (name: Engine['name']) => Promise<Engine>): Promise<void> {
    const { lastEngine } = await import('../engine/index.js');
    const last = await lastEngine(paths);
    if (last === undefined || last === engine.name) return;
    if (!isRunning(await (await open(last)).status())) return;
    const how = `camofleet down --engine ${last}`;
    throw new CamofleetError('CF_FLEET_RUNNING', `this fleet already runs, on ${last}; to move it: ${how}`, {
      engine: last,
    });
  }

  /** In the foreground, until a signal. */
  async #stay(fleet: Fleet, options: Options): Promise<void> {
    await using steps = await this.#showSteps(fleet.engine, options.wait);
    await using supervisor = await this.#start(fleet, options, steps.onStep);
    if (options.wait) await this.#seeFrame(fleet, steps.progress, options);
    await steps.close();
    this.#tell({ ...supervisor, pid: this.context.pid }, options);
    this.say('Ctrl-C stops it.');
    await this.#interrupted();
  }

  /** Where somebody else keeps it running: a supervisor in the background, or a system of containers. */
  async #detach(fleet: Fleet, options: Options): Promise<void> {
    const { engine } = fleet;
    await using steps = await this.#showSteps(engine, options.wait);
    const running = await engine.up({ ...options, onStep: steps.onStep }, this.signal);
    try {
      if (options.wait) await this.#seeFrame(fleet, steps.progress, options);
    } catch (error) {
      if (this.signal.aborted) await running.stop();
      else this.say('What is up keeps running: camofleet status, camofleet verify, camofleet down.');
      throw error;
    }
    await steps.close();
    this.#tell(running, options);
    this.say('It runs in the background: camofleet status, camofleet logs -f, camofleet down.');
  }

  /** In the background: tells the command that waits for us, then nobody. */
  async #supervise(fleet: Fleet, options: Options): Promise<void> {
    const send = (message: BackgroundMessage): Promise<void> =>
      new Promise((resolve) => {
        if (process.connected) process.send!(message, () => resolve());
        else resolve();
      });
    try {
      await using supervisor = await this.#start(fleet, options, (step) => void send({ type: 'step', step }));
      await send({ type: 'up', url: supervisor.url, ingress: supervisor.ingress });
      await this.#interrupted();
    } catch (error) {
      if (!(error instanceof CamofleetError)) throw error;
      await send({ type: 'failed', code: error.code, message: error.message, facts: error.facts });
      process.exit(error.exit);
    }
  }

  async #start(fleet: Fleet, options: Options, onStep: (step: Step) => void): Promise<Supervisor> {
    const [{ UPGRADE_SIGNAL, startSupervisor }, { loadTemplates }, { identify }] = await Promise.all([
      import('../engine/index.js'),
      import('../topology/index.js'),
      import('../processes/index.js'),
    ]);
    const { env, execPath, entryPoint, pid, packageRoot } = this.context;
    // The signal would end a process that does not know it; one that comes too early is asked for again.
    let supervisor: Supervisor | undefined;
    process.on(UPGRADE_SIGNAL, () => void supervisor?.upgrade());
    supervisor = await startSupervisor(
      fleet.topology,
      {
        clock: systemClock,
        paths: fleet.paths,
        templates: await loadTemplates(packageRoot, `${fleet.paths.root}/templates`),
        self: { execPath, entryPoint, identity: identify(pid) ?? { pid, startedAt: '' } },
        env,
        startTimeoutMs: options.timeoutMs,
        onStep,
      },
      this.signal,
    );
    return supervisor;
  }

  async #seeFrame({ paths, topology }: Fleet, progress: Progress, { timeoutMs }: Options): Promise<void> {
    const { waitForFrame } = await import('../diagnostics/index.js');
    const onWaiting = (why: string, leftMs: number): void => progress.waiting(FRAME, `${left(leftMs)}: ${why}`);
    const monotonic = (): number => systemClock.monotonic();
    const seen = await waitForFrame(paths, topology, { timeoutMs, monotonic, onWaiting }, this.signal);
    if (seen.ok) return progress.done(FRAME, `${seen.width}x${seen.height} at the public URL, ${seconds(seen.tookMs)}`);
    const why = `${seen.hop} (${seen.code}): ${seen.saw}`;
    progress.failed(FRAME, why);
    throw new CamofleetError('CF_NO_FRAME', `no frame was seen at the public URL: ${why}`);
  }

  async #showSteps({ services }: Engine, wait: boolean): Promise<Steps> {
    const { env } = this.context;
    const screen = { stream: process.stderr, env, monotonic: () => systemClock.monotonic() };
    const names = [...services, ...(wait ? [FRAME] : [])];
    const progress = await startProgress(names, screen);
    progress.waiting(FRAME, 'for all of them');
    const steps = new Steps(progress, (line) => this.say(line));
    this.signal.addEventListener('abort', () => void steps.close().then(() => this.say('Stopping …')));
    return steps;
  }

  async #interrupted(): Promise<void> {
    const { signal } = this;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  }

  #tell({ url, ingress, pid }: { url: string; ingress: string; pid?: number }, { json }: Options): void {
    process.stdout.write(json ? `${JSON.stringify({ url: `${url}/`, ingress, pid })}\n` : `${url}/\n`);
    this.say(`Up, served by ${ingress === 'traefik' ? 'Traefik' : 'the embedded ingress'}.`);
  }
}

/** The steps of services: in a list until the fleet is up, as lines from then on. */
class Steps implements AsyncDisposable {
  #isOpen = true;
  /** What is said while the list is shown comes behind it. */
  readonly #later: string[] = [];

  constructor(
    readonly progress: Progress,
    private readonly say: (line: string) => void,
  ) {}

  readonly onStep = (step: Step): void => {
    const line = (state: string, words: string): void => this.#tell(`  ${progressLine(step.service, state, words)}`);
    switch (step.state) {
      case 'queued':
        return this.progress.waiting(step.service, `for ${step.after.join(' and ')}`);
      case 'waiting':
        return this.progress.waiting(step.service, `${left(step.leftMs)}: ${step.because}`);
      case 'ready':
        if (this.#isOpen) return this.progress.done(step.service, seconds(step.tookMs));
        return line('ready', `again, after ${seconds(step.tookMs)}`);
      case 'failed':
        return this.progress.failed(step.service, step.because);
      case 'died':
        return line('died', `${step.because}; starts again in ${seconds(step.retryInMs)}`);
      case 'stopped':
        return line('stopped', `${step.how}, ${seconds(step.tookMs)}`);
    }
  };

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    await this.progress.close();
    for (const line of this.#later) this.say(line);
  }

  #tell(line: string): void {
    if (this.#isOpen) this.#later.push(line);
    else this.say(line);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function isRunning({ state }: FleetStatus): boolean {
  return state === 'up' || state === 'starting';
}

/** `SERVICE=N` of --scale. */
function replicas(text: string, { name, services }: Engine): readonly [string, number] {
  const [, service = '', count = ''] = /^([a-z]+)=([1-9]\d{0,2})$/.exec(text) ?? [];
  if (services.includes(service) && name !== 'local') return [service, Number(count)];
  const wanted = name === 'local' ? 'an engine of containers' : `SERVICE=N, a service of ${services.join(', ')}`;
  throw new CamofleetError('CF_USAGE', `--scale ${text}: wanted ${wanted}`);
}

function left(ms: number): string {
  return `${Math.ceil(ms / 1000)} s left`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
