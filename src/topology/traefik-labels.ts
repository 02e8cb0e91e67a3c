import { composeProject } from './compose-state.js';
import { duration } from './duration.js';
import { READY_PATH, type Topology } from './model.js';

/** Of Traefik's dynamic file, what its Docker provider reads from labels. */
export interface HttpSection {
  readonly routers?: Readonly<Record<string, { readonly service?: string; readonly middlewares?: readonly string[] }>>;
  readonly middlewares?: Readonly<Record<string, unknown>>;
  readonly services?: Readonly<Record<string, { readonly loadBalancer?: object }>>;
}

export type Labels = Readonly<Record<string, string>>;

/** Labels of the services that routes lead to. */
export interface ServiceLabels {
  readonly gateway: Labels;
  readonly control: Labels;
}

/** Containers of other fleets, and of whoever else uses this Docker, are none of this Traefik's. */
export const FLEET_LABEL = 'camofleet.fleet';

/**
 * The routes of the dynamic file as labels of the containers that they lead to. The transport is declared in the file and
 * not here: Traefik takes it from there alone. A gateway is asked whether it takes sockets, however many there are.
 */
export function labelsOf(http: HttpSection, topology: Topology): ServiceLabels {
  const project = composeProject(topology);
  const { gateway, control, ingress } = topology;
  const common = { 'traefik.enable': 'true', 'traefik.docker.network': `${project}_edge`, [FLEET_LABEL]: project };
  const services = {
    gateway: {
      ...balancer(http, 'gateway', gateway.port),
      healthCheck: {
        path: READY_PATH,
        interval: duration(ingress.healthIntervalMs),
        timeout: duration(ingress.healthTimeoutMs),
      },
    },
    control: balancer(http, 'control', control.port),
  };
  const labels = (to: keyof typeof services): Labels => ({
    ...common,
    ...flat('traefik.http', { ...routesTo(to, http), services: { [to]: { loadBalancer: services[to] } } }),
  });
  return { gateway: labels('gateway'), control: labels('control') };
}

/** The routers that lead to a service, and the middlewares that they name. */
function routesTo(to: string, { routers = {}, middlewares = {} }: HttpSection): HttpSection {
  const own = Object.entries(routers).filter(([, { service }]) => service === to);
  const named = new Set(own.flatMap(([, router]) => router.middlewares ?? []));
  const used = Object.entries(middlewares).filter(([name]) => named.has(name));
  return { routers: Object.fromEntries(own), ...(used.length > 0 && { middlewares: Object.fromEntries(used) }) };
}

function balancer(http: HttpSection, name: string, port: number): object {
  const { servers: _servers, ...rest } = { servers: [], ...http.services?.[name]?.loadBalancer };
  return { ...rest, serversTransport: 'fleet@file', server: { port } };
}

/** `{a: {b: [1, 2]}}` below `x`: `x.a.b=1,2`. An empty section is switched on by its name. */
function flat(prefix: string, value: unknown): Labels {
  if (Array.isArray(value) && value.some((item) => typeof item === 'object'))
    return Object.assign({}, ...value.map((item, index) => flat(`${prefix}[${index}]`, item)));
  if (Array.isArray(value)) return { [prefix]: value.join(',') };
  if (typeof value !== 'object' || value === null) return { [prefix]: String(value) };
  const entries = Object.entries(value);
  if (entries.length === 0) return { [prefix]: 'true' };
  return Object.assign({}, ...entries.map(([name, below]) => flat(`${prefix}.${name}`, below)));
}
