import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { parse, stringify } from 'yaml';
import { CONTAINER_USER, composeProject } from './compose-state.js';
import type { Topology } from './model.js';
import { swarmPlacement } from './placement.js';
import { renderCompose } from './render-compose.js';
import type { Template } from './templates.js';

/** Where the stack file lies, below the root of the fleet. */
export const STACK_FILE = 'stack.yaml';

/** The stack file of a fleet: the Compose file in the words of Swarm, which the docker command line alone reads. */
export function renderSwarm(topology: Topology, template: Template, traefik: TraefikFiles, version: string): string {
  const compose = parse(renderCompose(topology, template, version, swarmPlacement(topology)), {
    merge: true,
  }) as Compose;
  const project = composeProject(topology);
  const services = Object.entries(compose.services).map(([name, service]) => [
    name,
    stackService(name, service, topology),
  ]);
  const stack = {
    version: '3.9',
    services: Object.fromEntries(services),
    networks: networks(compose, topology),
    secrets: secrets(compose, project),
    configs: configs(project, traefik),
  };
  return `${HEADER}${stringify(stack, { lineWidth: 0, aliasDuplicateObjects: false, flowCollectionPadding: true })}`;
}

/** Traefik's two files, which lie beside the stack file. */
export interface TraefikFiles {
  readonly static: { readonly path: string; readonly text: string };
  readonly dynamic: { readonly path: string; readonly text: string };
}

const HEADER = `# Rendered from camofleet.yaml by \`camofleet render --engine swarm\`. Do not edit: change the topology, or eject the templates.
#
# \`camofleet up --engine swarm\` deploys it. Traefik and control write to this host, so they stay on it; gateways and runners
# run where there is room. No address of a service stands between them: names lead to the replicas themselves.
`;

interface ComposeService {
  readonly [key: string]: unknown;
  readonly user?: unknown;
  readonly tmpfs?: readonly string[];
  readonly shm_size?: string;
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly networks?: unknown;
  readonly deploy?: Readonly<Record<string, unknown>>;
}
interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

/** What the engine says when it deploys; by itself the user of the images. */
const UID = `\${CAMOFLEET_UID:-${CONTAINER_USER.uid}}`;
const GID = `\${CAMOFLEET_GID:-${CONTAINER_USER.gid}}`;
const NODE = '${CAMOFLEET_NODE:?is the id of this node, which camofleet up knows}';
/** Services that one host's files belong to. */
const STAYS: readonly string[] = ['traefik', 'control'];
/** Services of which there may be several. */
const SCALES: readonly string[] = ['gateway', 'runner'];
const OWNER_READS = 0o400;
const ALL_READ = 0o444;

/** Swarm has no words for these: it orders, restarts and confines in its own way. */
const COMPOSE_ONLY = [
  'restart',
  'depends_on',
  'security_opt',
  'shm_size',
  'tmpfs',
  'ports',
  'volumes',
  'secrets',
  'user',
];

function stackService(name: string, service: ComposeService, topology: Topology): object {
  const kept = Object.fromEntries(Object.entries(service).filter(([key]) => !COMPOSE_ONLY.includes(key)));
  const { port } = topology.public;
  return {
    ...kept,
    ...(service.user !== undefined && { user: `${UID}:${GID}` }),
    ...(name === 'traefik' && {
      // At the host itself: Swarm's own way in forgets connections that are silent, and hides who calls.
      ports: [{ target: port, published: port, protocol: 'tcp', mode: 'host' }],
      configs: [
        { source: 'traefik-static', target: STATIC_FILE, mode: ALL_READ },
        { source: 'traefik-dynamic', target: `${DYNAMIC_FOLDER}/camofleet.yaml`, mode: ALL_READ },
      ],
    }),
    ...(service.secrets && {
      secrets: service.secrets.map((source) => ({ source, target: source, uid: UID, gid: GID, mode: OWNER_READS })),
    }),
    ...(name === 'runner' && { healthcheck: { ...asRecord(service['healthcheck']), test: answers(topology) } }),
    volumes: volumes(service),
    deploy: deploy(name, service),
  };
}

