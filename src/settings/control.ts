import {
  type ConfigOf,
  choice,
  count,
  defineSettings,
  filePath,
  json,
  list,
  port,
  seconds,
  text,
} from '../config/index.js';

/** One runner of `CONTROL_WORKERS`; the override templates hold `{id}`, `{host}` and `{port}`. */
export interface WorkerEntry {
  readonly name: string;
  readonly url: string;
  readonly supportsVnc: boolean;
  readonly vncWs?: string;
  readonly vncHttp?: string;
}

/** The settings of `camofleet control`. */
export const controlSettings = defineSettings('control', {
  host: text({ env: 'CONTROL_HOST', default: '0.0.0.0', doc: 'Address that the public API and the page bind.' }),
  port: port({ env: 'CONTROL_PORT', default: 9000, doc: 'Port of the public API and the page; 0 picks a free one.' }),
  internalHost: text({
    env: 'CAMOFLEET_CONTROL_INTERNAL_HOST',
    default: '127.0.0.1',
    doc: 'Address of the internal listener (gateways, metrics).',
  }),
  internalPort: port({
    env: 'CAMOFLEET_CONTROL_INTERNAL_PORT',
    default: 9001,
    doc: 'Port of the internal listener; 0 picks a free one.',
  }),
  corsOrigins: list({ env: 'CONTROL_CORS_ORIGINS', default: [], doc: 'Origins that browsers may call the API from.' }),
  workers: json<readonly WorkerEntry[]>(
    { env: 'CONTROL_WORKERS', default: [], doc: 'Runners: `[{"name", "url", "supports_vnc", "vnc_ws", "vnc_http"}]`.' },
    parseWorkers,
  ),
  listConcurrency: count({
    env: 'CONTROL_LIST_SESSIONS_CONCURRENCY',
    default: 8,
    doc: 'Runners asked at a time when sessions are listed.',
  }),
  requestTimeoutSeconds: seconds({
    env: 'CONTROL_REQUEST_TIMEOUT',
    default: 30,
    doc: 'Budget of one request to a runner.',
  }),
  publicApiPrefix: text({
    env: 'CONTROL_PUBLIC_API_PREFIX',
    default: '',
    doc: 'Prepended to the paths of the API in public URLs, for example `/api`.',
  }),
  metricsPath: text({
    env: 'CONTROL_METRICS_ENDPOINT',
    default: '/metrics',
    doc: 'Path of the metrics on the internal listener.',
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
  publicHosts: list({
    env: 'CAMOFLEET_CONTROL_PUBLIC_ORIGINS',
    default: [],
    doc: 'Public origins of the fleet (`https://host[:port]`); mutations from pages must come from one of them.',
  }),
  loopbackIngress: choice(['yes', 'no'], {
    env: 'CAMOFLEET_CONTROL_LOOPBACK_INGRESS',
    default: 'no',
    doc: '`yes` when the ingress itself is bound to loopback: then a Host of localhost needs no operator key.',
  }),
  trustedProxies: list({
    env: 'CAMOFLEET_CONTROL_TRUSTED_PROXIES',
    default: [],
    doc: 'Addresses or CIDR of proxies whose X-Forwarded-* are believed.',
  }),
  logLevel: choice(['debug', 'info', 'warn', 'error'], {
    env: 'CAMOFLEET_CONTROL_LOG_LEVEL',
    default: 'info',
    doc: 'Least level that is logged.',
  }),
});

export type ControlConfig = ConfigOf<typeof controlSettings>;

const PLACEHOLDERS = new Set(['id', 'host', 'port']);

function parseWorkers(value: unknown): readonly WorkerEntry[] {
  if (!Array.isArray(value)) throw new Error('an array of {name, url, supports_vnc, vnc_ws, vnc_http}');
  const workers = value.map((entry: unknown, index) => parseWorker(entry, index));
  const names = workers.map((worker) => worker.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`each worker name once, ${JSON.stringify(twice)} is there twice`);
  return workers;
}

function parseWorker(entry: unknown, index: number): WorkerEntry {
  const record: Readonly<Record<string, unknown>> = typeof entry === 'object' && entry !== null ? { ...entry } : {};
  const { name, url, supports_vnc: supportsVnc, vnc_ws: vncWs, vnc_http: vncHttp } = record;
  if (typeof name !== 'string' || name === '') throw new Error(`a name for worker ${index + 1}`);
  if (typeof url !== 'string' || !URL.canParse(url)) throw new Error(`a URL for worker ${JSON.stringify(name)}`);
  return {
    name,
    url,
    supportsVnc: supportsVnc !== false,
    ...optionalTemplate('vncWs', name, 'vnc_ws', vncWs, ['ws:', 'wss:']),
    ...optionalTemplate('vncHttp', name, 'vnc_http', vncHttp, ['http:', 'https:']),
  };
}

/** A template that cannot be honoured is an error at start with its position, never a silently published address. */
function optionalTemplate<K extends string>(
  key: K,
  worker: string,
  label: string,
  value: unknown,
  protocols: readonly string[],
): Partial<Record<K, string>> {
  if (value === undefined || value === null || value === '') return {};
  const where = `${label} of worker ${JSON.stringify(worker)}`;
  if (typeof value !== 'string') throw new Error(`text as ${where}`);
  for (const match of value.matchAll(/\{([^}]*)\}?/g)) {
    if (!match[0].endsWith('}')) throw new Error(`a closing } in ${where} for the { at character ${match.index + 1}`);
    if (!PLACEHOLDERS.has(match[1] ?? ''))
      throw new Error(`only {id}, {host} and {port} in ${where}, not ${match[0]} at character ${match.index + 1}`);
  }
  if (!/\{id\}/.test(value)) throw new Error(`{id} in ${where}, got ${JSON.stringify(value)}`);
  const sample = value.replaceAll('{id}', 'id').replaceAll('{host}', 'host').replaceAll('{port}', '1');
  if (!URL.canParse(sample) || !protocols.includes(new URL(sample).protocol))
    throw new Error(
      `${where} to begin with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}, got ${JSON.stringify(value)}`,
    );
  return { [key]: value } as Partial<Record<K, string>>;
}
