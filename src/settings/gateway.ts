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
  port,
  range,
  text,
  url,
} from '../config/index.js';
import { VALID_ID } from '../core/index.js';
import { NAME, NETWORKS, ORIGINS, TARGETS } from './forms.js';

/** One open identity of `VNC_MAP_JSON`. */
export interface MapEntry {
  readonly host: string;
  readonly port: number;
  readonly passwordFile?: string;
  readonly viewOnly: boolean;
}

/** The settings of `camofleet gateway`. */
export const gatewaySettings = defineSettings(
  'gateway',
  {
    host: host({ env: 'HTTP_HOST', default: '0.0.0.0', doc: 'Address that the public listener binds.' }),
    port: port({ env: 'HTTP_PORT', default: 6900, doc: 'Port of the public listener; 0 picks a free one.' }),
    tlsCertificate: filePath({
      env: 'CAMOFLEET_GATEWAY_TLS_CERT_FILE',
      default: '',
      doc: 'PEM file of the chain: the public listener then speaks TLS, for deployments without an ingress. Read again when it changes.',
    }),
    tlsKey: filePath({
      env: 'CAMOFLEET_GATEWAY_TLS_KEY_FILE',
      default: '',
      doc: 'PEM file of the private key that belongs to the certificate.',
    }),
    internalHost: host({
      env: 'CAMOFLEET_GATEWAY_INTERNAL_HOST',
      default: '127.0.0.1',
      doc: 'Address of the internal listener (metrics, admin).',
    }),
    internalPort: port({
      env: 'CAMOFLEET_GATEWAY_INTERNAL_PORT',
      default: 6901,
      doc: 'Port of the internal listener; 0 picks a free one.',
    }),
    workers: text({
      env: 'CAMOFLEET_GATEWAY_WORKERS',
      default: '1',
      doc: 'Processes that share the public port: a number, or `auto` for one a core. Limits and metrics are those of all; control knows each as `id.1`, `id.2` and so on.',
      form: { pattern: /^(?:auto|[1-9]\d?)$/, want: 'a number from 1 to 99, or auto' },
    }),
    gatewayId: text({
      env: 'CAMOFLEET_GATEWAY_ID',
      default: '',
      doc: 'Name of this gateway towards the control plane, its own among replicas; empty: that of its host.',
      form: { pattern: new RegExp(`${NAME.pattern.source}|^$`), want: `${NAME.want}, or nothing` },
    }),
    reusePort: bool({
      env: 'CAMOFLEET_GATEWAY_REUSE_PORT',
      default: false,
      doc: 'Let a successor listen on the same ports meanwhile (Linux): a gateway that drains then leaves them at once, and new sockets open at the successor.',
    }),
    fleetId: text({
      env: 'CAMOFLEET_GATEWAY_FLEET_ID',
      default: '',
      doc: 'Fleet that tokens must be made for (`aud`).',
    }),
    tokenKeysFile: filePath({
      env: 'CAMOFLEET_GATEWAY_TOKEN_KEYS_FILE',
      default: '',
      doc: 'Key file of the tokens, mode 0600; without it no token is accepted.',
    }),
    allowedTargets: list({
      env: 'CAMOFLEET_GATEWAY_ALLOWED_TARGETS',
      default: [],
      doc: 'Where tokens may lead: `host:port` or `host:min-max`, hosts as names, addresses or CIDR. Empty allows nothing by token.',
      items: TARGETS,
    }),
    identity: choice(['token', 'open'], {
      env: 'CAMOFLEET_GATEWAY_IDENTITY',
      default: 'token',
      doc: 'Whether ids work without a token; `open` is said in the log and in `/readyz`. Ids that the map, the range or the default host name work in any case.',
    }),
    mapJson: json<ReadonlyMap<string, MapEntry>>(
      {
        env: 'VNC_MAP_JSON',
        default: new Map(),
        doc: 'Open identities: `{"6901": {"host": "runner-vnc", "port": 5901, "password_file": "…", "view_only": false}}`; keys are ids.',
      },
      parseMap,
    ),
    webRange: range({
      env: 'VNC_WEB_RANGE',
      default: { min: 6900, max: 6999 },
      doc: 'Numeric ids that are mapped to ports from `VNC_BASE_PORT` on; names, not listeners.',
    }),
    basePort: port({
      env: 'VNC_BASE_PORT',
      default: 5900,
      min: 1,
      doc: 'RFB port of the first id of `VNC_WEB_RANGE`.',
    }),
    defaultHost: text({
      env: 'VNC_DEFAULT_HOST',
      default: '',
      doc: 'Host that numeric ids lead to. Empty: no numeric ids.',
    }),
    pingIntervalMs: millis({
      env: 'WS_PING_INTERVAL_MS',
      default: 20_000,
      doc: 'Time between WebSocket pings; 0 turns pings off.',
    }),
    readTimeoutMs: millis({
      env: 'WS_READ_TIMEOUT_MS',
      default: 60_000,
      min: 1,
      doc: 'No pong and no byte from the viewer for so long: `viewer_lost`.',
    }),
    writeTimeoutMs: millis({
      env: 'WS_WRITE_TIMEOUT_MS',
      default: 15_000,
      min: 1,
      doc: 'Not one byte leaves towards the viewer for so long: `slow_viewer`. Keep it below the 20 s of x11vnc.',
    }),
    idleTimeoutMs: millis({
      env: 'TCP_IDLE_TIMEOUT_MS',
      default: 300_000,
      min: 1,
      doc: 'Only with pings off: no byte either way for so long: `idle`.',
    }),
    connectTimeoutMs: millis({
      env: 'TCP_CONNECT_TIMEOUT_MS',
      default: 5_000,
      min: 1,
      doc: 'Budget of the TCP connect to the runner.',
    }),
    greetingTimeoutMs: millis({
      env: 'CAMOFLEET_GATEWAY_GREETING_TIMEOUT_MS',
      default: 5_000,
      min: 1,
      doc: 'Budget of the RFB greeting and security handshake with the runner.',
    }),
    shutdownGraceMs: millis({
      env: 'SHUTDOWN_GRACE_MS',
      default: 30_000,
      doc: 'From SIGTERM to the end; viewers are told to reconnect within it.',
    }),
    drainDelayMs: millis({
      env: 'CAMOFLEET_GATEWAY_DRAIN_DELAY_MS',
      default: 5_000,
      doc: 'From SIGTERM to the first 1012; within it load balancers notice `/readyz`.',
    }),
    warmUpSessions: count({
      env: 'CAMOFLEET_GATEWAY_WARM_UP_SESSIONS',
      default: 500,
      max: 1_000,
      doc: 'Sessions that the gateway opens with itself, on loopback, before it listens, and shows pictures to some of them: the first rush of viewers then meets compiled code. Takes about a second; 0: none.',
    }),
    maxSessions: count({
      env: 'MAX_CONCURRENT_SESSIONS',
      default: 1_000,
      min: 1,
      doc: 'Sockets beyond this are answered 503 with Retry-After.',
    }),
    failedAttemptsPerMinute: count({
      env: 'CAMOFLEET_GATEWAY_FAILED_ATTEMPTS_PER_MINUTE',
      default: 60,
      doc: 'Failed attempts of one address a minute before 429; 0 sets no limit. Good tokens never count, and are let in all the same.',
    }),
    allowedOrigins: list({
      env: 'CAMOFLEET_GATEWAY_ALLOWED_ORIGINS',
      default: [],
      doc: 'Origins beside the own host that may open sockets, as `https://host[:port]`; `*` allows all.',
      items: { test: (item) => item === '*' || ORIGINS.test(item), want: `${ORIGINS.want}, or *` },
    }),
    trustedProxies: list({
      env: 'CAMOFLEET_GATEWAY_TRUSTED_PROXIES',
      default: [],
      doc: 'Addresses or CIDR of proxies whose X-Forwarded-* and X-Request-Id are believed.',
      items: NETWORKS,
    }),
    frameAncestors: list({
      env: 'CAMOFLEET_GATEWAY_FRAME_ANCESTORS',
      default: ["'self'"],
      doc: 'Who may frame the viewer page (Content-Security-Policy `frame-ancestors`).',
    }),
    controlUrl: url({
      env: 'CAMOFLEET_GATEWAY_CONTROL_URL',
      default: '',
      doc: 'Internal listener of the control plane; empty runs on tokens alone.',
    }),
    serviceKeyFile: filePath({
      env: 'CAMOFLEET_GATEWAY_SERVICE_KEY_FILE',
      default: '',
      doc: 'Service key for the control plane, mode 0600.',
    }),
    accessibleMetrics: bool({
      env: 'CAMOFLEET_GATEWAY_METRICS',
      default: true,
      doc: 'Serve `/metrics` on the internal listener.',
    }),
    logLevel: choice(['debug', 'info', 'warn', 'error'], {
      env: 'LOG_LEVEL',
      default: 'info',
      doc: 'Least level that is logged.',
    }),
  },
  [
    {
      of: ['pingIntervalMs', 'readTimeoutMs'],
      broken: ({ pingIntervalMs, readTimeoutMs }) =>
        pingIntervalMs < readTimeoutMs
          ? undefined
          : `WS_PING_INTERVAL_MS must be below WS_READ_TIMEOUT_MS (${readTimeoutMs}), or every quiet viewer is lost, got ${pingIntervalMs}`,
    },
    {
      of: ['reusePort', 'workers'],
      broken: ({ reusePort, workers }) =>
        reusePort && workers !== '1'
          ? 'CAMOFLEET_GATEWAY_REUSE_PORT must be false where CAMOFLEET_GATEWAY_WORKERS share the port already'
          : undefined,
    },
    {
      of: ['tlsCertificate', 'tlsKey'],
      broken: ({ tlsCertificate, tlsKey }) =>
        (tlsCertificate === '') === (tlsKey === '')
          ? undefined
          : 'CAMOFLEET_GATEWAY_TLS_CERT_FILE and CAMOFLEET_GATEWAY_TLS_KEY_FILE must be set together, but one is empty',
    },
    {
      of: ['webRange', 'basePort'],
      broken: ({ webRange, basePort }) => {
        const last = webRange ? basePort + webRange.max - webRange.min : basePort;
        return last <= 65_535
          ? undefined
          : `VNC_BASE_PORT must leave room for VNC_WEB_RANGE below 65535, but its last id leads to port ${last}`;
      },
    },
  ],
);

