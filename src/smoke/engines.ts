import { CamofleetError, systemClock } from '../core/index.js';
import { type Engine, type Step, lastEngine, noteEngine, openEngine, startSupervisor } from '../engine/index.js';
import { identify } from '../processes/index.js';
import { type EngineName, loadTemplates } from '../topology/index.js';
import type { SmokeFleet } from './fleet.js';

export interface EngineDeps {
  readonly packageRoot: string;
  readonly version: string;
  readonly self: { readonly execPath: string; readonly entryPoint: string; readonly pid: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
  /** For each service, from its start until it is ready. */
  readonly startTimeoutMs: number;
  readonly onStep: (step: Step) => void;
}

/** A fleet that was started. */
export interface StartedFleet {
  readonly url: string;
  readonly ingress: 'traefik' | 'embedded';
  /** Takes it down, with all that it keeps; says how each service went. */
  stop(): Promise<readonly { readonly service: string; readonly how: string }[]>;
}

/** What is allowed to each service before it is forced. */
const STOP_MS = 60_000;

/** The engine of a fleet. */
export function engineOf(name: EngineName | undefined, fleet: SmokeFleet, deps: EngineDeps): Promise<Engine> {
  return openEngine(name, {
    paths: fleet.paths,
    self: { ...deps.self, packageRoot: deps.packageRoot, env: deps.env, isRoot: deps.isRoot },
    version: deps.version,
  });
}

/**
 * Starts a fleet. Throws with the reason when a service does not become ready, and then nothing is left of it; CF_FLEET_RUNNING
 * when it runs already: then it is somebody's, and stays.
 */
export async function start(
  engine: Engine,
  fleet: SmokeFleet,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<StartedFleet> {
  await refuseRunning(fleet, deps);
  await noteEngine(fleet.paths, engine.name);
  try {
    const started = await (engine.name === 'local'
      ? startHere(fleet, deps, signal)
      : startThere(engine, fleet, deps, signal));
    return {
      ...started,
      stop: async () => {
        const stops = await started.stop();
        await noteEngine(fleet.paths, undefined);
        return stops;
      },
    };
  } catch (error) {
    await noteEngine(fleet.paths, undefined);
    throw error;
  }
}

async function refuseRunning(fleet: SmokeFleet, deps: EngineDeps): Promise<void> {
  const last = await lastEngine(fleet.paths);
  if (last === undefined) return;
  const { state } = await (await engineOf(last, fleet, deps)).status();
  if (state === 'starting' || state === 'up' || state === 'stopping')
    throw new CamofleetError('CF_FLEET_RUNNING', `the fleet of ${fleet.paths.root} already runs, on ${last}`);
}

/** Handed to a system of containers, which keeps it running until it is told otherwise. */
async function startThere(
  engine: Engine,
  fleet: SmokeFleet,
  deps: EngineDeps,
  signal: AbortSignal,
): Promise<StartedFleet> {
  const { url, ingress } = await engine.up({ timeoutMs: deps.startTimeoutMs, scale: {}, onStep: deps.onStep }, signal);
  const onStop = (stop: { service: string; how: string; tookMs: number }): void =>
    deps.onStep({ state: 'stopped', ...stop });
  return {
    url,
    ingress,
    stop: async () => (await engine.down({ timeoutMs: STOP_MS, volumes: fleet.isThrowaway, onStop })).stops,
  };
}

/** Services as processes under a supervisor in this process: when it dies, however it dies, they end. */
async function startHere(fleet: SmokeFleet, deps: EngineDeps, signal: AbortSignal): Promise<StartedFleet> {
  const { execPath, entryPoint, pid } = deps.self;
  const stops: { service: string; how: string }[] = [];
  const supervisor = await startSupervisor(
    fleet.topology,
    {
      clock: systemClock,
      paths: fleet.paths,
      templates: await loadTemplates(deps.packageRoot, `${fleet.paths.root}/templates`),
      self: { execPath, entryPoint, identity: identify(pid) ?? { pid, startedAt: '' } },
      env: deps.env,
      startTimeoutMs: deps.startTimeoutMs,
      onStep: (step) => {
        if (step.state === 'stopped') stops.push({ service: step.service, how: step.how });
        deps.onStep(step);
      },
    },
    signal,
  );
  return {
    url: supervisor.url,
    ingress: supervisor.ingress,
    stop: async () => {
      await supervisor[Symbol.asyncDispose]();
      return stops;
    },
  };
}
