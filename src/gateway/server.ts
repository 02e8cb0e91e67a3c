import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { Socket } from 'node:net';
import { type Clock, errorText, isLoopback } from '../core/index.js';
import { closeServer, listen, readKeyFile, sendProblem } from '../http/index.js';
import type { GatewayConfig } from '../settings/index.js';
import { openKeyFile } from '../tokens/index.js';
import { Admission } from './admission.js';
import { parseAllowedTargets } from './allowed-targets.js';
import { type AttemptDeps, answerProbe, answerUpgrade, writeRefusal } from './attempt.js';
import { callerReader } from './caller.js';
import { type ControlChannel, NO_CONTROL, openControlChannel } from './control-channel.js';
import { draining, keyProblem, listening, openIdentity } from './events.js';
import { LiveSessions } from './live-sessions.js';
import { countMetrics } from './metrics.js';
import { loadPages } from './pages.js';
import { REFUSALS, type RefusalCode } from './refusals.js';
import { renewToken } from './renew.js';
import { routeOf } from './routes.js';
import { wsDataPath } from './ws-data-path.js';

export interface Gateway extends AsyncDisposable {
  readonly port: number;
  readonly internalPort: number;
  /** Refuses new sockets, tells the open ones to come back elsewhere, resolves when none is left. */
  drain(): Promise<void>;
}

export interface GatewayDeps {
  readonly clock: Clock;
  readonly random: () => number;
  /** The built viewer page, dist/ui/viewer. */
  readonly pageRoot: string;
}

/** A request line and its headers: our URLs carry a token of under 2 KB. */
const MAX_HEADER_BYTES = 16_384;
/** A client that has not sent its headers by then is dropped. */
const HEADERS_MS = 10_000;
const REQUEST_MS = 15_000;
/** How often control hears of viewers. */
const REPORT_MS = 10_000;

/** Starts the gateway: the public listener, the internal one, and the channel to control. */
export async function startGateway(config: GatewayConfig, deps: GatewayDeps): Promise<Gateway> {
  await using scope = new AsyncDisposableStack();
  const admission = new Admission(config);
  const live = new LiveSessions();
  const control = openControl(config, live, deps);
  scope.defer(() => control.stop());
  const attempt: AttemptDeps = {
    config,
    clock: deps.clock,
    admission,
    live,
    control,
    dataPath: wsDataPath(deps.clock),
    keyring:
      config.tokenKeysFile === ''
        ? undefined
        : await openKeyFile(config.tokenKeysFile, (problem) => keyProblem.publish({ problem: problem.message })),
    isAllowed: parseAllowedTargets(config.allowedTargets),
  };
  const warnings = openIdentityWarnings(config);
  const server = publicServer(attempt, deps, () => ({
    draining: admission.draining,
    controlLost: config.controlUrl !== '' && !control.connected,
    warnings,
  }));
  scope.defer(async () => {
    live.endAll();
    await closeServer(server);
  });
  const { port } = await listen(server, config.host, config.port, 'HTTP_PORT');
  const drain = once(() => drainSessions(config, admission, live));
  const internalPort = await serveInternal(scope, config, admission, drain);
  const reporter = setInterval(() => void control.report(live.report()), REPORT_MS);
  scope.defer(() => clearInterval(reporter));
  listening.publish({ port, internalPort, identity: attempt.keyring ? 'token' : 'open' });
  const owner = scope.move();
  return { port, internalPort, drain, [Symbol.asyncDispose]: () => owner.disposeAsync() };
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

interface Readiness {
  readonly draining: boolean;
  readonly controlLost: boolean;
  readonly warnings: readonly string[];
}

function publicServer(attempt: AttemptDeps, deps: GatewayDeps, readiness: () => Readiness): Server {
  const { config } = attempt;
  const pages = loadPages(deps.pageRoot, config.frameAncestors);
  const callerOf = callerReader(config.trustedProxies);
  const refusePlain = (request: IncomingMessage, response: ServerResponse, code: RefusalCode): void => {
    const { status, detail } = REFUSALS[code];
    sendProblem(
      response,
      { status, code, detail, requestId: callerOf(request).requestId },
      code === 'upgrade_required' ? { upgrade: 'websocket' } : {},
    );
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const route = routeOf(request.url ?? '', request.headers['x-forwarded-prefix'] !== undefined);
    const isGet = request.method === 'GET' || request.method === 'HEAD';
    const caller = callerOf(request);
    switch (route.to) {
      case 'healthz':
        return sendJson(response, 200, { status: 'ok' });
      case 'readyz':
        return sendReadiness(response, readiness());
      case 'page':
        return isGet ? pages.sendPage(response, caller.host) : refusePlain(request, response, 'method_refused');
      case 'asset':
        if (!isGet || !pages.sendAsset(response, route.name))
          refusePlain(request, response, isGet ? 'not_found' : 'method_refused');
        return;
      case 'renew':
        if (request.method !== 'POST') return refusePlain(request, response, 'method_refused');
        return renewToken(route.sid, caller, request, response, { ...attempt, fleetId: config.fleetId });
      case 'socket':
        if (!isGet) return refusePlain(request, response, 'method_refused');
        if (route.asked.from === 'path') return refusePlain(request, response, 'upgrade_required');
        return answerProbe(route.asked, caller, response, attempt);
      case 'nothing':
        return refusePlain(request, response, 'not_found');
    }
  };

  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, noDelay: true },
    (request, response) => {
      handle(request, response).catch((error: unknown) => {
        keyProblem.publish({ problem: errorText(error) });
        if (!response.headersSent) response.writeHead(500).end();
      });
    },
  );
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => {}); // whoever owns the socket sees its 'close'
    const route = routeOf(request.url ?? '', false);
    const caller = callerOf(request);
    const bad = upgradeProblem(request, route.to);
    if (bad || route.to !== 'socket') {
      const code = bad ?? 'not_found';
      const { status, detail } = REFUSALS[code];
      writeRefusal(socket, { status, code, detail, requestId: caller.requestId });
      return;
    }
    answerUpgrade(route.asked, caller, { request, socket, head }, attempt).catch((error: unknown) => {
      keyProblem.publish({ problem: errorText(error) });
      socket.destroy();
    });
  });
  return server;
}

