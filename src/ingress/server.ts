import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { type Server, createServer } from 'node:https';
import type { Socket } from 'node:net';
import { type ProxyServer, createProxyServer } from 'httpxy';
import { type Clock, errorText, nodeHttp } from '../core/index.js';
import { listen, loadCertificate } from '../http/index.js';
import { AccessLog, type Outcome } from './access-log.js';
import { certificateProblem, certificateRenewed, listening, stopping, upstreamFailed } from './events.js';
import { type Routed, routeOf } from './routes.js';

export interface IngressOptions {
  readonly host: string;
  readonly port: number;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly accessLogFile: string;
  /** `http://127.0.0.1:6900` */
  readonly upstreams: Readonly<Record<'gateway' | 'control', string>>;
  /** From a stop until open sockets are cut. */
  readonly graceTimeoutMs: number;
  readonly responseHeaderTimeoutMs: number;
}

export interface Ingress extends AsyncDisposable {
  readonly port: number;
}

const MAX_HEADER_BYTES = 32_768;
const HEADERS_MS = 10_000;
/** What Traefik answers where no router matches, and where a service fails. */
const NOT_FOUND = '404 page not found\n';
const FAILED = { 502: 'Bad Gateway', 504: 'Gateway Timeout' } as const;

/** Starts the ingress. Dispose stops accepting, waits the grace for open sockets, then cuts them. */
export async function startIngress(options: IngressOptions, deps: { readonly clock: Clock }): Promise<Ingress> {
  await using scope = new AsyncDisposableStack();
  const log = scope.use(new AccessLog(options.accessLogFile));
  const agent = new (nodeHttp().Agent)({ keepAlive: true, maxSockets: Infinity });
  scope.defer(() => agent.destroy());
  const proxy = createProxyServer({ agent, xfwd: false, proxyTimeout: options.responseHeaderTimeoutMs });
  // No 'error' listener: with one, the promises of the proxy's calls would not reject.
  proxy.on('proxyReq', (outgoing) => outgoing.prependOnceListener('timeout', () => outgoing.destroy(late())));
  const open = new Set<Socket>();
  const begin = (request: IncomingMessage): ((outcome: Outcome) => void) => log.begin(request, deps.clock);

  const certificate = loadCertificate(options.certificateFile, options.keyFile);
  const server = createServer(
    {
      ...certificate.options,
      ALPNProtocols: ['http/1.1'],
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_MS,
      requestTimeout: 0,
      noDelay: true,
    },
    (request, response) => void answer(request, response, { options, proxy, write: begin(request) }),
  );
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    void upgrade(request, socket, head, { options, proxy, write: begin(request) });
  });
  scope.defer(
    certificate.watch({
      renewed: (renewed) => {
        server.setSecureContext(renewed);
        certificateRenewed.publish({ file: options.certificateFile });
      },
      problem: (problem) => certificateProblem.publish({ problem }),
    }),
  );
  const { port } = await listen(server, options.host, options.port, 'public.port');
  scope.defer(() => stop(server, open, options.graceTimeoutMs));
  listening.publish({ host: options.host, port });
  const owner = scope.move();
  return { port, [Symbol.asyncDispose]: () => owner.disposeAsync() };
}

interface Call {
  readonly options: IngressOptions;
  readonly proxy: ProxyServer;
  readonly write: (outcome: Outcome) => void;
}

