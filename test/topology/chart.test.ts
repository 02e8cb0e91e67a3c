import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseDocument } from 'yaml';
import { z } from 'zod';
import { KNOWN_NAMES, SERVICES } from '../../src/settings/index.ts';
import { fleetPaths, render } from '../../src/topology/index.ts';
import { topologySchema } from '../../src/topology/model.ts';
import { CLUSTERS_OWN, renderChartValues } from '../../src/topology/render-chart.ts';
import { EXAMPLES, packageTemplates, topologyOf } from './support/topology.ts';

/** What the chart says of the topology is the model's: `UPDATE_GOLDENS=1` writes it anew. */
const CHART = join(import.meta.dirname, '..', '..', 'charts', 'camofleet');
const read = (file: string): string => readFileSync(join(CHART, file), 'utf8');

/** The usual topology, but for the name and port that nobody could guess. */
const USUAL = topologySchema.parse({ public: { host: 'camofleet.example.com', port: 443 } });

type Schema = { [key: string]: unknown } & { properties?: Record<string, Schema>; required?: string[] };

/** The model as JSON schema, without what is a cluster's own and what only our own messages need. */
function topologyOfSchema(): Schema {
  const whole = z.toJSONSchema(topologySchema, { target: 'draft-7', io: 'input' }) as Schema;
  const { $schema: _, ...schema } = pruned(whole, '');
  return schema;
}

function pruned(schema: Schema, path: string): Schema {
  const { want: _, properties, ...rest } = schema;
  if (!properties) return rest;
  const kept = Object.entries(properties)
    .map(([key, value]) => [key, path === '' ? key : `${path}.${key}`, value] as const)
    .filter(([, below]) => !CLUSTERS_OWN.includes(below));
  return { ...rest, properties: Object.fromEntries(kept.map(([key, below, value]) => [key, pruned(value, below)])) };
}

/** The settings of a service by their names, all text as an environment is. */
const settingsOf = (service: keyof typeof SERVICES): Schema => ({
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(
    Object.values(SERVICES[service].fields).map(({ env, doc }) => [env, { type: 'string', description: doc }]),
  ),
});

function expectFile(file: string, text: string): void {
  if (process.env['UPDATE_GOLDENS'] === '1') writeFileSync(join(CHART, file), text);
  expect(read(file), `charts/camofleet/${file}; UPDATE_GOLDENS=1 writes it anew`).toBe(text);
}

describe('the chart', () => {
  test('has the values of the topology from the model, comments included', () => {
    const text = read('values.yaml');
    const [before, after] = text.split(/^topology:(?: \{\}\n|\n(?: .*\n)*)/m);
    expectFile('values.yaml', `${before}${renderChartValues(USUAL)}${after}`);
  });

  test('has the schema of the topology from the model, and knows each setting of each service', () => {
    const schema = JSON.parse(read('values.schema.json')) as Schema;
    schema.properties!['topology'] = topologyOfSchema();
    for (const service of ['gateway', 'control', 'runner'] as const)
      schema.properties![service]!.properties!['settings'] = settingsOf(service);
    expectFile('values.schema.json', `${JSON.stringify(schema, null, 2)}\n`);
  });

  test('has a value for each key of its schema, and a key for each value', () => {
    const schema = JSON.parse(read('values.schema.json')) as Schema;
    expect(keysOfSchema(schema).filter((key) => key !== 'global')).toEqual(
      keysOfValues(parse(read('values.yaml')), schema),
    );
  });

  test('describes each of its values', () => {
    const lines = read('values.yaml').split('\n');
    expect(parseDocument(lines.join('\n')).errors).toEqual([]);
    expect(lines.filter((line) => line.length > 130)).toEqual([]);
  });

  test('is of the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(CHART, '..', '..', 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(parse(read('Chart.yaml'))).toMatchObject({ version, appVersion: version });
  });

  test('sets nothing that is no setting', () => {
    const names = ['_environment.tpl', 'gateway.yaml', 'runner.yaml', 'control.yaml'].flatMap((file) =>
      [...read(join('templates', file)).matchAll(/(?:^ {2}|- name: )"?([A-Z][A-Z0-9_]{5,})\b/gm)].map(
        ([, name]) => name!,
      ),
    );
    expect(names.length).toBeGreaterThan(60);
    expect(names.filter((name) => !KNOWN_NAMES.includes(name))).toEqual([]);
  });
});

describe('the values of a fleet', () => {
  const input = { paths: fleetPaths('/srv/fleet'), version: '1.2.3' };

  test.each(Object.keys(EXAMPLES))('are its topology, with what the chart has besides taken out (%s)', async (name) => {
    const topology = topologyOf(EXAMPLES[name]!);
    const [file, ...more] = render(topology, 'kubernetes', { ...input, templates: await packageTemplates() });
    expect(more).toEqual([]);
    expect(file!.path).toBe('kubernetes/values.yaml');
    expect(file!.text).toContain('Do not edit');
    expect(parse(file!.text)).toMatchObject({
      topology: { public: { host: topology.public.host }, gateway: { port: topology.gateway.port } },
    });
    const values = parse(file!.text) as { topology: { runner: { browsers: Record<string, unknown> }; tls?: unknown } };
    expect(values.topology.tls).toBeUndefined();
    const kept = Object.entries(values.topology.runner.browsers).filter(([, browser]) => browser !== null);
    expect(Object.fromEntries(kept)).toEqual(topology.runner.browsers);
  });
});

/** Dotted paths of what a strict schema names; where names are free, the path of the place. */
function keysOfSchema({ properties }: Schema, path = ''): string[] {
  return Object.entries(properties ?? {}).flatMap(([key, value]) => {
    const below = path === '' ? key : `${path}.${key}`;
    return hasFixedKeys(key, value) ? keysOfSchema(value, below) : [below];
  });
}

function keysOfValues(values: unknown, { properties }: Schema, path = ''): string[] {
  return Object.entries(values as Record<string, unknown>).flatMap(([key, value]) => {
    const below = path === '' ? key : `${path}.${key}`;
    const schema = properties?.[key];
    return schema && hasFixedKeys(key, schema) ? keysOfValues(value, schema, below) : [below];
  });
}

/** Settings are there to be chosen from. */
function hasFixedKeys(key: string, { properties }: Schema): boolean {
  return properties !== undefined && key !== 'settings';
}
