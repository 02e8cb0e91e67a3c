import { Agent, request } from 'undici';
import { errorText } from '../../core/index.js';
import type { RunningProcess } from '../../processes/index.js';
import type { Stage } from '../stage.js';

export interface Proxy {
  readonly port: number;
  readonly process: RunningProcess;
}

export interface TraefikPart extends Proxy {
  /** JSON lines, one when a request or a socket has ended. */
  readonly accessLog: string;
  /** The dynamic file, which it watches. */
  readonly dynamicFile: string;
}

type Tree = { readonly [key: string]: unknown };

interface TraefikOptions {
  /** The dynamic configuration, as its file provider reads it; `routesTo` makes the usual one. */
  readonly dynamic: Tree;
  /** Laid over the usual static configuration, branch by branch. */
  readonly static?: Tree;
  readonly port?: number;
  readonly host?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly namespace?: string;
  /** Started when it has routes: it listens before. Not asked in a namespace, which only its own programs reach. */
  readonly routed?: 'http' | 'https';
}

/** What Traefik answers for itself where no router matches. */
const NO_ROUTE = '404 page not found\n';
const ROUTE_ANSWER_MS = 1_000;

/** Headers of a handshake that its log keeps, as docs/verify.md tells operators to. */
const KEPT = ['Sec-WebSocket-Key', 'Sec-WebSocket-Accept', 'Sec-WebSocket-Protocol', 'Upgrade'];

/** A real Traefik with one entry point `web`, the file provider and an access log in JSON. */
export async function startTraefik(stage: Stage, options: TraefikOptions): Promise<TraefikPart> {
  const { host = '127.0.0.1', namespace, env = {}, routed } = options;
  const port = options.port ?? (await stage.port());
  const dynamicFile = await stage.file(`dynamic-${port}.yaml`, JSON.stringify(options.dynamic));
  const accessLog = `${stage.folder}/access-${port}.log`;
  const usual = {
    global: { checkNewVersion: false, sendAnonymousUsage: false },
    entryPoints: { web: { address: `${host}:${port}` } },
    providers: { file: { filename: dynamicFile, watch: true } },
    log: { level: 'INFO' },
    accessLog: {
      filePath: accessLog,
      format: 'json',
      fields: { headers: { names: Object.fromEntries(KEPT.map((name) => [name, 'keep'])) } },
    },
  };
  const staticFile = await stage.file(`traefik-${port}.yaml`, JSON.stringify(laidOver(usual, options.static ?? {})));
  const process = await stage.start({
    program: 'traefik',
    args: [`--configfile=${staticFile}`],
    env,
    port,
    namespace,
    ...(routed && namespace === undefined && { ready: () => hasRoutes(`${routed}://127.0.0.1:${port}/`) }),
  });
  return { port, process, accessLog, dynamicFile };
}

async function hasRoutes(url: string): Promise<true | string> {
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } }); // of certificates others judge
  try {
    const { body } = await request(url, { dispatcher, signal: AbortSignal.timeout(ROUTE_ANSWER_MS) });
    return (await body.text()) === NO_ROUTE ? 'it has no routes yet' : true;
  } catch (error) {
    return errorText(error);
  } finally {
    await dispatcher.close();
  }
}

/** One router for every path, and one service behind it. */
export function routesTo(url: string, rule = 'PathPrefix(`/`)'): Tree {
  return {
    http: {
      routers: { vnc: { rule, entryPoints: ['web'], service: 'vnc' } },
      services: { vnc: { loadBalancer: { servers: [{ url }] } } },
    },
  };
}

/** A real nginx; `server` is what stands in its http block. Its error log is `log` of the process. */
export async function startNginx(
  stage: Stage,
  options: {
    readonly port?: number;
    readonly http: (port: number) => string;
    /** Lines outside of every block. */
    readonly main?: string;
    readonly namespace?: string;
  },
): Promise<Proxy & { readonly reload: () => void }> {
  const port = options.port ?? (await stage.port());
  const text = `daemon off;
worker_processes 1;
pid ${stage.folder}/nginx-${port}.pid;
error_log stderr notice;
${options.main ?? ''}
events { worker_connections 256; }
http {
  access_log ${stage.folder}/nginx-access-${port}.log;
  client_body_temp_path ${stage.folder}/body;
  proxy_temp_path ${stage.folder}/proxy;
  fastcgi_temp_path ${stage.folder}/fastcgi;
  uwsgi_temp_path ${stage.folder}/uwsgi;
  scgi_temp_path ${stage.folder}/scgi;
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  ${options.http(port)}
}
`;
  const file = await stage.file(`nginx-${port}.conf`, text);
  const process = await stage.start({
    program: 'nginx',
    args: ['-e', 'stderr', '-p', stage.folder, '-c', file],
    port,
    namespace: options.namespace,
  });
  return { port, process, reload: () => signalProcess(process.pid, 'SIGHUP') };
}

/** A server block of nginx that passes WebSockets on to a port of loopback; `timers` as nginx writes them. */
export function nginxTo(
  own: number,
  port: number,
  timers: { readonly read: string; readonly send: string } = { read: '3600s', send: '3600s' },
): string {
  return `server {
    listen 127.0.0.1:${own};
    location / {
      proxy_pass http://127.0.0.1:${port};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_read_timeout ${timers.read};
      proxy_send_timeout ${timers.send};
    }
  }`;
}

/** A real HAProxy; `frontend` is everything below its global section. */
export async function startHaproxy(
  stage: Stage,
  options: { readonly port?: number; readonly sections: (port: number) => string; readonly namespace?: string },
): Promise<Proxy> {
  const port = options.port ?? (await stage.port());
  const file = await stage.file(`haproxy-${port}.cfg`, `global\n  maxconn 256\n${options.sections(port)}\n`);
  const args = ['-db', '-f', file];
  const process = await stage.start({ program: 'haproxy', args, port, namespace: options.namespace });
  return { port, process };
}

/** A signal to one process that a fault started. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  process.kill(pid, signal);
}

function laidOver(below: Tree, above: Tree): Tree {
  const merged: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = merged[key];
    merged[key] = isTree(value) && isTree(under) ? laidOver(under, value) : value;
  }
  return merged;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