async function answer(request: IncomingMessage, response: ServerResponse, call: Call): Promise<void> {
  const routed = routeOf(request.url ?? '');
  let size = 0;
  let origin: { status: number; headers: IncomingHttpHeaders } = { status: 0, headers: {} };
  response.once('close', () =>
    call.write({
      routed,
      serviceAddr: routed && addressOf(call.options, routed),
      downstreamStatus: response.headersSent ? response.statusCode : 499,
      originStatus: origin.status,
      origin: origin.headers,
      contentSize: size,
    }),
  );
  if (!routed) {
    response
      .writeHead(404, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' })
      .end(NOT_FOUND);
    return;
  }
  response.once('pipe', (source) => {
    const incoming = source as IncomingMessage;
    origin = { status: incoming.statusCode ?? 0, headers: incoming.headers };
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
  });
  const forwarded = forward(request, routed, 'https');
  try {
    await call.proxy.web(forwarded, response, { target: call.options.upstreams[routed.service] });
  } catch (error) {
    upstreamFailed.publish({ service: routed.service, why: errorText(error), level: 'warn' });
    const status = statusOf(error);
    if (response.headersSent) response.destroy();
    else response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(FAILED[status]);
  }
}

async function upgrade(request: IncomingMessage, socket: Socket, head: Buffer, call: Call): Promise<void> {
  const routed = routeOf(request.url ?? '');
  socket.on('error', () => socket.destroy()); // 'close' follows and the line is written
  const outcome = { routed, serviceAddr: routed && addressOf(call.options, routed), contentSize: 0 };
  if (!routed) {
    socket.once('close', () => call.write({ ...outcome, downstreamStatus: 404, originStatus: 0, origin: {} }));
    socket.end(plainAnswer(404, 'Not Found', NOT_FOUND));
    return;
  }
  const seen: Seen = { status: 0, headers: {}, upgraded: false };
  socket.once('close', () => {
    const status = seen.upgraded ? 0 : seen.status || 502;
    call.write({ ...outcome, downstreamStatus: status, originStatus: status, origin: seen.headers });
  });
  const { options, proxy } = call;
  const watch = (outgoing: ClientRequest): void => follow(outgoing, socket, seen, { options, service: routed.service });
  proxy.once('proxyReqWs', watch); // emitted before ws() returns, or never
  const ended = proxy.ws(forward(request, routed, 'wss'), socket, { target: options.upstreams[routed.service] }, head);
  proxy.off('proxyReqWs', watch);
  await ended.catch(() => {}); // what the service did wrong is told where it is seen
}

/** What the service has answered to a handshake. */
interface Seen {
  status: number;
  headers: IncomingHttpHeaders;
  upgraded: boolean;
}

/** Sees the service's answer, and answers itself where the service fails: the proxy would only end the socket. */
function follow(
  outgoing: ClientRequest,
  socket: Socket,
  seen: Seen,
  { options, service }: { readonly options: IngressOptions; readonly service: Routed['service'] },
): void {
  const patience = setTimeout(() => outgoing.destroy(late()), options.responseHeaderTimeoutMs);
  const see = (answered: IncomingMessage, upgraded: boolean): void => {
    clearTimeout(patience);
    Object.assign(seen, { status: answered.statusCode, headers: answered.headers, upgraded });
  };
  outgoing.on('response', (answered) => see(answered, false));
  outgoing.on('upgrade', (answered, upstream) => {
    see(answered, true);
    socket.once('close', () => upstream.destroy()); // a viewer that is gone leaves nothing half open
    upstream.once('close', () => leave(socket));
  });
  outgoing.once('close', () => clearTimeout(patience));
  outgoing.once('error', (error) => {
    if (seen.status !== 0 || socket.destroyed) return; // it has answered, or the viewer left
    upstreamFailed.publish({ service, why: errorText(error), level: 'warn' });
    seen.status = statusOf(error);
    socket.end(plainAnswer(seen.status, FAILED[statusOf(error)], FAILED[statusOf(error)]));
  });
}

/** Nobody takes what a viewer still sends to a service that has closed: unread bytes would keep its socket from closing. */
function leave(socket: Socket): void {
  socket.end();
  setImmediate(() => socket.resume()); // the proxy pauses it when its pipe is gone
}

function late(): Error {
  return Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' });
}

function statusOf(error: unknown): 502 | 504 {
  return error instanceof Error && 'code' in error && error.code === 'ETIMEDOUT' ? 504 : 502;
}

/** The request as the service shall see it: path of the route, and X-Forwarded-* that nobody outside can forge. */
function forward(request: IncomingMessage, routed: Routed, scheme: 'https' | 'wss'): IncomingMessage {
  const { headers, socket } = request;
  for (const name of Object.keys(headers))
    if (name.startsWith('x-forwarded-') || name === 'x-real-ip') delete headers[name];
  const host = headers.host ?? '';
  headers['x-forwarded-for'] = socket.remoteAddress ?? '';
  headers['x-forwarded-proto'] = scheme;
  headers['x-forwarded-host'] = host;
  headers['x-forwarded-port'] = /:(\d+)$/.exec(host)?.[1] ?? '443';
  headers['x-real-ip'] = socket.remoteAddress ?? '';
  if (routed.router === 'api') headers['x-forwarded-prefix'] = '/api';
  request.url = routed.path;
  return request;
}

function addressOf(options: IngressOptions, routed: Routed): string {
  return new URL(options.upstreams[routed.service]).host;
}

function plainAnswer(status: number, title: string, body: string): string {
  return `HTTP/1.1 ${status} ${title}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}

/** Stops accepting at once; open sockets have the grace to end by themselves. */
async function stop(server: Server, open: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  stopping.publish({ sockets: open.size, graceMs });
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const deadline = performance.now() + graceMs;
  while (open.size > 0 && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  for (const socket of open) socket.destroy();
  server.closeAllConnections();
  await closed;
}
