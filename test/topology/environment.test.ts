import { describe, expect, test } from 'vitest';
import { KNOWN_NAMES, SERVICES, type ServiceName } from '../../src/settings/index.ts';
import { fleetPaths, localPlacement, publicOrigin, serviceEnvironment } from '../../src/topology/index.ts';
import { composePlacement } from '../../src/topology/placement.ts';
import { EXAMPLES, topologyOf } from './support/topology.ts';

const PATHS = fleetPaths('/srv/fleet');
const NAMES = Object.keys(SERVICES) as ServiceName[];
const PLACEMENTS = { local: localPlacement, compose: composePlacement } as const;
const CASES = Object.entries(EXAMPLES).flatMap(([example, yaml]) =>
  (Object.keys(PLACEMENTS) as (keyof typeof PLACEMENTS)[]).flatMap((engine) =>
    NAMES.map((service) => ({ example, yaml, engine, service })),
  ),
);

/** What a service reads from the environment that a topology gives it. */
function valuesOf<S extends ServiceName>(
  service: S,
  yaml: string,
  engine: keyof typeof PLACEMENTS,
): ReturnType<(typeof SERVICES)[S]['load']> {
  const topology = topologyOf(yaml);
  const env = serviceEnvironment(service, topology, PLACEMENTS[engine](topology, PATHS));
  return SERVICES[service].load({ env, knownNames: [] }) as ReturnType<(typeof SERVICES)[S]['load']>;
}

