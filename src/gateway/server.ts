import type { Registry } from 'prom-client';
import { closeServer, listen } from '../http/index.js';
import type { GatewayConfig } from '../settings/index.js';
import { Admission } from './admission.js';
import { listening } from './events.js';
import { type Front, type FrontDeps, startFront } from './front.js';
import { internalListener } from './internal-listener.js';
import { countMetrics } from './metrics.js';
import { announceOpenIdentity } from './open-identity.js';

/** A front, and the internal listener beside it. */
export interface Gateway extends Front {
  readonly internalPort: number;
  /** Aborted when `POST /admin/drain` has asked for an orderly stop. */
  readonly stopAsked: AbortSignal;
}

/** Starts the gateway in this process: the public listener, the internal one, and the channel to control. */
export async function startGateway(config: GatewayConfig, deps: FrontDeps): Promise<Gateway> {
  const admission = new Admission(config);
  return serveInternal(config, admission, () => startFront(config, deps, admission));
}

/** Starts a front, and the internal listener for it. */
export async function serveInternal(
  config: GatewayConfig,
  admission: Admission,
  start: () => Promise<Front>,
): Promise<Gateway> {
  await using scope = new AsyncDisposableStack();
  announceOpenIdentity(config);
  const metrics = countMetrics(admission); // from the first socket on
  scope.defer(metrics.stop);
  const front = scope.use(await start());
  const stopAsked = new AbortController();
  const internalPort = await listenInternal(scope, config, metrics.registry, () => stopAsked.abort());
  const identity = config.tokenKeysFile === '' ? 'open' : config.identity;
  listening.publish({ port: front.port, internalPort, identity });
  const owner = scope.move();
  return {
    port: front.port,
    internalPort,
    stopAsked: stopAsked.signal,
    drain: () => front.drain(),
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}

async function listenInternal(
  scope: AsyncDisposableStack,
  config: GatewayConfig,
  metrics: Registry,
  onDrain: () => void,
): Promise<number> {
  const server = internalListener({ metrics: config.accessibleMetrics ? metrics : undefined, onDrain });
  const { port } = await listen(
    server,
    config.internalHost,
    config.internalPort,
    'CAMOFLEET_GATEWAY_INTERNAL_PORT',
    config,
  );
  scope.defer(() => closeServer(server));
  return port;
}
