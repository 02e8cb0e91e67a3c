import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  TEMPLATE_FILES,
  type Templates,
  composeSecrets,
  diffLines,
  fleetPaths,
  newTopologyText,
  render,
  renderTraefik,
} from '../../src/topology/index.ts';
import { composePlacement } from '../../src/topology/placement.ts';
import { expectGolden } from '../support/golden.ts';
import { EXAMPLES, packageTemplates, topologyOf } from './support/topology.ts';

const PATHS = fleetPaths('/srv/fleet');
const TEMPLATES = await packageTemplates();
const ENGINES = ['compose', 'local'] as const;
const COMPOSE = 'compose.yaml';
const SECCOMP = 'seccomp/chromium.json';
const STATIC = 'traefik/traefik.yaml';
const DYNAMIC = 'traefik/dynamic/camofleet.yaml';

function files(
  yaml: string,
  engine: (typeof ENGINES)[number] = 'compose',
  templates: Templates = TEMPLATES,
): Map<string, string> {
  const rendered = render(topologyOf(yaml), engine, { paths: PATHS, templates, version: '1.2.3' });
  return new Map(rendered.map(({ path, text }) => [path, text]));
}

/** A value in a rendered file, by keys. */
function at(text: string | undefined, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], parse(text ?? ''));
}

/** The lines of every file that change with the topology, without their signs' order. */
function changed(yaml: string, engine: (typeof ENGINES)[number] = 'compose'): string[] {
  const [before, after] = [files('', engine), files(yaml, engine)];
  return [...after].flatMap(([path, text]) =>
    diffLines(path, before.get(path), text)
      .split('\n')
      .filter((line) => /^\+(?!\+\+)/.test(line) && !line.includes('camofleet.static:')) // the digest of another file
      .map((line) => line.slice(1).trim()),
  );
}

