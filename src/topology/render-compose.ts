import { hash } from 'node:crypto';
import { dirname } from 'node:path';
import { urlHost } from '../core/index.js';
import { COMPOSE_STATE, CONTAINER_USER, composeProject, composeSecrets } from './compose-state.js';
import { duration } from './duration.js';
import { serviceEnvironment } from './environment.js';
import { Form } from './form.js';
import { imageName } from './image-names.js';
import { CONTROL_ALIAS, GATEWAY_ALIAS, RFB_ALIAS, type Topology } from './model.js';
import { type Placement, composePlacement } from './placement.js';
import type { Template } from './templates.js';
import type { Labels, ServiceLabels } from './traefik-labels.js';

const TRAEFIK_IMAGE = 'traefik:v3.7';
/** A digest of the static file. */
const STATIC_LABEL = 'camofleet.static';
const DIGEST_LENGTH = 16;
const STATIC_FILE = '/etc/traefik/traefik.yaml';
/** A container's stop grace is longer than its program's own by this. */
const STOP_MARGIN_MS = 5_000;
/** For browsers, x11vnc and Xvfb, one after the other. */
const RUNNER_GRACE_MS = 15_000;
/** Whom `camofleet up` starts containers as. */
const USER = `\${CAMOFLEET_USER:-${CONTAINER_USER.uid}:${CONTAINER_USER.gid}}`;

/** Who may reach Docker, which `camofleet up` looks up at its socket, and where that is. */
const DOCKER_GROUP =
  '${CAMOFLEET_DOCKER_GROUP:?is the group of the socket of Docker: stat --format %g /var/run/docker.sock}';
const DOCKER_SOCKET = '${CAMOFLEET_DOCKER_SOCKET:-/var/run/docker.sock}';

const CONTROL_ALIASES = ['services', 'control', 'networks', 'edge', 'aliases'];

/** What else follows from the topology, and is in the Compose file. */
interface RenderedTraefik {
  /** Where Traefik has its routes from labels. */
  readonly routes?: ServiceLabels | undefined;
  /** Its static file: it is read at the start alone, and so a change of it makes another container. */
  readonly traefik?: string;
}

/** The Compose file of a fleet. Services that an ejected template left out stay out. */
export function renderCompose(
  topology: Topology,
  template: Template,
  version: string,
  placement: Placement = composePlacement(topology),
  { routes, traefik }: RenderedTraefik = {},
): string {
  const form = new Form(template);
  // A template that was ejected may not have the name.
  const placed = form.has(...CONTROL_ALIASES) ? placement : { ...placement, controlBind: placement.bind };
  const isSpread = placement.runnerHosts.length > 0;
  form.set(['name'], composeProject(topology));
  if (form.has('x-service')) form.set(['x-service', 'user'], USER);
  if (form.has('x-health')) {
    form.set(['x-health', 'interval'], duration(topology.containers.healthIntervalMs));
    form.set(['x-health', 'timeout'], duration(topology.containers.healthTimeoutMs));
  }
  if (form.has('services', 'traefik')) fillTraefik(form, topology, placement);
  if (form.has('services', 'traefik') && traefik !== undefined)
    form.set(['services', 'traefik', 'labels'], { [STATIC_LABEL]: hash('sha256', traefik).slice(0, DIGEST_LENGTH) });
  for (const service of ['gateway', 'control', 'runner'] as const) {
    if (!form.has('services', service)) continue;
    const environment = serviceEnvironment(service, topology, placed);
    form.set(['services', service, 'image'], imageName(service, version));
    form.set(['services', service, 'environment'], {
      ...Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, literal(value)])),
      ...(service === 'runner' && isSpread && { CAMOFLEET_RUNNER_PUBLISHED_HOST: OWN_HOST }),
    });
    form.set(['services', service, 'deploy'], limits(topology, service));
  }
  if (form.has('services', 'gateway'))
    form.set(['services', 'gateway', 'stop_grace_period'], duration(topology.gateway.shutdownGraceMs + STOP_MARGIN_MS));
  if (form.has('services', 'runner'))
    form.set(['services', 'runner', 'stop_grace_period'], duration(RUNNER_GRACE_MS + STOP_MARGIN_MS));
  const control = ['services', 'control'];
  if (form.has(...control))
    form.set([...control, 'volumes'], [`./${COMPOSE_STATE.control}:${placement.files.controlState}`]);
  const aliases = ['services', 'runner', 'networks', 'rfb', 'aliases'];
  if (form.has(...aliases)) form.set(aliases, [RFB_ALIAS]);
  if (isSpread) spread(form, topology);
  if (form.has(...CONTROL_ALIASES)) form.set(CONTROL_ALIASES, [CONTROL_ALIAS]);
  const gateways = ['services', 'gateway', 'networks', 'edge', 'aliases'];
  if (form.has(...gateways)) form.set(gateways, [GATEWAY_ALIAS]);
  for (const [service, labels] of Object.entries<Labels>({ ...routes }))
    if (form.has('services', service))
      form.set(
        ['services', service, 'labels'],
        Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, literal(value)])),
      );
  form.set(['secrets'], secrets(topology));
  return form.toString();
}

