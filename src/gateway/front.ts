import { hostname } from 'node:os';
import { setImmediate as immediate } from 'node:timers/promises';
import { Server as TlsServer } from 'node:tls';
import type { Clock } from '../core/index.js';
import { closeServer, listen, loadCertificate, readKeyFile } from '../http/index.js';
import type { GatewayConfig } from '../settings/index.js';
import { type Keyring, openKeyFile } from '../tokens/index.js';
import type { Door } from './admission.js';
import { parseAllowedTargets } from './allowed-targets.js';
import { Arrivals } from './arrivals.js';
import type { AttemptDeps } from './attempt.js';
import { type ControlChannel, NO_CONTROL } from './control-channel.js';
import { certificateProblem, certificateRenewed, draining, keyProblem } from './events.js';
import { LiveSessions } from './live-sessions.js';
import { openIdentityWarnings } from './open-identity.js';
import { OpenSockets } from './open-sockets.js';
import { HEADERS_MS, publicListener } from './public-listener.js';
import { socketDataPath } from './relay/index.js';
import { ViewerReports } from './viewer-reports.js';

/** The side of a process that viewers see: the public listener and all that its sockets need. */
export interface Front extends AsyncDisposable {
  readonly port: number;
  /**
   * Refuses new sockets, tells the open ones to come back elsewhere, resolves when none is left or the grace is over.
   * Disposal ends at once what is left.
   */
  drain(): Promise<void>;
}

export interface FrontDeps {
  readonly clock: Clock;
  readonly random: () => number;
  /** The built viewer page, dist/ui/viewer. */
  readonly pageRoot: string;
}

/** The end of the grace that the last viewers have for their close frames. */
const CLOSING_MS = 1_000;
/** On disposal, how long close frames may take before sockets are cut: who kills us next waits less than a second. */
const CUT_MS = 300;

/** What control, and who asks for readiness, knows this gateway by: replicas of one image have hosts of their own. */
export function gatewayName({ gatewayId }: Pick<GatewayConfig, 'gatewayId'>): string {
  return gatewayId || hostname();
}

/** `exclusive`: the port is this process's own, where others share theirs. */
export type FrontConfig = GatewayConfig & { readonly exclusive?: boolean };

/** The keys as they are now; undefined where no token is accepted. */
type Keys = (() => Promise<Keyring>) | undefined;

/** Starts the public listener behind a door, and the channel to control. */
export async function startFront(
  config: FrontConfig,
  deps: FrontDeps,
  door: Door,
  keys: () => Promise<Keys> = () => openKeys(config),
): Promise<Front> {
  await using scope = new AsyncDisposableStack();
  const hasControl = config.controlUrl !== '';
  const live = new LiveSessions((claims) => void (hasControl && reports.changed(claims)));
  const sockets = new OpenSockets();
  const control = await openControl(config, live, () => reports.all(), deps);
  scope.defer(() => control.stop());
  const { clock } = deps;
  const reports = new ViewerReports({
    viewers: (only) => live.viewers(only),
    send: (report) => control.report(report),
    now: () => clock.now(),
  });
  scope.defer(() => Promise.race([reports.stop(), new Promise<void>((resolve) => setTimeout(resolve, CUT_MS))]));
  const attempt: AttemptDeps = {
    config,
    clock,
    admission: door,
    live,
    control,
    dataPath: socketDataPath(clock),
    keyring: await keys(),
    isAllowed: parseAllowedTargets(config.allowedTargets),
  };
  const warnings = openIdentityWarnings(config);
  const certificate = config.tlsCertificate === '' ? undefined : loadCertificate(config.tlsCertificate, config.tlsKey);
  const arrivals = new Arrivals({ dataPath: attempt.dataPath, clock, headMs: HEADERS_MS });
  const server = publicListener({
    arrivals,
    tls: certificate?.options,
    attempt,
    sockets,
    pageRoot: deps.pageRoot,
    readiness: () => ({
      draining: door.draining,
      gateway: gatewayName(config),
      control: controlWord(config, control),
      warnings,
    }),
  });
  if (certificate && server instanceof TlsServer)
    scope.defer(
      certificate.watch({
        renewed: (options) => {
          server.setSecureContext(options);
          certificateRenewed.publish({ file: config.tlsCertificate });
        },
        problem: (problem) => certificateProblem.publish({ problem }),
      }),
    );
  const { port } = await listen(server, config.host, config.port, 'HTTP_PORT', config);
  scope.defer(async () => {
    const closed = closeServer(server); // from now on nobody comes
    live.endAll();
    await sockets.empty(CUT_MS);
    sockets.destroyAll();
    arrivals.destroyAll();
    await sockets.empty(CUT_MS);
    await closed;
    await immediate(); // whoever was cut is in the log by then
  });
  const drain = once(() => {
    if (config.reusePort) server.close(); // a successor takes what comes
    return drainSockets(config, door, live, sockets);
  });
  const owner = scope.move();
  return { port, drain, [Symbol.asyncDispose]: () => owner.disposeAsync() };
}

async function openControl(
  config: GatewayConfig,
  live: LiveSessions,
  onConnected: () => void,
  { random }: FrontDeps,
): Promise<ControlChannel> {
  if (config.controlUrl === '') return NO_CONTROL;
  const { openControlChannel } = await import('./control-client.js'); // an HTTP client of 2 MB, for those who have a control
  return openControlChannel({
    controlUrl: config.controlUrl,
    gatewayId: gatewayName(config),
    serviceKey: readKeyFile(config.serviceKeyFile),
    onEnded: (fact) => live.sessionEnded(fact),
    onRevoked: (fact) => live.rightsRevoked(fact),
    onConnected,
    random,
  });
}

async function openKeys(config: GatewayConfig): Promise<Keys> {
  if (config.tokenKeysFile === '') return undefined;
  return openKeyFile(config.tokenKeysFile, (problem) => keyProblem.publish({ problem: problem.message }));
}

function controlWord(config: GatewayConfig, control: ControlChannel): string {
  if (config.controlUrl === '') return 'none';
  return control.connected ? 'ok' : 'unreachable: sockets open on their tokens alone';
}

/** 503 to new sockets at once; behind the delay 1012 to the open ones, spread over the rest of the grace. */
async function drainSockets(
  config: GatewayConfig,
  door: Door,
  live: LiveSessions,
  sockets: OpenSockets,
): Promise<void> {
  door.startDraining();
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
