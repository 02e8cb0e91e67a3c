import { isIP } from 'node:net';
import { z } from 'zod';
import { LOG_LEVELS, isHost, urlHost } from '../core/index.js';
import { BROWSER_NAME, NAME, NETWORKS, ORIGINS, RESOLUTION, SUBNET } from '../settings/index.js';

/**
 * THE model: the one place for hosts, ports, paths, timeouts, trust and id ranges. `camofleet.yaml` is its file;
 * everything else is rendered from it. Every key has a default, so that the smallest file is `version: 1`. `want` says
 * in words what a value must be.
 */

const portNumber = z.int().min(1).max(65_535).meta({ want: 'a port from 1 to 65535' });
const idNumber = portNumber.meta({ want: 'a number from 1 to 65535' });
const MAX_MS = 2_147_483_647;
const millis = (min = 1) =>
  z
    .int()
    .min(min)
    .max(MAX_MS)
    .meta({ want: `a whole number of milliseconds from ${min} to ${MAX_MS}` });
const seconds = (min: number) =>
  z
    .number()
    .min(min)
    .max(MAX_MS / 1_000)
    .meta({ want: `a number of seconds, ${min} or more` });
const whole = (min: number) =>
  z
    .int()
    .min(min)
    .meta({ want: `a whole number, ${min} or more` });
const text = z.string().meta({ want: 'text' });
const name = z.string().regex(NAME.pattern).meta({ want: NAME.want });
const hostName = z.string().refine(isHost).meta({ want: 'a host name or an IP address, without port and brackets' });
const isAddress = (text: string): boolean => isIP(text) !== 0;
const networks = z.array(z.string().refine(NETWORKS.test).meta({ want: NETWORKS.want }));
const oneOf = <const T extends string>(options: readonly T[]) =>
  z.enum(options).meta({ want: `one of ${options.join(', ')}` });

const span = (limit: z.ZodInt, min: number, max: number) =>
  z
    .strictObject({
      min: limit.default(min).describe('The first, included.'),
      max: limit.default(max).describe('The last, included.'),
    })
    .refine((range) => range.min <= range.max)
    .meta({ want: 'a range whose min is not above its max' })
    .prefault({});

const listener = (port: number, internalPort: number) => ({
  port: portNumber.default(port).describe('The listener that the ingress or other services dial.'),
  internalPort: portNumber.default(internalPort).describe('Metrics and administration; no public route reaches it.'),
});

/** What one container may take; an engine of processes has no such bounds. */
const bounds = (memoryMb: number, cpus: number, pids: number) =>
  z
    .strictObject({
      memoryMb: whole(32).default(memoryMb).describe('Memory of one container, in MiB.'),
      cpus: z
        .number()
        .min(0.05)
        .meta({ want: 'a number of cores, 0.05 or more' })
        .default(cpus)
        .describe('Cores of one container; not more than the host has.'),
      pids: whole(32).default(pids).describe('Processes and threads of one container.'),
    })
    .prefault({});

const browser = z.strictObject({
  command: z
    .array(text)
    .min(1)
    .meta({ want: 'a list of the program and its arguments' })
    .describe('Program and arguments; {profile}, {url}, {width} and {height} are filled in.'),
  playwright: z
    .boolean()
    .meta({ want: 'true or false' })
    .default(false)
    .describe('The command is a Playwright server; the endpoint that it prints is handed out as ws_endpoint.'),
});

/** Where `up` can start a fleet. */
export const ENGINES = ['local', 'compose', 'swarm'] as const;
export type EngineName = (typeof ENGINES)[number];

