import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { fleetPaths, render } from '../../src/topology/index.ts';
import { EXAMPLES, packageTemplates, topologyOf } from './support/topology.ts';

const templates = await packageTemplates();

interface Rendered {
  readonly services: Readonly<
    Record<string, { readonly labels?: Readonly<Record<string, string>>; readonly volumes?: readonly string[] }>
  >;
}

function rendered(yaml: string): { readonly compose: Rendered; readonly dynamic: string; readonly static: string } {
  const files = render(topologyOf(yaml), 'compose', { paths: fleetPaths('/srv/fleet'), templates, version: '1.2.3' });
  const text = (path: string): string => files.find((file) => file.path === path)!.text;
  return {
    compose: parse(text('compose.yaml'), { merge: true }) as Rendered,
    dynamic: text('traefik/dynamic/camofleet.yaml'),
    static: text('traefik/traefik.yaml'),
  };
}

describe('routes as labels', () => {
  const { compose, dynamic } = rendered(EXAMPLES['labels']!);
  const { gateway, control, runner, traefik } = compose.services;

  test('stand at the containers that they lead to, with what they name', () => {
    expect(gateway!.labels).toMatchObject({
      'traefik.enable': 'true',
      'traefik.docker.network': 'labels_edge',
      'traefik.http.routers.websockify.rule': 'Path(`/websockify`)',
      'traefik.http.routers.websockify.tls.domains[0].main': 'fleet.example.com',
      'traefik.http.services.gateway.loadBalancer.serversTransport': 'fleet@file',
      'traefik.http.services.gateway.loadBalancer.healthCheck.path': '/readyz',
    });
    expect(control!.labels).toMatchObject({
      'traefik.http.routers.api.middlewares': 'strip-api',
      'traefik.http.middlewares.strip-api.stripPrefix.prefixes': '/api',
      'traefik.http.services.control.loadBalancer.server.port': '9000',
    });
    expect(Object.keys({ ...gateway!.labels, ...control!.labels }).some((name) => name.includes('to-https'))).toBe(
      false,
    );
    expect(runner!.labels).toBeUndefined();
    expect(Object.keys(traefik!.labels!)).toEqual(['camofleet.static']);
  });

  test('are this fleet’s alone', () => {
    expect(parse(rendered(EXAMPLES['labels']!).static)).toMatchObject({
      providers: { docker: { exposedByDefault: false, constraints: 'Label(`camofleet.fleet`,`labels`)' } },
    });
    for (const service of [gateway, control]) expect(service!.labels).toMatchObject({ 'camofleet.fleet': 'labels' });
  });

  test('leave a file that says 503 while their containers are gone, and sends pages on to TLS', () => {
    const { http } = parse(dynamic) as { http: Record<string, Record<string, object>> };
    expect(http['routers']!['websockify']).toMatchObject({ priority: 1, service: 'gateway' });
    expect(http['routers']!['to-https']).not.toHaveProperty('priority');
    expect(Object.keys(http['middlewares']!)).toEqual(['to-https']);
    expect(http['services']).toMatchObject({ gateway: { loadBalancer: { servers: [] } } });
    expect(http['serversTransports']).toHaveProperty('fleet');
  });

  test('give nobody the socket of Docker who does not ask for them', () => {
    const socket = expect.stringContaining('docker.sock') as unknown;
    expect(traefik!.volumes).toContainEqual(socket);
    const plain = rendered('');
    expect(plain.compose.services['traefik']!.volumes).not.toContainEqual(socket);
    expect(plain.static).not.toContain('docker');
    expect(plain.compose.services['gateway']!.labels).toBeUndefined();
  });
});
