import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { fleetPaths, render } from '../../src/topology/index.ts';
import { secretVariable, textVersion } from '../../src/topology/render-swarm.ts';
import { expectGolden } from '../support/golden.ts';
import { EXAMPLES, packageTemplates, topologyOf } from './support/topology.ts';

const templates = await packageTemplates();

function files(yaml: string): ReadonlyMap<string, string> {
  const input = { paths: fleetPaths('/srv/fleet'), templates, version: '1.2.3' };
  return new Map(render(topologyOf(yaml), 'swarm', input).map(({ path, text }) => [path, text]));
}

interface Service {
  readonly [key: string]: unknown;
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly object[];
  readonly secrets?: readonly { readonly source: string; readonly mode: number }[];
  readonly volumes: readonly { readonly type: string; readonly target: string }[];
  readonly deploy: Readonly<Record<string, unknown>>;
}
interface Stack {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<
    Record<string, { readonly internal?: boolean; readonly driver_opts?: object; readonly ipam?: object }>
  >;
  readonly secrets: Readonly<Record<string, { readonly name: string; readonly file: string }>>;
  readonly configs: Readonly<Record<string, { readonly name: string; readonly file: string }>>;
}

const stackOf = (yaml: string): Stack => parse(files(yaml).get('stack.yaml')!) as Stack;

describe('the stack of a fleet', () => {
  test.each(Object.keys(EXAMPLES))('is what it was (%s)', (name) => {
    expectGolden(`${name}/stack.yaml`, files(EXAMPLES[name]!).get('stack.yaml')!);
  });

  test('says nothing that Swarm would leave out without a word', () => {
    const unknown = ['restart', 'depends_on', 'security_opt', 'shm_size', 'tmpfs', 'build', 'container_name'];
    for (const service of Object.values(stackOf('').services))
      expect(Object.keys(service).filter((key) => unknown.includes(key))).toEqual([]);
  });

  test('leads to replicas, never to an address of a service', () => {
    for (const { deploy } of Object.values(stackOf('').services)) expect(deploy['endpoint_mode']).toBe('dnsrr');
  });

  test('publishes one port, at the host of the ingress', () => {
    const { services } = stackOf('public: { port: 443, bind: 0.0.0.0 }');
    expect(Object.entries(services).flatMap(([name, { ports }]) => (ports ? [[name, ports]] : []))).toEqual([
      ['traefik', [{ target: 443, published: 443, protocol: 'tcp', mode: 'host' }]],
    ]);
  });

  test('has RFB on one network, which runners find by it and tokens must lead to', () => {
    const { services, networks } = stackOf('swarm: { rfbNetwork: 10.9.8.0/24 }');
    expect(networks['rfb']).toEqual({
      driver: 'overlay',
      internal: true,
      driver_opts: { encrypted: '' },
      ipam: { config: [{ subnet: '10.9.8.0/24' }] },
    });
    expect(services['runner']!.environment!['CAMOFLEET_RUNNER_ADVERTISE_HOST']).toBe('10.9.8.0/24');
    expect(services['gateway']!.environment!['CAMOFLEET_GATEWAY_ALLOWED_TARGETS']).toBe('10.9.8.0/24:5900-5999');
    const on = Object.entries(services).filter(([, { networks: all }]) => 'rfb' in asRecord(all));
    expect(on.map(([name]) => name)).toEqual(['gateway', 'runner']);
  });

  test('encrypts what is said between services, on networks with no way out', () => {
    const { networks } = stackOf('');
    for (const name of ['fleet', 'rfb'])
      expect(networks[name]).toMatchObject({ internal: true, driver_opts: { encrypted: '' } });
  });

  test('never believes that the ingress is on loopback: Swarm publishes everywhere', () => {
    const { control } = stackOf('').services;
    expect(control!.environment!['CAMOFLEET_CONTROL_LOOPBACK_INGRESS']).toBe('false');
  });

  test('hands each service the secrets of Compose, for their owner alone, by a name that changes with the text', () => {
    const { services, secrets } = stackOf('');
    expect(services['runner']!.secrets).toMatchObject([{ source: 'service-key', mode: 0o400 }]);
    expect(secrets['token-keys']).toEqual({
      file: './.camofleet/compose/secrets/token-keys',
      name: 'camofleet_token-keys_${CAMOFLEET_SECRET_TOKEN_KEYS:-by-hand}',
    });
    expect(secretVariable('tls-key')).toBe('CAMOFLEET_SECRET_TLS_KEY');
    expect(textVersion('a')).not.toBe(textVersion('b'));
  });

  test('gives Traefik its files as configs, whose names change with the text', () => {
    const names = (yaml: string): string[] => Object.values(stackOf(yaml).configs).map(({ name }) => name);
    expect(names('')).toEqual(names(''));
    expect(names('ingress: { readTimeoutMs: 61000 }')[0]).not.toBe(names('')[0]);
    expect(names('ingress: { readTimeoutMs: 61000 }')[1]).toBe(names('')[1]);
    const mounts = stackOf('').services['traefik']!.volumes.filter(({ type }) => type === 'bind');
    expect(mounts.map(({ target }) => target)).toEqual(['/var/log/traefik']);
  });

  test('has shared memory for browsers, in memory', () => {
    const { volumes } = stackOf('').services['runner']!;
    expect(volumes).toContainEqual({ type: 'tmpfs', target: '/dev/shm', tmpfs: { size: 1_073_741_824 } });
  });

  test('asks a runner whether it answers, and no more: Swarm kills what is unhealthy', () => {
    const { test: asked, ...how } = stackOf('runner: { internalPort: 8099 }').services['runner']!['healthcheck'] as {
      readonly test: readonly string[];
    };
    expect(asked.slice(0, 2)).toEqual(['CMD', 'node']);
    expect(asked.at(-1)).toContain('http://127.0.0.1:8099/metrics');
    expect(how).toMatchObject({ retries: 3 });
    expect(stackOf('').services['gateway']!['healthcheck']).not.toHaveProperty('test');
  });

  test('keeps on this host what writes to it, and nothing else', () => {
    const stays = Object.entries(stackOf('').services).filter(([, { deploy }]) => deploy['placement'] !== undefined);
    expect(stays.map(([name]) => name)).toEqual(['traefik', 'control']);
  });
});

/** Networks of a service, as a list or by name. */
function asRecord(networks: unknown): object {
  return Array.isArray(networks)
    ? Object.fromEntries(networks.map((name: string) => [name, {}]))
    : (networks as object);
}