describe('what is rendered', () => {
  test.each(Object.keys(EXAMPLES).flatMap((example) => ENGINES.map((engine) => [example, engine] as const)))(
    'for %s on %s is what is kept in test/golden',
    (example, engine) => {
      for (const [path, text] of files(EXAMPLES[example]!, engine))
        if (path !== SECCOMP) expectGolden(`${example}/${path.replace('.camofleet/rendered/', '')}`, text);
    },
  );

  test('of a new fleet is what is kept in test/golden', () => {
    expectGolden(
      'camofleet.yaml',
      newTopologyText({ fleetId: 'lab', host: 'localhost', publicPort: undefined, shift: 0 }),
    );
  });

  test('on Compose makes another Traefik when its static file is another one, which it reads at its start alone', () => {
    const digest = (yaml: string): unknown =>
      at(files(yaml).get(COMPOSE), 'services', 'traefik', 'labels', 'camofleet.static');
    expect(digest('')).toMatch(/^[0-9a-f]{16}$/);
    expect(digest('gateway: { maxSessions: 5 }')).toBe(digest(''));
    expect(digest('ingress: { graceTimeoutMs: 9000 }')).not.toBe(digest(''));
  });

  test('has a path for each file, below the folder of the fleet', () => {
    expect([...files('').keys()]).toEqual([COMPOSE, SECCOMP, STATIC, DYNAMIC]);
    expect([...files('', 'local').keys()]).toEqual([
      '.camofleet/rendered/local/traefik.yaml',
      '.camofleet/rendered/local/dynamic/camofleet.yaml',
    ]);
  });

  test.each(ENGINES)('for %s says so in its first line, and keeps every comment of the template', (engine) => {
    const comments = (text: string): string[] => [...text.matchAll(/^\s*# (.*)$/gm)].map(([, comment]) => comment!);
    const rendered = [...files('', engine)].filter(([path]) => path !== SECCOMP).map(([, text]) => text);
    for (const text of rendered)
      expect(text).toMatch(/^# Rendered from camofleet\.yaml by `camofleet render`\. Do not edit/);
    const said = new Set(rendered.flatMap(comments));
    const kept = engine === 'compose' ? Object.values(TEMPLATES) : [TEMPLATES.traefik, TEMPLATES.dynamic];
    expect(kept.flatMap(({ text }) => comments(text)).filter((comment) => !said.has(comment))).toEqual([]);
  });

  test('holds the profile of system calls as the package has it', () => {
    expect(files('').get(SECCOMP)).toBe(TEMPLATES.seccomp.text);
  });

  test('has no hole that was not filled', () => {
    for (const engine of ENGINES)
      for (const text of files(EXAMPLES['files']!, engine).values()) expect(text).not.toMatch(/: ""$/m);
  });

  test('is the same every time', () => {
    for (const engine of ENGINES) expect(files(EXAMPLES['files']!, engine)).toEqual(files(EXAMPLES['files']!, engine));
  });
});

describe('a changed topology changes what it should and nothing else:', () => {
  test.each<[string, string, readonly string[]]>([
    [
      'the gateway’s port',
      'gateway: { port: 7000 }',
      ['HTTP_PORT: "7000"', 'CAMOFLEET_CONTROL_GATEWAYS_URL: http://gateway-edge:7000'],
    ],
    ['control’s port', 'control: { port: 7000 }', ['CONTROL_PORT: "7000"', '- url: http://control:7000']],
    [
      'control’s internal port',
      'control: { internalPort: 7000 }',
      [
        'CAMOFLEET_GATEWAY_CONTROL_URL: http://control:7000',
        'CAMOFLEET_CONTROL_INTERNAL_PORT: "7000"',
        'endpoint: http://control:7000/ingress/gateways',
      ],
    ],
    ['pings', 'gateway: { pingIntervalMs: 5000 }', ['WS_PING_INTERVAL_MS: "5000"']],
    [
      'the gateway’s grace',
      'gateway: { shutdownGraceMs: 10000 }',
      ['SHUTDOWN_GRACE_MS: "10000"', 'stop_grace_period: "15s"'],
    ],
    [
      'the ingress’s grace',
      'ingress: { graceTimeoutMs: 2500 }',
      ['stop_grace_period: "7500ms"', 'graceTimeOut: "2500ms"'],
    ],
    [
      'the ingress’s timers',
      'ingress: { readTimeoutMs: 1000, dialTimeoutMs: 2000, responseHeaderTimeoutMs: 3000 }',
      ['readTimeout: "1s"', 'dialTimeout: "2s"', 'responseHeaderTimeout: "3s"'],
    ],
    [
      'the public port',
      'public: { port: 443 }',
      [
        '- 127.0.0.1:443:443',
        'CAMOFLEET_GATEWAY_ALLOWED_ORIGINS: https://localhost',
        expect.stringContaining('"vnc_http":"https://localhost/vnc/{id}"'),
        'CAMOFLEET_CONTROL_PUBLIC_ORIGINS: https://localhost',
        'address: ":443"',
      ],
    ],
    [
      'the RFB ports',
      'runner: { rfbPorts: { min: 6000, max: 6099 } }',
      [
        'CAMOFLEET_GATEWAY_ALLOWED_TARGETS: 172.16.0.0/12:6000-6099,192.168.0.0/16:6000-6099,10.0.0.0/8:6000-6099',
        'RUNNER_VNC_PORT_MIN: "6000"',
        'RUNNER_VNC_PORT_MAX: "6099"',
      ],
    ],
    [
      'the level of logs',
      'logLevel: debug',
      ['LOG_LEVEL: debug', 'CAMOFLEET_CONTROL_LOG_LEVEL: debug', 'CAMOFLEET_RUNNER_LOG_LEVEL: debug'],
    ],
    [
      'proxies in front',
      'ingress: { trustedProxies: [192.0.2.1] }',
      [
        'CAMOFLEET_GATEWAY_TRUSTED_PROXIES: 172.16.0.0/12,192.168.0.0/16,10.0.0.0/8,192.0.2.1',
        'CAMOFLEET_CONTROL_TRUSTED_PROXIES: 172.16.0.0/12,192.168.0.0/16,10.0.0.0/8,192.0.2.1',
        'trustedIPs:',
        '- 192.0.2.1',
      ],
    ],
    ['what stands in front', 'edge: [{ name: nginx, idleTimeoutMs: 60000 }]', []],
  ])('%s', (_what, yaml, lines) => {
    expect(changed(yaml)).toEqual(lines);
  });

  test('several gateways are each asked whether they take sockets; one alone is not, its answer says more', () => {
    const topology = topologyOf('ingress: { healthIntervalMs: 2000, healthTimeoutMs: 700 }');
    const balancer = (gateways?: readonly string[]): unknown => {
      const placement = { ...composePlacement(topology), gatewaysName: undefined, ...(gateways && { gateways }) };
      const { dynamic } = renderTraefik(topology, placement, TEMPLATES);
      return at(dynamic, 'http', 'services', 'gateway', 'loadBalancer');
    };
    expect(balancer(['lab-gateway-1', 'lab-gateway-2'])).toEqual({
      serversTransport: 'fleet',
      servers: [{ url: 'http://lab-gateway-1:6900' }, { url: 'http://lab-gateway-2:6900' }],
      healthCheck: { path: '/readyz', interval: '2s', timeout: '700ms' },
    });
    expect(balancer()).toEqual({ serversTransport: 'fleet', servers: [{ url: 'http://gateway:6900' }] });
  });

  test('where gateways share a name, control tells Traefik of each of them, and routes lead to what it tells', () => {
    const rendered = files('ingress: { healthIntervalMs: 2000 }');
    expect(at(rendered.get(STATIC), 'providers', 'http')).toEqual({
      endpoint: 'http://control:9001/ingress/gateways',
      pollInterval: '2s',
      pollTimeout: '4s',
    });
    expect(Object.keys(at(rendered.get(DYNAMIC), 'http', 'services') as object)).toEqual(['control']);
    for (const router of ['vnc', 'websockify'])
      expect(at(rendered.get(DYNAMIC), 'http', 'routers', router, 'service')).toBe('gateway@http');
    const compose = rendered.get(COMPOSE);
    expect(at(compose, 'services', 'gateway', 'networks', 'edge')).toEqual({ aliases: ['gateway-edge'] });
    expect(at(compose, 'services', 'control', 'environment')).toMatchObject({
      CAMOFLEET_CONTROL_GATEWAYS_URL: 'http://gateway-edge:6900',
      CAMOFLEET_CONTROL_GATEWAY_HEALTH_INTERVAL_MS: '2000',
    });
  });

  test('a port without TLS sends pages on to https, and leads sockets nowhere', () => {
    const rendered = files('public: { port: 443, httpPort: 80, bind: 0.0.0.0 }');
    expect(at(rendered.get(COMPOSE), 'services', 'traefik', 'ports')).toEqual(['0.0.0.0:443:443', '0.0.0.0:80:80']);
    expect(at(rendered.get(STATIC), 'entryPoints', 'web')).toEqual({ address: ':80' });
    const routers = at(rendered.get(DYNAMIC), 'http', 'routers') as Record<string, { entryPoints: string[] }>;
    expect(Object.keys(routers).filter((name) => routers[name]!.entryPoints.includes('web'))).toEqual(['to-https']);
    expect(routers['to-https']).toEqual({
      entryPoints: ['web'],
      rule: 'PathPrefix(`/`) && !HeaderRegexp(`Upgrade`, `(?i)^websocket$`)',
      middlewares: ['to-https'],
      service: 'noop@internal',
    });
    expect(at(rendered.get(DYNAMIC), 'http', 'middlewares', 'to-https')).toEqual({
      redirectScheme: { scheme: 'https', port: '443', permanent: true },
    });
  });

  test('the id of the fleet names the project, in letters that Compose takes', () => {
    const name = (id: string): unknown => at(files(`fleet: { id: "${id}" }`).get(COMPOSE), 'name');
    expect(['Prod_1.eu', '_x', '.-_A', '...', '0'].map(name)).toEqual(['prod_1-eu', 'x', 'a', 'camofleet', '0']);
  });

  test('an IPv6 address stands in brackets wherever a port follows', () => {
    const yaml = 'public: { bind: "::1", host: "::1" }';
    expect(at(files(yaml).get(COMPOSE), 'services', 'traefik', 'ports')).toEqual(['[::1]:8443:8443']);
    expect(changed(yaml, 'local')).toEqual(['address: "[::1]:8443"']);
  });

  test('a dollar reaches a container as it is: Compose is told that it begins no variable', () => {
    const environment = at(
      files('runner: { startUrl: "https://h/?a=$HOME" }').get(COMPOSE),
      'services',
      'runner',
      'environment',
    );
    expect(environment).toMatchObject({ RUNNER_SESSION_DEFAULTS__START_URL: 'https://h/?a=$$HOME' });
  });

  test('every value of an environment is text, as Compose wants it', () => {
    const compose = files('').get(COMPOSE)!;
    expect(compose).toContain('CAMOFLEET_CONTROL_LOOPBACK_INGRESS: "true"');
    for (const service of ['gateway', 'control', 'runner'])
      expect(
        Object.values(at(compose, 'services', service, 'environment') as object).filter(
          (value) => typeof value !== 'string',
        ),
      ).toEqual([]);
  });
});

describe('certificates', () => {
  test('of the throw-away authority are the ones beside the topology', () => {
    expect(
      at(files('', 'local').get('.camofleet/rendered/local/dynamic/camofleet.yaml'), 'tls', 'certificates'),
    ).toEqual([{ certFile: PATHS.leafCertificate, keyFile: PATHS.leafKey }]);
    expect(composeSecrets(topologyOf(''))).toContainEqual({
      name: 'tls-key',
      from: '.camofleet/pki/leaf.key',
      to: '.camofleet/compose/secrets/tls-key',
    });
  });

  test('of files are these files', () => {
    const key = composeSecrets(topologyOf(EXAMPLES['files']!)).find(({ name }) => name === 'tls-key');
    expect(key?.from).toBe('certs/fleet.key');
  });

  test('are copies that the user of the containers can read', () => {
    expect(at(files(EXAMPLES['files']!).get(COMPOSE), 'secrets', 'tls-key')).toEqual({
      file: './.camofleet/compose/secrets/tls-key',
    });
  });

  test('by ACME are asked for the public host, kept beside the topology, and need no secret', () => {
    const rendered = files(EXAMPLES['acme']!);
    const compose = rendered.get(COMPOSE);
    for (const router of ['vnc', 'websockify', 'api', 'ui'])
      expect(at(rendered.get(DYNAMIC), 'http', 'routers', router, 'tls')).toEqual({
        certResolver: 'camofleet-tls',
        domains: [{ main: 'fleet.example.com' }],
      });
    expect(at(rendered.get(DYNAMIC), 'tls', 'options', 'default', 'alpnProtocols')).toEqual(['http/1.1', 'acme-tls/1']);
    expect(at(rendered.get(DYNAMIC), 'tls', 'certificates')).toBeUndefined();
    expect(at(rendered.get(STATIC), 'certificatesResolvers', 'camofleet-tls', 'acme')).toEqual({
      email: 'ops@example.com',
      storage: '/var/lib/traefik/acme.json',
      tlsChallenge: {},
    });
    expect(at(compose, 'services', 'traefik', 'volumes')).toContain('./.camofleet/compose/acme:/var/lib/traefik');
    expect(at(compose, 'services', 'traefik', 'secrets')).toBeUndefined();
    expect(Object.keys(at(compose, 'secrets') as object)).toEqual(['token-keys', 'operator-key', 'service-key']);
  });
});

describe('RFB', () => {
  const compose = files('').get(COMPOSE);

  test('is on one network alone, which leads nowhere, between gateway and runner', () => {
    expect(at(compose, 'networks', 'rfb')).toEqual({ internal: true });
    expect(Object.keys(at(compose, 'services', 'gateway', 'networks') as object)).toEqual(['edge', 'fleet', 'rfb']);
    expect(at(compose, 'services', 'runner', 'networks', 'rfb')).toEqual({ aliases: ['runner-rfb'] });
    expect(at(compose, 'services', 'traefik', 'networks')).toEqual(['edge']);
    expect(at(compose, 'services', 'control', 'networks')).toEqual({ edge: { aliases: ['control-edge'] }, fleet: {} });
    expect(at(compose, 'services', 'control', 'environment', 'CONTROL_HOST')).toBe('control-edge');
  });

  test('is published by no service: only the ingress has a port', () => {
    const services = at(compose, 'services') as Record<string, object>;
    expect(Object.keys(services).filter((service) => 'ports' in services[service]!)).toEqual(['traefik']);
  });

  test('is bound where the gateway may dial: the name of the RFB network', () => {
    expect(at(compose, 'services', 'runner', 'environment', 'CAMOFLEET_RUNNER_ADVERTISE_HOST')).toBe('runner-rfb');
  });
});

describe('an ejected template', () => {
  const withText = (name: keyof Templates, text: string): Templates => ({
    ...TEMPLATES,
    [name]: { file: `templates/${TEMPLATE_FILES[name]}`, text },
  });

  test('wins: what it adds stays, with its comments', () => {
    const text = TEMPLATES.compose.text.replace(
      '    command: [gateway]\n',
      '    command: [gateway]\n    # Ours.\n    mem_limit: 1g\n',
    );
    const compose = files('', 'compose', withText('compose', text)).get(COMPOSE)!;
    expect(compose).toContain('    # Ours.\n    mem_limit: 1g\n');
    expect(at(compose, 'services', 'gateway', 'environment', 'HTTP_PORT')).toBe('6900');
  });

  test('wins: services, routes and timers that it leaves out stay out', () => {
    const rendered = files('', 'compose', {
      ...withText('compose', 'services: { gateway: {} }\n'),
      dynamic: { file: 'templates/traefik/dynamic.yaml', text: 'http: { routers: { vnc: {} } }\n' },
    });
    expect(Object.keys(at(rendered.get(COMPOSE), 'services') as object)).toEqual(['gateway']);
    expect(at(rendered.get(DYNAMIC), 'http')).toEqual({
      routers: { vnc: { rule: 'PathPrefix(`/vnc/`)', service: 'gateway@http' } },
    });
  });

  test.each<[string, keyof Templates, string, string]>([
    [
      'that is no YAML',
      'compose',
      'services:\n  gateway: {',
      'templates/compose/compose.yaml:2:13 Flow map in block collection must be sufficiently indented',
    ],
    ['with a key twice', 'traefik', 'log: {}\nlog: {}\n', 'templates/traefik/traefik.yaml:2:1 Map keys must be unique'],
    [
      'of several documents',
      'traefik',
      'a: 1\n---\nb: 1\n',
      'templates/traefik/traefik.yaml:2:1 Source contains multiple documents',
    ],
    [
      'with text where a section belongs',
      'compose',
      'services:\n  gateway: hello\n',
      'templates/compose/compose.yaml: services.gateway must be a section, in which services.gateway.image is filled in',
    ],
    [
      'that is a list',
      'dynamic',
      '- a\n',
      'templates/traefik/dynamic.yaml: the file must be a section, in which tls.stores is filled in',
    ],
    [
      'that is a word',
      'traefik',
      'hello\n',
      'templates/traefik/traefik.yaml: the file must be a section, in which entryPoints.websecure.address is filled in',
    ],
  ])('%s is refused with its place', (_case, name, text, message) => {
    expect(() => files('', 'compose', withText(name, text))).toThrow(
      expect.objectContaining({ code: 'CF_TEMPLATE_INVALID' }),
    );
    expect(() => files('', 'compose', withText(name, text))).toThrow(message);
  });

  test('that is empty is filled in all the same', () => {
    expect(at(files('', 'compose', withText('traefik', '')).get(STATIC), 'accessLog', 'filePath')).toBe(
      '/var/log/traefik/traefik-access.log',
    );
  });
});