/** An upgrade that is no WebSocket handshake (RFC 6455 section 4.2.1). */
function upgradeProblem(request: IncomingMessage, to: string): RefusalCode | undefined {
  if (to !== 'socket') return 'not_found';
  if (request.method !== 'GET') return 'method_refused';
  const key = request.headers['sec-websocket-key'];
  const isHandshake =
    request.headers.upgrade?.toLowerCase() === 'websocket' &&
    request.headers['sec-websocket-version'] === '13' &&
    /^[+/0-9A-Za-z]{22}==$/.test(key ?? '');
  return isHandshake ? undefined : 'upgrade_required';
}

function sendReadiness(response: ServerResponse, state: Readiness): void {
  sendJson(response, state.draining ? 503 : 200, {
    status: state.draining ? 'draining' : 'ready',
    control: state.controlLost ? 'unreachable: sockets open on their tokens alone' : 'ok',
    warnings: state.warnings,
  });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

async function drainSessions(config: GatewayConfig, admission: Admission, live: LiveSessions): Promise<void> {
  admission.startDraining();
  draining.publish({ sessions: live.size, graceMs: config.shutdownGraceMs });
  if (live.size === 0) return;
  const delay = Math.min(config.drainDelayMs, config.shutdownGraceMs);
  await Promise.race([new Promise((resolve) => setTimeout(resolve, delay)), live.empty()]);
  await live.drain(config.shutdownGraceMs - delay);
  await live.empty();
}

/** Open identities on an address that others reach are told at the start, and in /readyz for as long as they are. */
function openIdentityWarnings(config: GatewayConfig): string[] {
  const open = [
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
  drain: () => Promise<void>,
): Promise<number> {
  const metrics = countMetrics(admission);
  scope.defer(metrics.stop);
  const server = createServer((request, response) => {
    if (request.method === 'POST' && request.url === '/admin/drain') {
      void drain();
      sendJson(response, 202, { status: 'draining' });
    } else if (request.url === '/metrics' && config.accessibleMetrics) {
      void metrics.registry
        .metrics()
        .then((text) => response.writeHead(200, { 'content-type': metrics.registry.contentType }).end(text));
    } else sendJson(response, 404, { status: 'not found' });
  });
  const { port } = await listen(server, config.internalHost, config.internalPort, 'CAMOFLEET_GATEWAY_INTERNAL_PORT');
  scope.defer(() => closeServer(server));
  return port;
}

/** The first call does the work, every call gets its promise. */
function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= work());
}
