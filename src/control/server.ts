import type { Clock } from '../core/index.js';
import { closeServer, listen, readKeyFile } from '../http/index.js';
import type { ControlConfig } from '../settings/index.js';
import { EventHistory } from '../sse/index.js';
import { openKeyFile } from '../tokens/index.js';
import { buildApi } from './api.js';
import { type Resolve, systemResolve } from './discovery.js';
import { keyProblem, listening, memoryOpened } from './events.js';
import { gatewayService } from './gateways.js';
import { buildInternal } from './internal.js';
import { Memory } from './memory.js';
import { Registry } from './registry.js';
import { Viewers } from './viewers.js';

export interface Control extends AsyncDisposable {
  readonly port: number;
  readonly internalPort: number;
}

export interface ControlDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly version: string;
  /** The addresses behind a name; the system's own answer unless something else is given. */
  readonly resolve?: Resolve;
  /** The built fleet page, dist/ui/fleet. */
  readonly pageRoot: string;
}

/** Starts the control plane: the public listener with API and page, and the internal one. */
export async function startControl(config: ControlConfig, deps: ControlDeps): Promise<Control> {
  await using scope = new AsyncDisposableStack();
  const serviceKey = readKeyFile(config.serviceKeyFile);
  const history = new EventHistory();
  const resolve = deps.resolve ?? systemResolve;
  const { memory, isNew } = await Memory.open(config.stateDir, deps.clock);
  const viewers = new Viewers(deps.clock);
  const registry = scope.use(
    new Registry(config, {
      clock: deps.clock,
      random: deps.random,
      serviceKey,
      history,
      memory,
      resolve,
    }),
  );
  const keyring =
    config.tokenKeysFile === ''
      ? undefined
      : await openKeyFile(config.tokenKeysFile, (problem) => keyProblem.publish({ problem: problem.message }));

  const api = await buildApi({
    config,
    version: deps.version,
    operatorKey: readKeyFile(config.operatorKeyFile),
    registry,
    history,
    memory,
    publishing: {
      config,
      clock: deps.clock,
      keyring,
      entryOf: (worker) => registry.workers.get(worker)?.entry,
      viewersOf: (session) => viewers.of(session),
    },
    page: { root: deps.pageRoot, apiPrefix: config.publicApiPrefix, version: deps.version },
  });
  const { port } = await listen(api.server, config.host, config.port, 'CONTROL_PORT');
  scope.defer(() => closeServer(api.server));

  const internal = await buildInternal({
    clock: deps.clock,
    serviceKey,
    registry,
    history,
    memory,
    tokenTtlSeconds: config.tokenTtlSeconds,
    viewers,
    metricsPath: config.metricsPath,
    gateways: config.gatewaysUrl === '' ? undefined : () => gatewayService(config, resolve),
  });
  const { port: internalPort } = await listen(
    internal.server,
    config.internalHost,
    config.internalPort,
    'CAMOFLEET_CONTROL_INTERNAL_PORT',
  );
  scope.defer(() => closeServer(internal.server));

  registry.start();
  memoryOpened.publish({
    folder: config.stateDir || 'none',
    found: !isNew,
    revocations: memory.revoked.length,
    level: isNew ? 'warn' : 'info',
  });
  listening.publish({ port, internalPort, workers: config.workers.map(({ name }) => name) });
  const owner = scope.move();
  return { port, internalPort, [Symbol.asyncDispose]: () => owner.disposeAsync() };
}
