import { createServer } from 'node:http';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { Gauge, Registry } from 'prom-client';
import type { RunnerHealth } from '../api/index.js';
import type { Clock } from '../core/index.js';
import { closeServer, listen, readKeyFile } from '../http/index.js';
import { findProgram } from '../processes/index.js';
import type { RunnerConfig } from '../settings/index.js';
import { EventHistory } from '../sse/index.js';
import { buildApi } from './api.js';
import { ChildrenFile } from './children.js';
import { makeFolder } from './display.js';
import { listening } from './events.js';
import { type Installed, usableBrowsers } from './plan.js';
import { Sessions } from './sessions.js';
import { SlotPool } from './slots.js';
import { hostDisplays } from './x-locks.js';

export interface Runner extends AsyncDisposable {
  readonly port: number;
  readonly internalPort: number;
}

export interface RunnerDeps {
  readonly clock: Clock;
  readonly version: string;
  /** PATH in which Xvfb, x11vnc, setpriv and browsers are looked for, and that children get. */
  readonly path: string;
  readonly isRoot: boolean;
  /** Where a state folder is made when the configuration names none. */
  readonly temporaryFolder: string;
}

/** Starts the runner: sweeps what an earlier one left, then serves. Dispose ends every session and then itself. */
export async function startRunner(config: RunnerConfig, deps: RunnerDeps): Promise<Runner> {
  await using scope = new AsyncDisposableStack();
  const stateDir = config.stateDir || (await mkdtemp(join(deps.temporaryFolder, 'camofleet-runner-')));
  await makeFolder(stateDir);
  const displays = hostDisplays();
  const children = new ChildrenFile(stateDir);
  await children.sweep(displays);

  const programs = findPrograms(config, deps.path);
  const history = new EventHistory();
  const slots = new SlotPool(
    {
      displays: { min: config.displayMin, max: config.displayMax },
      rfbPorts: { min: config.rfbPortMin, max: config.rfbPortMax },
      host: config.advertiseHost,
    },
    displays,
  );
  const sessions = scope.use(
    new Sessions(
      config,
      programs.installed,
      {
        clock: deps.clock,
        slots,
        worker: config.name,
        host: config.advertiseHost,
        stateDir,
        timeoutMs: config.startupTimeoutSeconds * 1000,
        isRoot: deps.isRoot,
        display: programs.display && {
          programs: programs.display,
          displays,
          children,
          path: deps.path,
          stopGraceMs: config.stopGraceMs,
        },
      },
      history,
      deps.clock,
    ),
  );

  const health = (): RunnerHealth => ({
    status: 'ok',
    name: config.name,
    version: deps.version,
    sessions: sessions.count,
    capacity: config.maxSessions,
    browsers: usableBrowsers(programs.installed),
    missing: programs.missing,
  });
  const api = buildApi({
    sessions,
    history,
    serviceKey: readKeyFile(config.serviceKeyFile),
    health,
    corsOrigins: config.corsOrigins,
  });
  await api.ready();
  const { port } = await listen(api.server, config.host, config.port, 'RUNNER_PORT');
  scope.defer(() => closeServer(api.server));
  const internalPort = await serveMetrics(scope, config, sessions);

  every(scope, config.cleanupIntervalSeconds, () => sessions.tidy());
  every(scope, config.prewarmCheckIntervalSeconds, () => sessions.prewarm());
  listening.publish({ name: config.name, port, internalPort });
  const owner = scope.move();
  return { port, internalPort, [Symbol.asyncDispose]: () => owner.disposeAsync() };
}

/** Runs work again and again, never two at a time. */
function every(scope: AsyncDisposableStack, seconds: number, work: () => Promise<void>): void {
  let running = Promise.resolve();
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    running = work().finally(() => void (busy = false));
  }, seconds * 1000);
  scope.defer(async () => {
    clearInterval(timer);
    await running;
  });
}

interface Programs {
  readonly installed: Installed;
  readonly display:
    | { readonly xvfb: string; readonly x11vnc: string; readonly setpriv: string | undefined }
    | undefined;
  readonly missing: string[];
}

function findPrograms(config: RunnerConfig, path: string): Programs {
  const [xvfb, x11vnc] = [findProgram('Xvfb', path), findProgram('x11vnc', path)];
  const browsers = [...config.browsers].flatMap(([name, [program, ...args]]) => {
    const file = findProgram(program!, path);
    return file ? [[name, [file, ...args]] as const] : [];
  });
  const absent = [...config.browsers.keys()].filter((name) => !browsers.some(([found]) => found === name));
  return {
    installed: { displays: xvfb !== undefined && x11vnc !== undefined, browsers: new Map(browsers) },
    display: xvfb && x11vnc ? { xvfb, x11vnc, setpriv: findProgram('setpriv', path) } : undefined,
    missing: [...(xvfb ? [] : ['Xvfb']), ...(x11vnc ? [] : ['x11vnc']), ...absent],
  };
}

async function serveMetrics(scope: AsyncDisposableStack, config: RunnerConfig, sessions: Sessions): Promise<number> {
  const registry = new Registry();
  new Gauge({
    name: 'camofleet_runner_sessions',
    help: 'Sessions that exist or are starting, prewarmed ones included.',
    registers: [registry],
    collect() {
      this.set(sessions.count);
    },
  });
  const server = createServer((_request, response) => {
    void registry.metrics().then((text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text));
  });
  const { port } = await listen(server, config.internalHost, config.internalPort, 'CAMOFLEET_RUNNER_INTERNAL_PORT');
  scope.defer(() => closeServer(server));
  return port;
}
