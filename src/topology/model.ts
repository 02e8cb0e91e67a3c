import { z } from 'zod';

/**
 * THE model: the one place for hosts, ports, paths, timeouts, trust and id ranges. `camofleet.yaml` is its file;
 * everything else is rendered from it. Every key has a default, so that the smallest file is `version: 1`.
 */

const portNumber = z.int().min(1).max(65_535);
const millis = z.int().min(0).max(2_147_483_647);
const hostName = z.string().min(1).max(253);

const portRange = (min: number, max: number) =>
  z
    .strictObject({ min: portNumber.default(min), max: portNumber.default(max) })
    .prefault({})
    .describe('Both ends included.');

const listener = (port: number, internalPort: number) => ({
  port: portNumber.default(port),
  internalPort: portNumber.default(internalPort).describe('Metrics and administration; no public route reaches it.'),
});

export const topologySchema = z.strictObject({
  version: z.literal(1).default(1),
  fleet: z
    .strictObject({
      id: z
        .string()
        .regex(/^[A-Za-z0-9_.-]{1,64}$/)
        .default('camofleet')
        .describe('Tokens are made for it.'),
    })
    .prefault({}),
  public: z
    .strictObject({
      host: hostName.default('localhost').describe('The name that viewers type; every public URL carries it.'),
      port: portNumber.default(8443).describe('The port that viewers reach.'),
      bind: hostName.default('127.0.0.1').describe('The address that the ingress of the local engine binds.'),
    })
    .prefault({}),
  tls: z
    .strictObject({
      mode: z.enum(['throwaway', 'files', 'acme']).default('throwaway'),
      certificate: z.string().optional().describe('PEM file with the chain, for `files`.'),
      key: z.string().optional().describe('PEM file, for `files`.'),
      email: z.string().optional().describe('Account of the certificate authority, for `acme`.'),
    })
    .prefault({}),
  ingress: z
    .strictObject({
      kind: z.enum(['auto', 'traefik', 'embedded']).default('auto').describe('auto: Traefik when it is on PATH.'),
      graceTimeoutMs: millis.default(10_000).describe('From SIGTERM until Traefik cuts open sockets.'),
      dialTimeoutMs: millis.default(5_000),
      responseHeaderTimeoutMs: millis.default(15_000),
      trustedProxies: z
        .array(z.string())
        .default([])
        .describe('Proxies in front of the ingress whose X-Forwarded-* are believed.'),
    })
    .prefault({}),
  gateway: z
    .strictObject({
      ...listener(6900, 6901),
      identity: z.enum(['token', 'open']).default('token').describe('open: numeric ids work without a token.'),
      pingIntervalMs: millis.default(20_000),
      readTimeoutMs: millis.default(60_000),
      writeTimeoutMs: millis.default(15_000),
      idleTimeoutMs: millis.default(300_000).describe('Only with pings off.'),
      connectTimeoutMs: millis.default(5_000),
      greetingTimeoutMs: millis.default(5_000),
      shutdownGraceMs: millis.default(30_000),
      drainDelayMs: millis.default(5_000),
      maxSessions: z.int().min(1).default(1_000),
      failedAttemptsPerMinute: z.int().min(0).default(60),
      allowedOrigins: z.array(z.string()).default([]),
      frameAncestors: z.array(z.string()).default(["'self'"]),
      webRange: portRange(6900, 6999).describe('Numeric ids of open identities; they agree with runner.legacyIds.'),
      basePort: portNumber.default(5900).describe('RFB port of the first numeric id.'),
    })
    .prefault({}),
  runner: z
    .strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z0-9_.-]{1,64}$/)
        .default('runner-1'),
      ...listener(8070, 8071),
      displays: z.strictObject({ min: z.int().min(0).default(100), max: z.int().min(0).default(199) }).prefault({}),
      rfbPorts: portRange(5900, 5999),
      legacyIds: portRange(6900, 6999),
      resolution: z
        .string()
        .regex(/^\d{2,5}x\d{2,5}x(16|24)$/)
        .default('1920x1080x24'),
      idleTtlSeconds: z.number().min(0).default(300),
      startupTimeoutSeconds: z.number().min(1).default(15),
      maxSessions: z.int().min(1).default(20),
      startUrl: z.string().default('about:blank'),
      browsers: z
        .record(z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/), z.strictObject({ command: z.array(z.string()).min(1) }))
        .default({
          chromium: {
            command: [
              'chromium',
              '--user-data-dir={profile}',
              '--no-first-run',
              '--disable-background-networking',
              '--disable-component-update',
              '--disable-sync',
              '--start-maximized',
              '{url}',
            ],
          },
          firefox: { command: ['firefox-esr', '--profile', '{profile}', '--no-remote', '{url}'] },
        })
        .describe('Browsers by name; {profile} and {url} are filled in.'),
      defaultBrowser: z
        .string()
        .default('')
        .describe('Empty: the first browser that is installed, else the test card.'),
    })
    .prefault({}),
  control: z
    .strictObject({
      ...listener(9000, 9001),
      tokenTtlSeconds: z.number().min(1).default(300),
      requestTimeoutSeconds: z.number().min(1).default(30),
    })
    .prefault({}),
  edge: z
    .array(
      z.strictObject({
        name: z.string().describe('What stands in front of the ingress, for messages.'),
        idleTimeoutMs: millis.describe('Its idle timer: pings must be at most a third of it.'),
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

/** Names of the services as engines start them and hosts as Compose resolves them. */
export const SERVICE_HOSTS = { traefik: 'traefik', gateway: 'gateway', runner: 'runner', control: 'control' } as const;

/** `https://host[:port]` of the fleet, as browsers write an origin. */
export function publicOrigin(topology: Pick<Topology, 'public'>): string {
  const { host, port } = topology.public;
  return new URL(`https://${host}:${port}`).origin;
}

/** The template of `vnc.ws`: in a query `{id}` becomes the token. */
export function socketTemplate(topology: Topology): string {
  return `${publicOrigin(topology).replace(/^https/, 'wss')}${ROUTES.socketPath}?token={id}`;
}

/** The template of `vnc.http`: in a path `{id}` is the public session id; the token is appended as a fragment. */
export function pageTemplate(topology: Topology): string {
  return `${publicOrigin(topology)}${ROUTES.viewerPrefix}{id}`;
}
