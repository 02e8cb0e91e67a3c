import { Server as TlsServer } from 'node:tls';
import { type Clock, isLoopback } from '../core/index.js';
import { closeServer, listen, readKeyFile } from '../http/index.js';
import type { GatewayConfig } from '../settings/index.js';
import { type Keyring, openKeyFile } from '../tokens/index.js';
import { Admission } from './admission.js';
import { parseAllowedTargets } from './allowed-targets.js';
import type { AttemptDeps } from './attempt.js';
import { loadCertificate } from './certificate.js';
import { type ControlChannel, NO_CONTROL, openControlChannel } from './control-channel.js';
import { draining, keyProblem, listening, openIdentity } from './events.js';
import { internalListener } from './internal-listener.js';
import { LiveSessions } from './live-sessions.js';
import { countMetrics } from './metrics.js';
import { OpenSockets } from './open-sockets.js';
import { publicListener } from './public-listener.js';
import { socketDataPath } from './relay/index.js';

export interface Gateway extends AsyncDisposable {
  readonly port: number;
  readonly internalPort: number;
  /** Aborted when `POST /admin/drain` has asked for an orderly stop. */
  readonly stopAsked: AbortSignal;
  /**
   * Refuses new sockets, tells the open ones to come back elsewhere, resolves when none is left or the grace is over.
   * Disposal ends at once what is left.
   */
  drain(): Promise<void>;
}

export interface GatewayDeps {
  readonly clock: Clock;
  readonly random: () => number;
  /** The built viewer page, dist/ui/viewer. */
  readonly pageRoot: string;
}

/** How often control hears of viewers. */
const REPORT_MS = 10_000;
/** The end of the grace that the last viewers have for their close frames. */
const CLOSING_MS = 1_000;
/** On disposal, how long close frames may take before sockets are cut: who kills us next waits less than a second. */
const CUT_MS = 300;

/** Starts the gateway: the public listener, the internal one, and the channel to control. */
export async function startGateway(config: GatewayConfig, deps: GatewayDeps): Promise<Gateway> {
  await using scope = new AsyncDisposableStack();
  const admission = new Admission(config);
  const live = new LiveSessions();
  const sockets = new OpenSockets();
  const stopAsked = new AbortController();
  const control = openControl(config, live, deps);
  scope.defer(() => control.stop());
  const attempt: AttemptDeps = {
    config,
    clock: deps.clock,
    admission,
    live,
    control,
    dataPath: socketDataPath(deps.clock),
    keyring: await openKeys(config),
    isAllowed: parseAllowedTargets(config.allowedTargets),
  };
  const warnings = openIdentityWarnings(config);
  const certificate = config.tlsCertificate === '' ? undefined : loadCertificate(config.tlsCertificate, config.tlsKey);
  const server = publicListener({
    tls: certificate?.options,
    attempt,
    sockets,
    pageRoot: deps.pageRoot,
    readiness: () => ({ draining: admission.draining, control: controlWord(config, control), warnings }),
  });
  if (certificate && server instanceof TlsServer)
    scope.defer(certificate.watch((options) => server.setSecureContext(options)));
  const { port } = await listen(server, config.host, config.port, 'HTTP_PORT');
  scope.defer(async () => {
    live.endAll();
    await sockets.empty(CUT_MS);
    sockets.destroyAll();
    await closeServer(server);
  });
  const internalPort = await serveInternal(scope, config, admission, () => stopAsked.abort());
  const reporter = setInterval(() => void control.report(live.report()), REPORT_MS);
  scope.defer(() => clearInterval(reporter));
  listening.publish({ port, internalPort, identity: attempt.keyring ? config.identity : 'open' });
  const drain = once(() => drainSockets(config, admission, live, sockets));
  const owner = scope.move();
  return {
    port,
    internalPort,
    stopAsked: stopAsked.signal,
    drain,
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}

function openControl(config: GatewayConfig, live: LiveSessions, deps: GatewayDeps): ControlChannel {
  if (config.controlUrl === '') return NO_CONTROL;
  return openControlChannel({
    controlUrl: config.controlUrl,
    gatewayId: config.gatewayId,
    serviceKey: readKeyFile(config.serviceKeyFile),
    onEnded: (fact) => live.sessionEnded(fact),
    onRevoked: (fact) => live.rightsRevoked(fact),
    random: deps.random,
  });
}

async function openKeys(config: GatewayConfig): Promise<(() => Promise<Keyring>) | undefined> {
  if (config.tokenKeysFile === '') return undefined;
  return openKeyFile(config.tokenKeysFile, (problem) => keyProblem.publish({ problem: problem.message }));
}

function controlWord(config: GatewayConfig, control: ControlChannel): string {
  if (config.controlUrl === '') return 'none';
  return control.connected ? 'ok' : 'unreachable: sockets open on their tokens alone';
}

/** Open identities on an address that others reach are told at the start, and in /readyz for as long as they are. */
function openIdentityWarnings(config: GatewayConfig): string[] {
  const open = [
    ...(config.identity === 'open' ? ['gateway.identity'] : []),
    ...(config.mapJson.size > 0 ? ['VNC_MAP_JSON'] : []),
    ...(config.defaultHost === '' ? [] : ['VNC_DEFAULT_HOST']),
  ];
  if (open.length === 0 || isLoopback(config.host)) return [];
  const why = `${open.join(' and ')} let ids in without a token`;
  openIdentity.publish({ host: config.host, why });
  return [why];
}

async function serveInternal(
  scope: AsyncDisposableStack,
  config: GatewayConfig,
  admission: Admission,
  onDrain: () => void,
): Promise<number> {
  const metrics = countMetrics(admission);
  scope.defer(metrics.stop);
  const server = internalListener({ metrics: config.accessibleMetrics ? metrics.registry : undefined, onDrain });
  const { port } = await listen(server, config.internalHost, config.internalPort, 'CAMOFLEET_GATEWAY_INTERNAL_PORT');
  scope.defer(() => closeServer(server));
  return port;
}

/** 503 to new sockets at once; behind the delay 1012 to the open ones, spread over the rest of the grace. */
async function drainSockets(
  config: GatewayConfig,
  admission: Admission,
  live: LiveSessions,
  sockets: OpenSockets,
): Promise<void> {
  admission.startDraining();
  draining.publish({ sessions: live.size, graceMs: config.shutdownGraceMs });
  const delayMs = Math.min(config.drainDelayMs, config.shutdownGraceMs);
  const restMs = config.shutdownGraceMs - delayMs;
  const closingMs = Math.min(CLOSING_MS, restMs / 2);
  await sockets.empty(delayMs);
  await live.drain(restMs - closingMs);
  await sockets.empty(closingMs);
}

/** The first call does the work, every call gets its promise. */
function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= work());
}