describe('the environment of a service', () => {
  test.each(CASES)(
    '$service on $engine ($example) is read by the service without a problem',
    ({ yaml, engine, service }) => {
      const topology = topologyOf(yaml);
      const env = serviceEnvironment(service, topology, PLACEMENTS[engine](topology, PATHS));
      const { settings, problems } = SERVICES[service].explain({ env, knownNames: [] });
      expect(problems).toEqual([]);
      expect(Object.keys(env).filter((name) => !KNOWN_NAMES.includes(name))).toEqual([]);
      expect(settings.filter(({ origin }) => origin === 'environment')).toHaveLength(Object.keys(env).length);
    },
  );

  test('of the gateway holds what the topology says', () => {
    const { gateway } = topologyOf(EXAMPLES['files']!);
    expect(valuesOf('gateway', EXAMPLES['files']!, 'local')).toMatchObject({
      host: '127.0.0.1',
      port: 7900,
      internalHost: '127.0.0.1',
      internalPort: 7901,
      fleetId: 'Prod_1.eu',
      tokenKeysFile: PATHS.tokenKeys,
      serviceKeyFile: PATHS.serviceKey,
      controlUrl: 'http://127.0.0.1:7001',
      allowedTargets: ['127.0.0.1:6000-6009'],
      identity: 'token',
      defaultHost: '',
      pingIntervalMs: gateway.pingIntervalMs,
      readTimeoutMs: gateway.readTimeoutMs,
      writeTimeoutMs: gateway.writeTimeoutMs,
      idleTimeoutMs: gateway.idleTimeoutMs,
      connectTimeoutMs: gateway.connectTimeoutMs,
      greetingTimeoutMs: gateway.greetingTimeoutMs,
      shutdownGraceMs: gateway.shutdownGraceMs,
      drainDelayMs: gateway.drainDelayMs,
      maxSessions: gateway.maxSessions,
      failedAttemptsPerMinute: gateway.failedAttemptsPerMinute,
      allowedOrigins: ['https://fleet.example.com', 'https://wall.example'],
      trustedProxies: ['127.0.0.1', '::1', '10.0.0.5', '192.0.2.0/24'],
      frameAncestors: gateway.frameAncestors,
      logLevel: 'debug',
    });
  });

  test('of the gateway knows numeric ids only where identities are open', () => {
    expect(valuesOf('gateway', 'gateway: { identity: open, basePort: 6000 }', 'local')).toMatchObject({
      identity: 'open',
      defaultHost: '127.0.0.1',
      webRange: { min: 6900, max: 6999 },
      basePort: 6000,
    });
    expect(valuesOf('gateway', '', 'local')).toMatchObject({ identity: 'token', defaultHost: '' });
  });

  test('of the runner holds what the topology says', () => {
    const { runner } = topologyOf(EXAMPLES['files']!);
    const values = valuesOf('runner', EXAMPLES['files']!, 'local');
    expect(values).toMatchObject({
      host: '127.0.0.1',
      port: 7070,
      internalHost: '127.0.0.1',
      internalPort: 7071,
      name: 'eu-1',
      advertiseHost: '127.0.0.1',
      serviceKeyFile: PATHS.serviceKey,
      stateDir: PATHS.runnerState,
      displayMin: 300,
      displayMax: 309,
      rfbPortMin: 6000,
      rfbPortMax: 6009,
      wsPortMin: 6900,
      wsPortMax: 6999,
      resolution: '1920x1080x24',
      idleTtlSeconds: 300,
      startUrl: runner.startUrl,
      startupTimeoutSeconds: 15,
      maxSessions: 10,
      prewarmVnc: 2,
      prewarmHeadless: 1,
      defaultBrowser: 'demo',
      logLevel: 'debug',
    });
    expect([...values.browsers.keys()]).toEqual(['demo']);
    expect(JSON.stringify(values.browsers.get('demo'))).toContain(JSON.stringify(runner.browsers['demo']!.command));
  });

  test.each([
    ['spared on a loopback ingress', 'version: 1', true],
    ['asked for where the topology says so', 'control: { localKey: required }', false],
    ['asked for on any other ingress', 'public: { bind: 0.0.0.0 }', false],
  ])('of control: the operator key is %s', (_case, text, isSpared) => {
    expect(valuesOf('control', text, 'local').loopbackIngress).toBe(isSpared);
  });

  test('of control holds what the topology says, and public URLs carry the public host', () => {
    const origin = publicOrigin(topologyOf(EXAMPLES['files']!));
    expect(origin).toBe('https://fleet.example.com');
    expect(valuesOf('control', EXAMPLES['files']!, 'local')).toMatchObject({
      host: '127.0.0.1',
      port: 7000,
      internalHost: '127.0.0.1',
      internalPort: 7001,
      workers: [
        {
          name: 'eu-1',
          url: 'http://127.0.0.1:7070',
          supportsVnc: true,
          vncWs: 'wss://fleet.example.com/websockify?token={id}',
          vncHttp: 'https://fleet.example.com/vnc/{id}',
        },
      ],
      requestTimeoutSeconds: 40,
      publicApiPrefix: '/api',
      fleetId: 'Prod_1.eu',
      tokenKeysFile: PATHS.tokenKeys,
      tokenTtlSeconds: 60,
      operatorKeyFile: PATHS.operatorKey,
      serviceKeyFile: PATHS.serviceKey,
      stateDir: PATHS.controlState,
      publicHosts: ['https://fleet.example.com'],
      loopbackIngress: false,
      trustedProxies: ['127.0.0.1', '::1', '10.0.0.5', '192.0.2.0/24'],
      logLevel: 'debug',
    });
  });

  test('carries no secret, only where secrets lie', () => {
    for (const { service, yaml, engine } of CASES) {
      const topology = topologyOf(yaml);
      const env = serviceEnvironment(service, topology, PLACEMENTS[engine](topology, PATHS));
      const keys = Object.entries(env).filter(([name]) => /KEY|SECRET|PASSWORD/.test(name));
      expect(keys.filter(([name, value]) => !name.endsWith('_FILE') || !value.startsWith('/'))).toEqual([]);
    }
  });
});

describe('an origin', () => {
  test.each([
    ['localhost', 8443, 'https://localhost:8443'],
    ['fleet.example.com', 443, 'https://fleet.example.com'],
    ['Fleet.Example.COM', 443, 'https://fleet.example.com'],
    ['::1', 8443, 'https://[::1]:8443'],
    ['192.0.2.7', 80, 'https://192.0.2.7:80'],
  ])('of %s and %i is %s', (host, port, origin) => {
    expect(publicOrigin({ public: { host, port, bind: '127.0.0.1' } })).toBe(origin);
  });
});
