/** The guide's table of routes against the services' own. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { buildApi as buildControl } from '../../src/control/api.ts';
import { buildInternal } from '../../src/control/internal.ts';
import { routeOf as routeOfGateway } from '../../src/gateway/routes.ts';
import { composeSubject, renderGuide, SERVICE_ROUTES, type ServiceRoute } from '../../src/guide/index.ts';
import { routeOf as routeOfIngress } from '../../src/ingress/routes.ts';
import { buildApi as buildRunner } from '../../src/runner/api.ts';
import { controlSettings } from '../../src/settings/index.ts';
import { EXAMPLES, packageTemplates, topologyOf } from '../topology/support/topology.ts';

const SRC = join(import.meta.dirname, '..', '..', 'src');

/** `METHOD /path` of a service's listener, as the guide has them. */
function listed(service: string, listener: string): string[] {
  return SERVICE_ROUTES.filter((route) => route.service === service && route.listener === listener)
    .map(({ method, path }) => `${method} ${path}`)
    .toSorted();
}

/** The routes of an app from the tree that Fastify prints; HEAD follows from GET. */
function served(tree: string): string[] {
  const above: string[] = [];
  return tree
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part = '', methods = ''] = /^([│ ]*)[├└]── (\S*)(?: \(([^)]*)\))?$/.exec(line) ?? [];
      if (part === '') return [];
      const depth = indent.length / 4;
      above.length = depth;
      above.push(part);
      const path = above.join('').replaceAll(/:(\w+)/g, '{$1}');
      return methods.split(', ').flatMap((method) => (method === '' || method === 'HEAD' ? [] : [`${method} ${path}`]));
    })
    .toSorted();
}

function pageFolder(): { readonly root: string } & Disposable {
  const root = mkdtempSync(join(tmpdir(), 'camofleet-page-'));
  mkdirSync(join(root, '~assets'));
  writeFileSync(join(root, 'index.html'), '');
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
}

/** The paths that a plain listener compares a request with. */
function comparedIn(file: string): string[] {
  const source = readFileSync(join(SRC, file), 'utf8');
  return [...new Set([...source.matchAll(/url (?:===|!==) '(\/[^']+)'/g)].map(([, path]) => path!))].toSorted();
}

const sample = (path: string): string => path.replaceAll(/\{\w+\}/g, 'abc');

describe('the routes of the guide are those of', () => {
  test('the control plane', async () => {
    using page = pageFolder();
    const config = controlSettings.load({ env: {}, knownNames: [] });
    const deps = { config, version: '1', page: { root: page.root, apiPrefix: '/api', version: '1' } };
    const api = await buildControl(deps as never);
    expect(listed('control', 'port')).toEqual(served(api.printRoutes({ commonPrefix: false })));
  });

  test('its internal listener', async () => {
    const internal = await buildInternal({ metricsPath: '/metrics', registry: {}, gateways: () => {} } as never);
    expect(listed('control', 'internalPort')).toEqual(served(internal.printRoutes({ commonPrefix: false })));
  });

  test('the runner', async () => {
    const api = buildRunner({ corsOrigins: [] } as never);
    await api.ready();
    expect(listed('runner', 'port')).toEqual(served(api.printRoutes({ commonPrefix: false })));
  });

  test.each([
    ['gateway', 'gateway/internal-listener.ts'],
    ['runner', 'runner/internal.ts'],
  ])('the internal listener of the %s', (service, file) => {
    const paths = listed(service, 'internalPort')
      .map((route) => route.split(' ')[1]!)
      .toSorted();
    expect(paths).toEqual(comparedIn(file));
  });

  test('the gateway, and each kind of route that it knows is there', () => {
    const kinds = SERVICE_ROUTES.filter(({ service, listener }) => service === 'gateway' && listener === 'port').map(
      ({ path }) => routeOfGateway(sample(path)).to,
    );
    const known = [...readFileSync(join(SRC, 'gateway', 'routes.ts'), 'utf8').matchAll(/readonly to: '(\w+)'/g)]
      .map(([, kind]) => kind!)
      .filter((kind) => kind !== 'nothing');
    expect(new Set(kinds)).toEqual(new Set(known));
  });
});

describe('what is public', () => {
  const isPublic = ({ reach }: ServiceRoute): boolean => reach !== 'internal';

  test.each(SERVICE_ROUTES.filter(isPublic))('$method $path reaches $service through the ingress', (route) => {
    const path = sample(route.reach === 'api' ? `/api${route.path}` : route.path);
    expect(routeOfIngress(path)).toMatchObject({ service: route.service, path: sample(route.path) });
  });

  test('is nothing else: the same paths at the ingress lead to no internal listener', () => {
    const internal = SERVICE_ROUTES.filter((route) => !isPublic(route) && route.service !== 'x11vnc');
    const led = internal.filter(({ path, service, listener }) => {
      const routed = routeOfIngress(sample(path));
      return routed?.service === service && listener === 'port';
    });
    expect(led).toEqual([]);
  });
});

test('routes.csv has a row for each, with as many cells as heads, and the ports of the topology', async () => {
  const subject = composeSubject(topologyOf(EXAMPLES['files']!), await packageTemplates());
  const csv = renderGuide(subject).find(({ path }) => path.endsWith('routes.csv'))!.text;
  const rows = csv
    .trimEnd()
    .split('\n')
    .map((line) => [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, cell]) => cell!).slice(0, -1));
  expect(rows).toHaveLength(SERVICE_ROUTES.length + 1);
  expect(new Set(rows.map((cells) => cells.length))).toEqual(new Set([10]));
  expect(rows[1]!.slice(0, 6)).toEqual(['fleet.example.com:443', '/vnc/{id}', 'GET', 'websecure', 'gateway', '7900']);
  expect(rows.at(-1)!.slice(2, 6)).toEqual(['RFB', '', 'x11vnc', '6000-6009']);
  expect(rows.filter(([, , , entryPoint]) => entryPoint === '').every(([host]) => !host!.includes('example'))).toBe(
    true,
  );
});