function fillTraefik(form: Form, topology: Topology, { ingress, labels }: Placement): void {
  const { port, httpPort, bind } = topology.public;
  const traefik = ['services', 'traefik'];
  const acme = topology.tls.mode === 'acme';
  form.set([...traefik, 'image'], TRAEFIK_IMAGE);
  form.set([...traefik, 'command'], [`--configFile=${STATIC_FILE}`]);
  form.set(
    [...traefik, 'ports'],
    [port, ...(httpPort === undefined ? [] : [httpPort])].map((one) => `${urlHost(bind)}:${one}:${one}`),
  );
  form.set(
    [...traefik, 'volumes'],
    [
      `./traefik/traefik.yaml:${STATIC_FILE}:ro`,
      `./traefik/dynamic:${ingress.dynamicFolder}:ro`,
      `./${COMPOSE_STATE.logs}:${dirname(ingress.accessLog)}`,
      ...(acme ? [`./${COMPOSE_STATE.acme}:${dirname(ingress.acmeStorage)}`] : []),
      ...(labels ? [`${DOCKER_SOCKET}:/var/run/docker.sock:ro`] : []),
    ],
  );
  if (labels) form.set([...traefik, 'group_add'], [DOCKER_GROUP]);
  const check = ['CMD', 'traefik', 'healthcheck', `--configFile=${STATIC_FILE}`];
  if (form.has(...traefik, 'healthcheck')) form.set([...traefik, 'healthcheck', 'test'], check);
  form.set([...traefik, 'stop_grace_period'], duration(topology.ingress.graceTimeoutMs + STOP_MARGIN_MS));
  form.set([...traefik, 'deploy'], limits(topology, 'traefik'));
  if (acme) form.remove(...traefik, 'secrets');
}

/** What runs on the host that viewers reach, and what on each host of runners. */
export const PROFILES = { main: 'main', runner: 'runner' } as const;
/** Of the host that runs the profile `runner`, in its `.env`: which of `runner.hosts` it is. */
const OWN_HOST = '${CAMOFLEET_RUNNER_HOST:-127.0.0.1}';

/** Runners on hosts of their own: no network is shared with them, so that their ports are published, at one address. */
function spread(form: Form, { runner }: Topology): void {
  for (const service of ['traefik', 'gateway', 'control'])
    if (form.has('services', service)) form.set(['services', service, 'profiles'], [PROFILES.main]);
  if (form.has('services', 'gateway', 'networks', 'rfb')) form.remove('services', 'gateway', 'networks', 'rfb');
  if (form.has('services', 'control', 'depends_on', 'runner'))
    form.set(['services', 'control', 'depends_on', 'runner', 'required'], false);
  if (form.has('networks', 'rfb')) form.remove('networks', 'rfb');
  const own = ['services', 'runner'];
  if (!form.has(...own)) return;
  const { min, max } = runner.rfbPorts;
  form.set([...own, 'profiles'], [PROFILES.runner]);
  form.set([...own, 'networks'], { egress: { aliases: [RFB_ALIAS] } });
  form.set([...own, 'ports'], [`${OWN_HOST}:${runner.port}:${runner.port}`, `${OWN_HOST}:${min}-${max}:${min}-${max}`]);
}

function limits({ containers }: Topology, service: 'traefik' | 'gateway' | 'control' | 'runner'): object {
  const { memoryMb, cpus, pids } = containers[service];
  return { resources: { limits: { memory: `${memoryMb}M`, cpus: String(cpus), pids } } };
}

function secrets(topology: Topology): Record<string, { file: string }> {
  return Object.fromEntries(composeSecrets(topology).map(({ name, to }) => [name, { file: `./${to}` }]));
}

/** Compose replaces `$NAME`; `$$` is a dollar. */
function literal(value: string): string {
  return value.replaceAll('$', '$$$$');
}
