import { ROUTES, type Topology } from '../topology/index.js';
import { SERVICE_ROUTES, type ServiceRoute } from './routes.js';
import type { GuideSubject } from './subject.js';
import { spanOf, timeOf } from './words.js';

const HEADS = [
  ...['host', 'path', 'method', 'entry_point', 'service', 'port', 'service_path', 'auth', 'timeouts', 'note'],
] as const;

/** The name of Traefik's entry point, and of the embedded ingress. */
const ENTRY_POINT = 'websecure';

/** routes.csv (RFC 4180, lines end with LF): what the world reaches first, then what only services reach. */
export function routesTable(subject: GuideSubject): string {
  const isPublic = ({ reach }: ServiceRoute): boolean => reach !== 'internal';
  const ordered = [...SERVICE_ROUTES.filter(isPublic), ...SERVICE_ROUTES.filter((route) => !isPublic(route))];
  return [HEADS, ...ordered.map((route) => rowOf(route, subject))]
    .map((cells) => `${cells.map(quoted).join(',')}\n`)
    .join('');
}

/** The path under which the world asks for a route. */
export function publicPath({ reach, path }: ServiceRoute): string {
  return reach === 'api' ? `${ROUTES.apiPrefix}${path}` : path;
}

function rowOf(route: ServiceRoute, subject: GuideSubject): string[] {
  const { topology } = subject;
  const isPublic = route.reach !== 'internal';
  return [
    isPublic ? `${topology.public.host}:${topology.public.port}` : hostOf(route, subject),
    isPublic ? publicPath(route) : route.path,
    route.method,
    isPublic ? ENTRY_POINT : '',
    route.service,
    portOf(route, topology),
    route.path,
    route.auth,
    timersOf(route, topology),
    route.note,
  ];
}

function hostOf({ service, listener }: ServiceRoute, { placement }: GuideSubject): string {
  if (service === 'x11vnc') return placement.rfb.advertise;
  const bind = listener === 'internalPort' ? placement.internalBind[service] : '';
  // An internal listener on loopback is reached from inside its own container or host alone.
  return bind === '127.0.0.1' ? bind : placement.dial[service];
}

function portOf({ service, listener }: ServiceRoute, topology: Topology): string {
  if (service === 'x11vnc') return spanOf(topology.runner.rfbPorts);
  return String(topology[service][listener === 'internalPort' ? 'internalPort' : 'port']);
}

/** Which clocks run, and what ends then. */
function timersOf(
  { kind, reach, service, listener }: ServiceRoute,
  { ingress, gateway, control, runner }: Topology,
): string {
  const dial = `dial ${timeOf(ingress.dialTimeoutMs)}`;
  switch (kind) {
    case 'socket':
      return [
        dial,
        `101 within ${timeOf(gateway.connectTimeoutMs + gateway.greetingTimeoutMs)}`,
        gateway.pingIntervalMs === 0
          ? `open: no pings, idle ${timeOf(gateway.idleTimeoutMs)}`
          : `open: ping ${timeOf(gateway.pingIntervalMs)}, no pong ${timeOf(gateway.readTimeoutMs)}, no byte taken ${timeOf(gateway.writeTimeoutMs)}`,
      ].join('; ');
    case 'picture':
      return `dial ${timeOf(gateway.connectTimeoutMs)}; greeting and password ${timeOf(gateway.greetingTimeoutMs)}; session idle ${timeOf(runner.idleTtlSeconds * 1_000)}`;
    case 'events':
      return 'open as long as both live';
    case 'answer':
      if (reach !== 'internal') return `${dial}; answer ${timeOf(ingress.responseHeaderTimeoutMs)}`;
      return service === 'runner' && listener === 'port'
        ? `answer ${timeOf(control.requestTimeoutSeconds * 1_000)}`
        : '';
  }
}

function quoted(cell: string): string {
  return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
