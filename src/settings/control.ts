import {
  type ConfigOf,
  bool,
  choice,
  count,
  defineSettings,
  filePath,
  host,
  json,
  list,
  millis,
  pathPrefix,
  port,
  seconds,
  text,
  url,
} from '../config/index.js';
import { NETWORKS, ORIGINS } from './forms.js';
import { type WorkerEntry, parseWorkers } from './workers.js';

/** What control remembers, below its state folder, and what a backup has put there to be taken over at the next start. */
export const CONTROL_MEMORY = { file: 'memory.json', restored: 'memory.restored.json' } as const;

/** The settings of `camofleet control`. */
export const controlSettings = defineSettings('control', {
  host: host({ env: 'CONTROL_HOST', default: '0.0.0.0', doc: 'Address that the public API and the page bind.' }),
  port: port({ env: 'CONTROL_PORT', default: 9000, doc: 'Port of the public API and the page; 0 picks a free one.' }),
  internalHost: host({
    env: 'CAMOFLEET_CONTROL_INTERNAL_HOST',
    default: '127.0.0.1',
    doc: 'Address of the internal listener (gateways, metrics).',
  }),
  internalPort: port({
    env: 'CAMOFLEET_CONTROL_INTERNAL_PORT',
    default: 9001,
    doc: 'Port of the internal listener; 0 picks a free one.',
  }),
  corsOrigins: list({
    env: 'CONTROL_CORS_ORIGINS',
    default: [],
    doc: 'Origins that browsers may call the API from.',
    items: ORIGINS,
  }),
  workers: json<readonly WorkerEntry[]>(
    {
      env: 'CONTROL_WORKERS',
      default: [],
      doc: 'Runners: `[{"name", "url", "supports_vnc", "vnc_ws", "vnc_http", "discover"}]`. With `"discover": true` the host of `url` is the name of all replicas (a service of Compose or Swarm, a headless service of Kubernetes): each address behind it is a runner called `name-address`, looked up every 5 s; one that has left the name and answers no more is forgotten.',
    },
    parseWorkers,
  ),
  listConcurrency: count({
    env: 'CONTROL_LIST_SESSIONS_CONCURRENCY',
    default: 8,
    min: 1,
    doc: 'Runners asked at a time when sessions are listed.',
  }),
  requestTimeoutSeconds: seconds({
    env: 'CONTROL_REQUEST_TIMEOUT',
    default: 30,
    min: 0.1,
    doc: 'Budget of one request to a runner.',
  }),
  publicApiPrefix: pathPrefix({
    env: 'CONTROL_PUBLIC_API_PREFIX',
    default: '',
    doc: 'Prepended to the paths of the API in public URLs, for example `/api`.',
  }),
  metricsPath: text({
    env: 'CONTROL_METRICS_ENDPOINT',
    default: '/metrics',
    doc: 'Path of the metrics on the internal listener.',
    form: { pattern: /^\/[^\s?#]+$/, want: 'a path like /metrics' },
  }),
  fleetId: text({ env: 'CAMOFLEET_CONTROL_FLEET_ID', default: '', doc: 'Fleet that tokens are made for (`aud`).' }),
  tokenKeysFile: filePath({
    env: 'CAMOFLEET_CONTROL_TOKEN_KEYS_FILE',
    default: '',
    doc: 'Key file of the tokens, mode 0600.',
  }),
  tokenTtlSeconds: seconds({
    env: 'CAMOFLEET_CONTROL_TOKEN_TTL_SECONDS',
    default: 300,
    min: 1,
    doc: 'How long a token may open a socket.',
  }),
  operatorKeyFile: filePath({
    env: 'CAMOFLEET_CONTROL_OPERATOR_KEY_FILE',
    default: '',
    doc: 'Key that callers of the API must show, mode 0600.',
  }),
  serviceKeyFile: filePath({
    env: 'CAMOFLEET_CONTROL_SERVICE_KEY_FILE',
    default: '',
    doc: 'Key between our own services, mode 0600.',
  }),
  stateDir: filePath({
    env: 'CAMOFLEET_CONTROL_STATE_DIR',
    default: '',
    doc: 'Folder for what a restart must not forget, mode 0700: revoked rights, redeemed tokens; empty: nothing outlives the process.',
  }),
  gatewaysUrl: url({
    env: 'CAMOFLEET_CONTROL_GATEWAYS_URL',
    default: '',
    doc: 'The gateways as the ingress reaches them, `http://NAME:PORT`: each address behind the name is one. Traefik then asks the internal listener for them (`providers.http`, path `/ingress/gateways`); empty: it is told of none.',
  }),
  gatewayHealthIntervalMs: millis({
    env: 'CAMOFLEET_CONTROL_GATEWAY_HEALTH_INTERVAL_MS',
    default: 1_000,
    min: 100,
    doc: 'Between two questions of the ingress to each of several gateways whether it takes new sockets.',
  }),
  gatewayHealthTimeoutMs: millis({
    env: 'CAMOFLEET_CONTROL_GATEWAY_HEALTH_TIMEOUT_MS',
    default: 500,
    min: 50,
    doc: 'A gateway that does not answer by then takes none.',
  }),
  publicHosts: list({
    env: 'CAMOFLEET_CONTROL_PUBLIC_ORIGINS',
    default: [],
    doc: 'Public origins of the fleet (`https://host[:port]`); mutations from pages must come from one of them.',
    items: ORIGINS,
  }),
  loopbackIngress: bool({
    env: 'CAMOFLEET_CONTROL_LOOPBACK_INGRESS',
    default: false,
    doc: 'True when the ingress itself is bound to loopback: then a Host of localhost needs no operator key.',
  }),
  trustedProxies: list({
    env: 'CAMOFLEET_CONTROL_TRUSTED_PROXIES',
    default: [],
    doc: 'Addresses or CIDR of proxies whose X-Forwarded-* are believed.',
    items: NETWORKS,
  }),
  logLevel: choice(['debug', 'info', 'warn', 'error'], {
    env: 'CAMOFLEET_CONTROL_LOG_LEVEL',
    default: 'info',
    doc: 'Least level that is logged.',
  }),
});

export type ControlConfig = ConfigOf<typeof controlSettings>;
