/** The Helm chart as helm renders it, held against the model, against the services' settings and against Kubernetes. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { KNOWN_NAMES, SERVICES, type ServiceName } from '../../src/settings/index.ts';
import {
  CONTAINER_USER,
  type Placement,
  ROUTES,
  type Topology,
  imageName,
  serviceEnvironment,
} from '../../src/topology/index.ts';
import { topologySchema } from '../../src/topology/model.ts';
import { composePlacement } from '../../src/topology/placement.ts';
import { chartTopology, renderChartValues } from '../../src/topology/render-chart.ts';
import { parseKeyring } from '../../src/tokens/index.ts';
import { lacks } from '../support/components.ts';
import { CHART, type Rendered, helmTemplate, validate } from './support/helm.ts';

const RUNNER = 'rel-camofleet-runner-0';
const TRAEFIK_KINDS = ['IngressRoute', 'Middleware', 'ServersTransport', 'TLSOption'];

/** Values that take each branch of the templates. */
const COMBINATIONS: Readonly<Record<string, object>> = {
  'as they are': {},
  'a plain Ingress with its certificate': {
    ingress: { kind: 'ingress', className: 'nginx', tls: { secretName: 'cert' }, annotations: { a: 'b' } },
  },
  'no route': { ingress: { kind: 'none' }, networkPolicy: { enabled: false } },
  'three gateways that scale': {
    metrics: { enabled: true },
    gateway: {
      replicas: 3,
      autoscaling: { enabled: true, minReplicas: 3 },
      settings: { CAMOFLEET_GATEWAY_WORKERS: '2' },
    },
  },
  'one gateway, three runners': { gateway: { replicas: 1 }, runner: { replicas: 3, updateStrategy: 'OnDelete' } },
  'keys and a claim that exist': {
    secrets: { existing: 'mine' },
    control: { persistence: { enabled: true, existingClaim: 'state' } },
  },
  'a certificate of a resolver, state on a volume, a profile for Chromium': {
    ingress: { tls: { certResolver: 'camofleet-tls' } },
    control: { persistence: { enabled: true, storageClass: 'fast', size: '1Gi' } },
    runner: { seccompProfile: { type: 'Localhost', localhostProfile: 'camofleet/chromium.json' } },
  },
  'everything that pods may be told': {
    fullnameOverride: 'fleet',
    image: { registry: 'registry.example.com:5000', tag: '9', pullPolicy: 'Always', pullSecrets: ['pull'] },
    networkPolicy: { ingressController: [{ podSelector: { matchLabels: { app: 'traefik' } } }] },
    gateway: {
      podAnnotations: { a: 'b' },
      priorityClassName: 'high',
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'a', operator: 'Exists' }],
      affinity: { nodeAffinity: {} },
      podDisruptionBudget: { maxUnavailable: '50%' },
    },
  },
};

describe.skipIf(lacks('helm', 'kubernetesValidate'))('the chart', () => {
  test('passes helm lint', () => {
    const { status, stdout } = spawnSync('helm', ['lint', '--strict', CHART], { encoding: 'utf8' });
    expect(status, stdout).toBe(0);
  });

  test.each(Object.entries(COMBINATIONS))('is valid Kubernetes with %s', (_title, values) => {
    const { problems, unknownKinds } = validate(helmTemplate(values).text);
    expect(problems).toBe('');
    expect(unknownKinds.filter((kind) => !TRAEFIK_KINDS.includes(kind))).toEqual([]);
  });

  test.each([
    ['readinessProbe:', 'readynessProbe:', "'readynessProbe' was unexpected"],
    ['maxUnavailable: 0', 'maxUnavailble: 0', "'maxUnavailble' was unexpected"],
    ['endPort: 5999', 'lastPort: 5999', "'lastPort' was unexpected"],
  ])('would not be with %s misspelt', (right, wrong, said) => {
    const { text } = helmTemplate({});
    expect(text).toContain(right);
    expect(validate(text.replaceAll(right, wrong)).problems).toContain(said);
  });

  test.each([
    ['a value', { gateway: { replicsa: 2 } }, 'replicsa'],
    ['a key of the topology', { topology: { gateway: { pingIntervallMs: 1 } } }, 'pingIntervallMs'],
    ['a setting', { gateway: { settings: { CAMOFLEET_GATEWAY_WORKER: '2' } } }, 'CAMOFLEET_GATEWAY_WORKER'],
    ['a key that a cluster decides', { topology: { tls: { mode: 'acme' } } }, 'tls'],
    ['a port that is none', { topology: { gateway: { port: 70_000 } } }, 'port'],
    ['a profile without its file', { runner: { seccompProfile: { type: 'Localhost' } } }, 'seccompProfile'],
    [
      'scaling by sockets that nobody can count',
      { gateway: { autoscaling: { enabled: true } } },
      'metrics.enabled: true',
    ],
  ])('refuses %s', (_title, values, said) => {
    expect(() => helmTemplate(values)).toThrow(said);
  });
});