export const topologySchema = z.strictObject({
  version: z.literal(1).meta({ want: '1' }).default(1).describe('Version of this format.'),
  engine: oneOf(ENGINES).default('local').describe('Where `up` starts the fleet, unless --engine says otherwise.'),
  logLevel: oneOf(LOG_LEVELS).default('info').describe('Least level that gateway, runner and control log.'),
  fleet: z.strictObject({ id: name.default('camofleet').describe('Tokens are made for it.') }).prefault({}),
  public: z
    .strictObject({
      host: hostName.default('localhost').describe('The name that viewers type; every public URL carries it.'),
      port: portNumber.default(8443).describe('The port that viewers reach.'),
      httpPort: portNumber
        .optional()
        .describe(
          'Pages that are asked for here are sent on to https, sockets never are; by Traefik. Unset: no such port.',
        ),
      bind: z
        .string()
        .refine((address) => isIP(address) !== 0)
        .meta({ want: 'an IP address like 127.0.0.1, 0.0.0.0 or ::' })
        .default('127.0.0.1')
        .describe('The address of this host at which the ingress is reached.'),
    })
    .prefault({}),
  tls: z
    .strictObject({
      mode: oneOf(['throwaway', 'files', 'acme'])
        .default('throwaway')
        .describe("throwaway: an authority of this fleet's own; files: certificate and key; acme: by Traefik."),
      certificate: text.optional().describe('PEM file with the chain, for `files`.'),
      key: text.optional().describe('PEM file, for `files`.'),
      email: z
        .string()
        .regex(/^[^@\s]+@[^@\s]+$/)
        .meta({ want: 'an e-mail address' })
        .optional()
        .describe('Account at the certificate authority, for `acme`.'),
    })
    .prefault({}),
  ingress: z
    .strictObject({
      kind: oneOf(['auto', 'traefik', 'embedded'])
        .default('auto')
        .describe('What `up` runs; auto: Traefik when it is on PATH.'),
      provider: oneOf(['file', 'docker'])
        .default('file')
        .describe(
          'Where Traefik on Compose has its routes from; docker: labels, and who takes Traefik over owns the host.',
        ),
      graceTimeoutMs: millis(0).default(10_000).describe('From SIGTERM until open sockets are cut.'),
      readTimeoutMs: millis().default(60_000).describe('Time to read a request; it does not end an open socket.'),
      dialTimeoutMs: millis().default(5_000).describe('A service that does not take the connection: 504 after it.'),
      responseHeaderTimeoutMs: millis()
        .default(35_000)
        .describe('A service that does not answer: 504 after it. It does not end an open socket.'),
      healthIntervalMs: millis(100)
        .default(1_000)
        .describe('Between two questions to each of several gateways whether it takes new sockets.'),
      healthTimeoutMs: millis(50).default(500).describe('A gateway that does not answer by then takes none.'),
      internalPort: portNumber
        .default(8082)
        .describe('Metrics and the answer to health checks, where Traefik runs in a container; never published.'),
      trustedProxies: networks
        .default([])
        .describe('Proxies in front of the ingress whose X-Forwarded-* are believed.'),
    })
    .prefault({}),
  gateway: z
    .strictObject({
      ...listener(6900, 6901),
      identity: oneOf(['token', 'open']).default('token').describe('open: numeric ids work without a token.'),
      pingIntervalMs: millis(0)
        .default(20_000)
        .describe('Time between WebSocket pings, at most a third of the shortest idle timer; 0 turns pings off.'),
      readTimeoutMs: millis().default(60_000).describe('No pong and no byte from the viewer for so long ends it.'),
      writeTimeoutMs: millis().default(15_000).describe('Not one byte leaves towards the viewer for so long ends it.'),
      idleTimeoutMs: millis().default(300_000).describe('Only with pings off: no byte either way for so long ends it.'),
      connectTimeoutMs: millis().default(5_000).describe('Budget of the TCP connect to the runner.'),
      greetingTimeoutMs: millis().default(5_000).describe('Budget of the RFB greeting and security handshake.'),
      shutdownGraceMs: millis(0).default(30_000).describe('From SIGTERM to the end.'),
      drainDelayMs: millis(0).default(5_000).describe('From SIGTERM until viewers are told to reconnect.'),
      maxSessions: whole(1).default(1_000).describe('Sockets at a time; beyond it 503.'),
      failedAttemptsPerMinute: whole(0).default(60).describe('Of one address before 429; 0 sets no limit.'),
      allowedOrigins: z
        .array(
          z
            .string()
            .refine((item) => item === '*' || ORIGINS.test(item))
            .meta({ want: `${ORIGINS.want}, or *` }),
        )
        .default([])
        .describe('Origins beside the public one that may open sockets; * allows all.'),
      frameAncestors: z.array(text).default(["'self'"]).describe('Who may frame the viewer page.'),
      webRange: span(idNumber, 6900, 6999).describe('Numeric ids of open identities, the same as runner.legacyIds.'),
      basePort: portNumber.default(5900).describe('RFB port of the first numeric id.'),
    })
    .prefault({}),
  runner: z
    .strictObject({
      name: name.default('runner-1').describe('`worker` in the API.'),
      hosts: z
        .array(z.string().refine(isAddress).meta({ want: 'an IP address' }))
        .default([])
        .describe('Compose on many hosts: private addresses of those on which runners stand. Empty: this host.'),
      ...listener(8070, 8071),
      displays: span(whole(0), 100, 199).describe('X displays, both ends included. A session takes one.'),
      rfbPorts: span(portNumber, 5900, 5999).describe('RFB ports, both ends included. A session takes one.'),
      legacyIds: span(idNumber, 6900, 6999).describe('Numeric ids, both ends included; names, not listeners.'),
      resolution: z
        .string()
        .regex(RESOLUTION.pattern)
        .meta({ want: RESOLUTION.want })
        .default('1920x1080x24')
        .describe('Of a display, unless a session asks otherwise.'),
      idleTtlSeconds: seconds(0)
        .default(300)
        .describe('A session that nobody views or touches ends after it; 0 never.'),
      startupTimeoutSeconds: seconds(1).default(15).describe('Budget of one session from nothing to ServerInit.'),
      maxSessions: whole(1).default(20).describe('Sessions at a time; beyond it 503.'),
      prewarm: z
        .strictObject({
          vnc: whole(0).default(0).describe('Sessions with a picture that are kept ready.'),
          headless: whole(0).default(0).describe('Headless sessions that are kept ready.'),
        })
        .prefault({}),
      startUrl: text.default('about:blank').describe('First page of a browser.'),
      browsers: z
        .record(z.string().refine(BROWSER_NAME.test), browser)
        .prefault({
          chromium: {
            command: [
              'chromium',
              '--user-data-dir={profile}',
              '--no-first-run',
              '--disable-background-networking',
              '--disable-component-update',
              '--disable-sync',
              '--window-position=0,0',
              '--window-size={width},{height}',
              '{url}',
            ],
          },
          firefox: {
            command: [
              ...['firefox-esr', '--profile', '{profile}', '--no-remote'],
              ...['--width', '{width}', '--height', '{height}', '{url}'],
            ],
          },
        })
        .describe('Browsers by name. The API takes a name, never a command line.'),
      defaultBrowser: text.default('').describe('Empty: the first browser that is installed, else the test card.'),
    })
    .prefault({}),
  control: z
    .strictObject({
      ...listener(9000, 9001),
      localKey: z
        .enum(['required', 'spared'])
        .default('spared')
        .describe(
          'Whether the API asks for the operator key also on a loopback ingress. `required` on a host that others log in to.',
        ),
      tokenTtlSeconds: seconds(1).default(300).describe('How long a token may open a socket.'),
      requestTimeoutSeconds: seconds(1).default(30).describe('Budget of one request to a runner.'),
    })
    .prefault({}),
  containers: z
    .strictObject({
      healthIntervalMs: millis(1_000)
        .default(3_000)
        .describe('Between two looks at whether a container does its part.'),
      healthTimeoutMs: millis(1_000).default(5_000).describe('A look that takes longer counts as failed.'),
      traefik: bounds(512, 1, 200),
      gateway: bounds(1_024, 1, 200),
      control: bounds(512, 1, 200),
      runner: bounds(4_096, 2, 4_000),
    })
    .prefault({}),
  swarm: z
    .strictObject({
      rfbNetwork: z
        .string()
        .refine(SUBNET.test)
        .meta({ want: SUBNET.want })
        .default('10.213.213.0/24')
        .describe('The network that RFB is on: runners bind their address in it, and tokens lead nowhere else.'),
    })
    .prefault({}),
  edge: z
    .array(
      z.strictObject({
        name: text.describe('What stands there, for messages.'),
        idleTimeoutMs: millis(1_000).describe('Its idle timer: pings must be at most a third of it.'),
      }),
    )
    .default([])
    .describe('What stands in front of the ingress.'),
});

