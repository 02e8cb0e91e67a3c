import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { SecureContextOptions } from 'node:tls';
import { errorText, nodeHttp, redactText } from '../core/index.js';
import type { Arrivals } from './arrivals.js';
import { type AttemptDeps, answerProbe, answerUpgrade } from './attempt.js';
import { type Caller, callerReader } from './caller.js';
import { gatewayProblem } from './events.js';
import type { OpenSockets } from './open-sockets.js';
import { type Pages, loadPages } from './pages.js';
import { announceRefusal, sendRefusal, writeRefusal } from './refuse.js';
import type { RefusalCode } from './refusals.js';
import { type ViewerSocket, handshakeOf } from './relay/index.js';
import { renewToken } from './renew.js';
import { handshakeProblem, requestProblem, upgradeProblem } from './request-problems.js';
import { routeOf } from './routes.js';
import type { RequestHead } from './upgrade-head.js';

/** A request line and its headers: our URLs carry a token of under 2 KB. */
const MAX_HEADER_BYTES = 16_384;
/** A client that has not sent its headers, or its request, by then is dropped; looked at every second. */
export const HEADERS_MS = 10_000;
const REQUEST_MS = 15_000;
const CHECK_MS = 1_000;
/** Connections beside the sockets of sessions: pages, probes, upgrades that are being judged. */
const SPARE_CONNECTIONS = 1_000;

/** What `/readyz` says. */
export interface Readiness {
  readonly draining: boolean;
  readonly gateway: string;
  readonly control: string;
  readonly warnings: readonly string[];
}

interface ListenerDeps {
  readonly attempt: AttemptDeps;
  readonly arrivals: Arrivals;
  readonly sockets: OpenSockets;
  /** The built viewer page. */
  readonly pageRoot: string;
  readonly readiness: () => Readiness;
  /** Absent: plain HTTP, behind an ingress. */
  readonly tls: SecureContextOptions | undefined;
}

/** The listener that the world reaches: pages, sockets, health. Nothing listens yet. */
export function publicListener(deps: ListenerDeps): Server {
  const { attempt, arrivals, pageRoot, readiness, tls } = deps;
  const { config, dataPath } = attempt;
  const pages = loadPages(pageRoot, config.frameAncestors);
  const callerOf = callerReader(config.trustedProxies);
  const options = {
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: CHECK_MS,
    noDelay: true,
    shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket',
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const caller = callerOf(request, request.socket);
    response.setHeader('x-content-type-options', 'nosniff');
    answer(request, response, caller, { attempt, pages, readiness }).catch((error: unknown) => {
      tellBug(error, caller);
      if (response.headersSent) response.destroy();
      else sendRefusal(response, 'internal', caller);
    });
  };
  const onUpgrade = (head: RequestHead, viewer: ViewerSocket, bad = handshakeProblem(head)): void =>
    upgrade(head, viewer, { caller: callerOf(head, viewer.socket), bad }, deps);
  // ALPN offers HTTP/1.1 alone: a WebSocket needs it.
  const server = tls
    ? createTlsServer({ ...options, ...tls, ALPNProtocols: ['http/1.1'], handshakeTimeout: HEADERS_MS }, onRequest)
    : nodeHttp().createServer(options, onRequest);
  server.maxConnections = config.maxSessions + SPARE_CONNECTIONS;
  server.on('upgrade', (request: IncomingMessage, socket: Socket, rest: Buffer) => {
    const viewer = arrivals.handedOn(socket) ?? dataPath.take(socket);
    viewer.hold(rest);
    onUpgrade({ url: request.url ?? '', headers: request.headers }, viewer, upgradeProblem(request));
  });
  if (!tls) meetFirst(server, arrivals, onUpgrade);
  return server;
}

/** Lets arrivals see each connection before node:http does. */
function meetFirst(server: Server, arrivals: Arrivals, onUpgrade: (head: RequestHead, viewer: ViewerSocket) => void) {
  const listeners = server.listeners('connection');
  const onOther = (socket: Socket): void => {
    for (const listener of listeners) listener.call(server, socket);
  };
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => arrivals.take(socket, { onUpgrade, onOther }));
}

interface Judged {
  readonly caller: Caller;
  /** What is wrong with the handshake itself. */
  readonly bad: RefusalCode | undefined;
}

function upgrade(head: RequestHead, viewer: ViewerSocket, { caller, bad }: Judged, deps: ListenerDeps): void {
  const { attempt, sockets } = deps;
  sockets.add(viewer.socket);
  const route = routeOf(head.url, prefixOf(head));
  if (route.to !== 'socket') return writeRefusal(viewer, 'not_found', caller);
  if (bad) {
    announceRefusal({ code: bad }, caller, attempt);
    return writeRefusal(viewer, bad, caller);
  }
  answerUpgrade(route.asked, caller, { viewer, handshake: handshakeOf(head.headers) }, attempt).catch(
    (error: unknown) => {
      tellBug(error, caller);
      writeRefusal(viewer, 'internal', caller);
    },
  );
}

interface AnswerDeps {
  readonly attempt: AttemptDeps;
  readonly pages: Pages;
  readonly readiness: () => Readiness;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  caller: Caller,
  { attempt, pages, readiness }: AnswerDeps,
): Promise<void> {
  const route = routeOf(request.url ?? '', prefixOf(request));
  const bad = requestProblem(request, route);
  if (bad) return sendRefusal(response, bad, caller);
  switch (route.to) {
    case 'healthz':
      return sendJson(response, 200, { status: 'ok' });
    case 'readyz': {
      const { draining, ...rest } = readiness();
      return sendJson(response, draining ? 503 : 200, { status: draining ? 'draining' : 'ready', ...rest });
    }
    case 'page':
      return pages.sendPage(response, caller.host);
    case 'asset':
      return pages.sendAsset(response, route.name) ? undefined : sendRefusal(response, 'not_found', caller);
    case 'renew':
      return renewToken(route.sid, caller, request, response, attempt);
    case 'socket':
      return route.asked.from === 'path'
        ? sendRefusal(response, 'upgrade_required', caller)
        : answerProbe(route.asked, caller, response, attempt);
    case 'nothing':
      return sendRefusal(response, 'not_found', caller);
  }
}

function prefixOf({ headers }: Pick<RequestHead, 'headers'>): string | undefined {
  const prefix = headers['x-forwarded-prefix'];
  return Array.isArray(prefix) ? prefix.join(',') : prefix;
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

function tellBug(error: unknown, caller: Caller): void {
  const text = error instanceof Error ? (error.stack ?? errorText(error)) : errorText(error);
  gatewayProblem.publish({ request: caller.requestId, problem: redactText(text).text });
}