describe.skipIf(lacks('helm'))('a service in a cluster', () => {
  const changed = topologySchema.parse(everythingElse(chartTopology(topologySchema.parse({}))));
  const usual = topologySchema.parse({ public: { host: 'camofleet.example.com', port: 443 } });

  test.each([
    ['with the usual values', usual, {}],
    ['with every value another', changed, parse(renderChartValues(changed)) as object],
  ] as const)('has the settings that the topology gives it elsewhere, %s', (_title, topology, values) => {
    const rendered = helmTemplate(values);
    for (const service of ['gateway', 'control', 'runner'] as const) {
      const env = environmentOf(rendered, service);
      expect(Object.keys(env).filter((name) => !KNOWN_NAMES.includes(name))).toEqual([]);
      expect(SERVICES[service].explain({ env, knownNames: [] }).problems).toEqual([]);
      expect(valuesOf(service, env)).toEqual(valuesOf(service, expectedEnvironment(service, topology)));
    }
  });

  test('may be given a setting beyond the topology, which wins', () => {
    const rendered = helmTemplate({ gateway: { settings: { CAMOFLEET_GATEWAY_WORKERS: 'auto', LOG_LEVEL: 'debug' } } });
    expect(environmentOf(rendered, 'gateway')).toMatchObject({ CAMOFLEET_GATEWAY_WORKERS: 'auto', LOG_LEVEL: 'debug' });
  });

  test('is killed only after its own grace', () => {
    const { spec } = helmTemplate({ topology: { gateway: { shutdownGraceMs: 40_500 } } }).one(
      'Deployment',
      'rel-camofleet-gateway',
    );
    const pod = spec.template.spec;
    expect(pod.containers[0].lifecycle.preStop.sleep.seconds).toBe(15);
    expect(pod.terminationGracePeriodSeconds).toBe(15 + 41 + 5);
    expect(spec.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
  });

  test('may do nothing that it does not need', () => {
    const rendered = helmTemplate({});
    for (const { spec } of [
      rendered.one('Deployment', 'rel-camofleet-gateway'),
      rendered.one('Deployment', 'rel-camofleet-control'),
      rendered.one('StatefulSet', 'rel-camofleet-runner'),
    ]) {
      const pod = spec.template.spec;
      expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(pod.containers[0].securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    }
  });

  test('runs as the user of the images', () => {
    const { spec } = helmTemplate({}).one('StatefulSet', 'rel-camofleet-runner');
    const { uid, gid } = CONTAINER_USER;
    expect(spec.template.spec.securityContext).toMatchObject({ runAsUser: uid, runAsGroup: gid, fsGroup: gid });
    expect(spec.template.spec.containers[0].image).toBe(imageName('runner', '0.1.0'));
  });

  test('is reached by the public routes, and by no other', () => {
    const { viewerPrefix, socketPath, apiPrefix, uiPrefix } = ROUTES;
    const { spec } = helmTemplate({}).one('IngressRoute', 'rel-camofleet');
    const host = 'Host(`camofleet.example.com`) && ';
    const routes = spec.routes as { match: string; services: [{ name: string }] }[];
    expect(routes.map(({ match, services: [{ name }] }) => [match.slice(host.length), name])).toEqual([
      [`PathPrefix(\`${viewerPrefix}\`)`, 'rel-camofleet-gateway'],
      [`Path(\`${socketPath}\`)`, 'rel-camofleet-gateway'],
      [`(Path(\`${apiPrefix}\`) || PathPrefix(\`${apiPrefix}/\`))`, 'rel-camofleet-control'],
      [`(Path(\`/\`) || Path(\`${uiPrefix}\`) || PathPrefix(\`${uiPrefix}/\`))`, 'rel-camofleet-control'],
    ]);
    expect(routes.every(({ match }) => match.startsWith(host))).toBe(true);
    const plain = helmTemplate({ ingress: { kind: 'ingress' } }).one('Ingress', 'rel-camofleet');
    const paths = plain.spec.rules[0].http.paths as { path: string; backend: { service: { name: string } } }[];
    expect(paths.map(({ path, backend }) => [path, backend.service.name.replace('rel-camofleet-', '')])).toEqual([
      [viewerPrefix, 'gateway'],
      [socketPath, 'gateway'],
      [apiPrefix, 'control'],
      [uiPrefix, 'control'],
      ['/', 'control'],
    ]);
  });

  test('sees the keys that it needs, and no other', () => {
    const rendered = helmTemplate({});
    const keys = (kind: string, name: string): string[] =>
      rendered
        .one(kind, `rel-camofleet-${name}`)
        .spec.template.spec.volumes.find((volume: { name: string }) => volume.name === 'keys')
        .secret.items.map((item: { key: string }) => item.key);
    expect(keys('Deployment', 'gateway')).toEqual(['token-keys', 'service-key']);
    expect(keys('Deployment', 'control')).toEqual(['token-keys', 'operator-key', 'service-key']);
    expect(keys('StatefulSet', 'runner')).toEqual(['service-key']);
  });

  test('is given keys that it can read', () => {
    const data = helmTemplate({}).one('Secret', 'rel-camofleet-keys').data!;
    const text = (name: string): string => Buffer.from(data[name]!, 'base64').toString();
    expect(parseKeyring(text('token-keys'), 'token-keys').active.key).toHaveLength(32);
    for (const name of ['operator-key', 'service-key']) expect(text(name)).toMatch(/^[\w-]{43}$/);
    expect(helmTemplate({ secrets: { existing: 'mine' } }).text).not.toContain('kind: Secret');
  });

  test('is a runner whose RFB ports only gateways reach, and whose browser reaches nothing of the cluster', () => {
    const { spec } = helmTemplate({}).one('NetworkPolicy', 'rel-camofleet-runner');
    expect(spec.policyTypes).toEqual(['Ingress', 'Egress']);
    const [rfb, api, ...more] = spec.ingress;
    expect(rfb.ports).toEqual([{ protocol: 'TCP', port: 5900, endPort: 5999 }]);
    expect(rfb.from).toEqual([{ podSelector: { matchLabels: labels('gateway') } }]);
    expect(api.ports).toEqual([{ protocol: 'TCP', port: 8070 }]);
    expect(api.from).toEqual([{ podSelector: { matchLabels: labels('control') } }]);
    expect(more).toEqual([]);
    expect(spec.egress[1].to[0].ipBlock.except).toContain('10.0.0.0/8');
  });

  test('is called by the name that its replica has', () => {
    const rendered = helmTemplate({ runner: { replicas: 2 } });
    const workers = JSON.parse(environmentOf(rendered, 'control')['CONTROL_WORKERS']!) as {
      name: string;
      url: string;
    }[];
    expect(workers.map(({ name }) => name)).toEqual(['rel-camofleet-runner-0', 'rel-camofleet-runner-1']);
    expect(workers[1]!.url).toBe('http://rel-camofleet-runner-1.rel-camofleet-runner.fleet.svc:8070');
    expect(rendered.one('StatefulSet', 'rel-camofleet-runner').spec.serviceName).toBe('rel-camofleet-runner');
    expect(rendered.one('Service', 'rel-camofleet-runner').spec.clusterIP).toBe('None');
  });
});

const labels = (component: string): object => ({
  'app.kubernetes.io/name': 'camofleet',
  'app.kubernetes.io/instance': 'rel',
  'app.kubernetes.io/component': component,
});

/** What a container is given: its ConfigMap, and what its pod tells it of itself. */
function environmentOf(rendered: Rendered, service: ServiceName): Record<string, string> {
  const name = `rel-camofleet-${service}`;
  const workload = rendered.one(service === 'runner' ? 'StatefulSet' : 'Deployment', name);
  const [container] = workload.spec.template.spec.containers;
  expect(container.envFrom).toEqual([{ configMapRef: { name } }]);
  const pod: Readonly<Record<string, string>> = { 'metadata.name': RUNNER, 'status.podIP': '10.0.0.9' };
  const own = (container.env ?? []) as { name: string; valueFrom: { fieldRef: { fieldPath: string } } }[];
  return {
    ...rendered.one('ConfigMap', name).data,
    ...Object.fromEntries(own.map(({ name: key, valueFrom }) => [key, pod[valueFrom.fieldRef.fieldPath]!])),
  };
}

function valuesOf(service: ServiceName, env: Record<string, string>): unknown {
  return SERVICES[service].load({ env, knownNames: [] });
}

/** Where a cluster has what other engines have elsewhere. */
const PODS = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];
const KEYS = '/run/secrets/camofleet';
const PLACEMENT: Placement = {
  ...composePlacement(topologySchema.parse({ public: { bind: '0.0.0.0' } })),
  controlBind: '0.0.0.0',
  internalBind: { gateway: '127.0.0.1', runner: '0.0.0.0', control: '0.0.0.0' },
  dial: {
    gateway: 'rel-camofleet-gateway',
    control: 'rel-camofleet-control',
    runner: `${RUNNER}.rel-camofleet-runner.fleet.svc`,
  },
  gatewaysName: undefined,
  runnersShareName: false,
  rfb: { advertise: '10.0.0.9', allowed: PODS },
  ingressAddresses: PODS,
  files: {
    tokenKeys: `${KEYS}/token-keys`,
    operatorKey: `${KEYS}/operator-key`,
    serviceKey: `${KEYS}/service-key`,
    runnerState: '/tmp/camofleet',
    controlState: '/var/lib/camofleet/control',
  },
};

function expectedEnvironment(service: ServiceName, topology: Topology): Record<string, string> {
  const named = { ...topology, runner: { ...topology.runner, name: RUNNER } };
  const env = serviceEnvironment(service, named, PLACEMENT);
  return service === 'gateway' ? { ...env, CAMOFLEET_GATEWAY_ID: RUNNER } : env;
}

/** A value of its own kind for each that a topology can have, other than the usual. */
function everythingElse(tree: object): object {
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]: [string, unknown]) => [key, ANOTHER[key] ?? another(value)]),
  );
}

function another(value: unknown): unknown {
  if (typeof value === 'number') return value + 1_000_000 * Number(value > 10_000) + 1;
  if (typeof value === 'string') return `${value}x`;
  return everythingElse(value as object);
}

const ANOTHER: Readonly<Record<string, unknown>> = {
  logLevel: 'debug',
  host: 'Fleet.Example',
  trustedProxies: ['192.0.2.0/24', '2001:db8::/32'],
  allowedOrigins: ['https://wall.example'],
  frameAncestors: ["'self'", 'https://wall.example'],
  resolution: '1280x720x16',
  startUrl: 'https://example.com/?a=$HOME&b={{c}}"\'',
  browsers: { demo: { command: ['demo', '--money=$5', '{url}'], playwright: true } },
  requestTimeoutSeconds: 30.5,
};