export type GatewayConfig = ConfigOf<typeof gatewaySettings>;

function parseMap(value: unknown): ReadonlyMap<string, MapEntry> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('an object of id to {host, port}');
  return new Map(Object.entries(value).map(([id, entry]) => [checkedId(id), parseEntry(id, entry)]));
}

function checkedId(id: string): string {
  if (!VALID_ID.test(id)) throw new Error(`ids of [A-Za-z0-9_.-] only; ${JSON.stringify(id)} is none`);
  return id;
}

const ENTRY_KEYS = new Set(['host', 'port', 'password_file', 'view_only']);

function parseEntry(id: string, entry: unknown): MapEntry {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw new Error(`an object {host, port} for id ${JSON.stringify(id)}`);
  const record: Readonly<Record<string, unknown>> = { ...entry };
  const unknown = Object.keys(record).find((key) => !ENTRY_KEYS.has(key));
  if (unknown)
    throw new Error(`only ${[...ENTRY_KEYS].join(', ')} for id ${JSON.stringify(id)}, not ${JSON.stringify(unknown)}`);
  const { host, port: number, password_file: passwordFile, view_only: viewOnly } = record;
  if (typeof host !== 'string' || host === '') throw new Error(`a host for id ${JSON.stringify(id)}`);
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 1 || number > 65_535)
    throw new Error(`a port from 1 to 65535 for id ${JSON.stringify(id)}`);
  if (passwordFile !== undefined && typeof passwordFile !== 'string')
    throw new Error(`a path as password_file for id ${JSON.stringify(id)}`);
  if (viewOnly !== undefined && typeof viewOnly !== 'boolean')
    throw new Error(`true or false as view_only for id ${JSON.stringify(id)}`);
  return { host, port: number, viewOnly: viewOnly === true, ...(passwordFile !== undefined && { passwordFile }) };
}