export type Topology = z.output<typeof topologySchema>;

/** Public routes, and no others (spec section 2). The prefixes are facts of the product, not settings. */
export const ROUTES = {
  viewerPrefix: '/vnc/',
  assetsPrefix: '/vnc/~assets/',
  socketPath: '/websockify',
  apiPrefix: '/api',
  uiPrefix: '/ui',
} as const;

/** Where the gateway says whether it takes new sockets: 200, or 503 from the moment it drains. */
export const READY_PATH = '/readyz';

/** Names of the services as engines start them and hosts as Compose resolves them. */
export const SERVICE_HOSTS = { traefik: 'traefik', gateway: 'gateway', runner: 'runner', control: 'control' } as const;

/** The name of gateways on the network of the ingress; each replica answers to it with its own address. */
export const GATEWAY_ALIAS = 'gateway-edge';

/** The name of control on the network of the ingress: its API is there, and not where runners are. */
export const CONTROL_ALIAS = 'control-edge';

/** The name of runners on the network that RFB is on; each replica answers to it with its own address. */
export const RFB_ALIAS = 'runner-rfb';

/** `https://host[:port]` of the fleet, as browsers write an origin. */
export function publicOrigin(topology: Pick<Topology, 'public'>): string {
  const { host, port } = topology.public;
  return new URL(`https://${urlHost(host)}:${port}`).origin;
}

/** The template of `vnc.ws`: in a query `{id}` becomes the token. */
export function socketTemplate(topology: Topology): string {
  return `${publicOrigin(topology).replace(/^https/, 'wss')}${ROUTES.socketPath}?token={id}`;
}

/** The template of `vnc.http`: in a path `{id}` is the public session id; the token is appended as a fragment. */
export function pageTemplate(topology: Topology): string {
  return `${publicOrigin(topology)}${ROUTES.viewerPrefix}{id}`;
}
