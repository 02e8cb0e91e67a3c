import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunnerHealth } from '../api/index.js';
import { CamofleetError, type Clock, errorText } from '../core/index.js';
import { closeServer, listen, readKeyFile } from '../http/index.js';
import type { RunnerConfig } from '../settings/index.js';
import { EventHistory } from '../sse/index.js';
import { buildApi } from './api.js';
import { internalFailure, listening, sandboxOff, sandboxReduced } from './events.js';
import { buildInternal } from './internal.js';
import { ownAddress } from './own-address.js';
import { usableBrowsers } from './plan.js';
import { type Programs, findPrograms } from './programs.js';
import { type Sandbox, confinement, sandboxOf } from './sandbox.js';
import type { SessionDeps } from './session.js';
import { Sessions } from './sessions.js';
import { SlotPool } from './slots.js';
import { StateFolder } from './state-folder.js';
import { type XDisplays, hostDisplays } from './x-locks.js';

export interface Runner extends AsyncDisposable {
  readonly port: number;
  readonly internalPort: number;
}

export interface RunnerDeps {
  readonly clock: Clock;
  readonly version: string;
  /** PATH in which Xvfb, x11vnc, setpriv and browsers are looked for, and that children get. */
  readonly path: string;
  /** Where Playwright servers find the browsers that were installed for them. */
  readonly home: string;
  readonly isRoot: boolean;
  /** Where a state folder is made when the configuration names none. */
  readonly temporaryFolder: string;
}

/**
 * Starts the runner: removes what an earlier one left, then serves. Dispose ends every session, tells whoever follows
 * the events, and then ends itself.
 */
export async function startRunner(config: RunnerConfig, deps: RunnerDeps): Promise<Runner> {
  const serviceKey = readKeyFile(config.serviceKeyFile);
  if (serviceKey === undefined)
    throw new CamofleetError(
      'CF_CONFIG_INVALID',
      'CAMOFLEET_RUNNER_SERVICE_KEY_FILE must name a file with a key, mode 0600: who may call this API sees every screen',
    );
  const host = await ownAddress(config.advertiseHost);
  await using scope = new AsyncDisposableStack();
  const displays = hostDisplays();
  const state = await StateFolder.claim(await stateDirOf(scope, config, deps), displays);
  const programs = findPrograms(config.browsers, deps.path);
  const sandboxes = await sandboxesOf(programs, deps);
  const history = new EventHistory();
  const sessions = new Sessions(
    config,
    programs.installed,
    sessionDeps(config, deps, { host, displays, state, programs, sandboxes }),
    history,
    deps.clock,
  );

  const health = (): RunnerHealth => healthOf(config, deps.version, { ...programs, sandboxes }, sessions);
  const api = buildApi({ sessions, history, serviceKey, health, corsOrigins: config.corsOrigins });
  await api.ready();
  const { port } = await listen(api.server, config.host, config.port, 'RUNNER_PORT');
  scope.defer(() => closeServer(api.server));
  const internal = buildInternal(sessions);
  const { port: internalPort } = await listen(
    internal,
    config.internalHost,
    config.internalPort,
    'CAMOFLEET_RUNNER_INTERNAL_PORT',
  );
  scope.defer(() => closeServer(internal));

  scope.use(sessions); // ends before the API, so that the ends are heard
  every(scope, config.cleanupIntervalSeconds, 'looking for idle sessions', () => sessions.tidy());
  every(scope, config.prewarmCheckIntervalSeconds, 'prewarming', () => sessions.prewarm());
  listening.publish({ name: config.name, port, internalPort });
  void sessions.prewarm();
  const owner = scope.move();
  return { port, internalPort, [Symbol.asyncDispose]: () => owner.disposeAsync() };
}

/** The configured folder, or one of our own that goes with us. */
async function stateDirOf(scope: AsyncDisposableStack, config: RunnerConfig, deps: RunnerDeps): Promise<string> {
  if (config.stateDir !== '') return config.stateDir;
  const made = await mkdtemp(join(deps.temporaryFolder, 'camofleet-runner-'));
  scope.defer(() => rm(made, { recursive: true, force: true }));
  return made;
}

function sessionDeps(
  config: RunnerConfig,
  { clock, path, home }: RunnerDeps,
  own: {
    readonly host: string;
    readonly displays: XDisplays;
    readonly state: StateFolder;
    readonly programs: Programs;
    readonly sandboxes: ReadonlyMap<string, Sandbox>;
  },
): SessionDeps {
  const { host, displays, state, programs, sandboxes } = own;
  const slots = new SlotPool(
    {
      displays: { min: config.displayMin, max: config.displayMax },
      rfbPorts: { min: config.rfbPortMin, max: config.rfbPortMax },
      legacyIds: { min: config.wsPortMin, max: config.wsPortMax },
      host,
    },
    displays,
  );
  const { stopGraceMs } = config;
  return {
    clock,
    slots,
    worker: config.name,
    host,
    targetHost: config.publishedHost || host,
    timeoutMs: config.startupTimeoutSeconds * 1000,
    bases: { ws: config.wsBase, http: config.httpBase },
    display: programs.display && { ...programs.display, displays, state, path, home, sandboxes, stopGraceMs },
  };
}

/** The sandboxes of the browsers that are here, by name; one that is not what it should be is told of. */
async function sandboxesOf({ installed }: Programs, { path, isRoot }: RunnerDeps): Promise<Map<string, Sandbox>> {
  const sandboxes = new Map<string, Sandbox>();
  if (!installed.displays || installed.browsers.size === 0) return sandboxes;
  const host = await confinement(path, isRoot);
  for (const [browser, setting] of installed.browsers) {
    const sandbox = sandboxOf(setting, host);
    if (!sandbox) continue;
    sandboxes.set(browser, sandbox);
    const { state, because } = sandbox;
    if (state === 'off') sandboxOff.publish({ browser, because });
    if (state === 'reduced') sandboxReduced.publish({ browser, because });
  }
  return sandboxes;
}

function healthOf(
  config: RunnerConfig,
  version: string,
  { installed, missing, sandboxes }: Programs & { readonly sandboxes: ReadonlyMap<string, Sandbox> },
  sessions: Sessions,
): RunnerHealth {
  const { problem } = sessions;
  return {
    status: problem === undefined ? 'ok' : 'degraded',
    name: config.name,
    version,
    sessions: sessions.inUse,
    capacity: config.maxSessions,
    browsers: usableBrowsers(installed),
    missing: [...missing],
    sandboxes: Object.fromEntries([...sandboxes].map(([browser, { state }]) => [browser, state])),
    ...(problem !== undefined && { problem }),
  };
}

/** Runs work again and again, never two at a time. */
function every(scope: AsyncDisposableStack, seconds: number, what: string, work: () => Promise<void>): void {
  let busy = false;
  const run = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      await work();
    } catch (error) {
      internalFailure.publish({ what, message: errorText(error) });
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void run(), seconds * 1000);
  scope.defer(() => clearInterval(timer));
}