/**
 * Swarm kills what is unhealthy, and with a runner every session of it: here a runner is well as long as it answers. What
 * the image's own check would say is in its log.
 */
function answers({ runner }: Topology): readonly string[] {
  const url = `http://127.0.0.1:${runner.internalPort}/metrics`;
  const script = `fetch('${url}').then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status)))`;
  return ['CMD', 'node', '--eval', script];
}

function asRecord(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

const STATIC_FILE = '/etc/traefik/traefik.yaml';
const DYNAMIC_FOLDER = '/etc/traefik/dynamic';

/** Folders of this host, and memory for what Compose has words of its own. Traefik's files are configs here. */
function volumes({ volumes: mounts = [], tmpfs = [], shm_size: shared }: ComposeService): readonly object[] {
  const binds = mounts
    .map((mount) => mount.split(':'))
    .filter(([, target = '']) => dirname(target) !== dirname(DYNAMIC_FOLDER))
    .map(([source, target]) => ({ type: 'bind', source, target }));
  const memory = tmpfs.map((target) => ({ type: 'tmpfs', target }));
  return [...binds, ...memory, ...(shared === undefined ? [] : [{ ...SHARED, tmpfs: { size: bytes(shared) } }])];
}

const SHARED = { type: 'tmpfs', target: '/dev/shm' } as const;

/** `1g` in bytes. */
function bytes(size: string): number {
  const unit = { k: 1_024, m: 1_048_576, g: 1_073_741_824 }[size.slice(-1).toLowerCase()];
  return Number.parseInt(size, 10) * (unit ?? 1);
}

function deploy(name: string, service: ComposeService): object {
  return {
    ...service.deploy,
    ...(SCALES.includes(name) && { replicas: `\${CAMOFLEET_${name.toUpperCase()}_REPLICAS:-1}` }),
    endpoint_mode: 'dnsrr',
    ...(STAYS.includes(name) && { placement: { constraints: [`node.id == ${NODE}`] } }),
    restart_policy: { condition: 'any', delay: '2s' },
    // A new gateway is healthy before an old one goes; of the others there is one, or its sessions go with it.
    update_config: {
      parallelism: 1,
      order: name === 'gateway' ? 'start-first' : 'stop-first',
      failure_action: 'pause',
    },
  };
}

/** Between hosts what is said is encrypted: RFB and the keys of services are not, by themselves. */
function networks({ networks: all }: Compose, { swarm }: Topology): object {
  return Object.fromEntries(
    Object.entries(all).map(([name, network]) => [
      name,
      {
        driver: 'overlay',
        ...(network?.internal && { internal: true, driver_opts: { encrypted: '' } }),
        ...(name === 'rfb' && { ipam: { config: [{ subnet: swarm.rfbNetwork }] } }),
      },
    ]),
  );
}

/** Swarm's secrets never change: another text is another secret, told by what the engine says of it. */
function secrets({ secrets: all }: Compose, project: string): object {
  return Object.fromEntries(
    Object.entries(all).map(([name, { file }]) => [
      name,
      { file, name: `${project}_${name}_\${${secretVariable(name)}:-by-hand}` },
    ]),
  );
}

/** The variable that names the version of a secret. */
export function secretVariable(name: string): string {
  return `CAMOFLEET_SECRET_${name.toUpperCase().replaceAll('-', '_')}`;
}

/** What tells two texts of a secret or a config apart. */
export function textVersion(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

function configs(project: string, traefik: TraefikFiles): object {
  const config = (name: string, { path, text }: TraefikFiles['static']): object => ({
    [name]: { file: `./${path}`, name: `${project}_${name}_${textVersion(text)}` },
  });
  return { ...config('traefik-static', traefik.static), ...config('traefik-dynamic', traefik.dynamic) };
}
