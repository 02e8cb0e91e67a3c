import { isDeepStrictEqual } from 'node:util';
import { Document, isMap, isScalar } from 'yaml';
import { topologyKeys } from './keys.js';
import { type Topology, topologySchema } from './model.js';

/** What a cluster decides in its own way, or the chart does: no value of the chart's `topology`. */
export const CLUSTERS_OWN: readonly string[] = [
  'version',
  'engine',
  'public.bind',
  'public.httpPort',
  'tls',
  'ingress.kind',
  'ingress.provider',
  'ingress.graceTimeoutMs',
  'ingress.readTimeoutMs',
  'ingress.healthIntervalMs',
  'ingress.healthTimeoutMs',
  'ingress.internalPort',
  'containers',
  'swarm',
  'gateway.identity',
  'gateway.webRange',
  'gateway.basePort',
  'runner.name',
  'runner.hosts',
  'runner.legacyIds',
  'control.localKey',
  'edge',
];

/** What a file with nothing but these values begins with. */
export const CHART_HEADER = `# Rendered from camofleet.yaml by \`camofleet render --engine kubernetes\`. Do not edit: change the topology.
# helm upgrade --install NAME charts/camofleet --values kubernetes/values.yaml
`;

type Tree = { readonly [key: string]: unknown };

/** A topology without what is a cluster's own. */
export function chartTopology(topology: Topology): Tree {
  return without(topology, '');
}

/** What this topology sets that a cluster has from elsewhere: paths, as in the file. */
export function leftOutOfChart(topology: Topology): readonly string[] {
  const usual = topologySchema.parse({});
  return CLUSTERS_OWN.filter((path) => path !== 'engine' && !isDeepStrictEqual(at(topology, path), at(usual, path)));
}

/** The chart's values for a topology: what is in charts/camofleet/values.yaml under `topology`, with its comments. */
export function renderChartValues(topology: Topology): string {
  const tree = chartTopology(topology);
  // Helm merges sections: a browser that the chart has and this topology does not is taken out by null.
  const usual = Object.keys(topologySchema.parse({}).runner.browsers).map((name) => [name, null] as const);
  const browsers = { ...Object.fromEntries(usual), ...topology.runner.browsers };
  const document = new Document({ topology: { ...tree, runner: { ...(tree['runner'] as Tree), browsers } } });
  for (const { path, doc } of topologyKeys()) comment(document, ['topology', ...path.split('.')], doc);
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function at(tree: unknown, path: string): unknown {
  return path.split('.').reduce((below, key) => (below as Tree)[key], tree);
}

function without(tree: Tree, path: string): Tree {
  const entries = Object.entries(tree).flatMap(([key, value]) => {
    const below = path === '' ? key : `${path}.${key}`;
    if (CLUSTERS_OWN.includes(below)) return [];
    const isTree = typeof value === 'object' && value !== null && !Array.isArray(value);
    return [[key, isTree ? without(value as Tree, below) : value] as const];
  });
  return Object.fromEntries(entries);
}

/** Says what a key is above it. A range stays one line, and speaks for itself. */
function comment(document: Document, path: readonly string[], doc: string): void {
  const section: unknown = document.getIn(path.slice(0, -1), true);
  if (!isMap(section)) return;
  if (section.items.length === 2 && section.has('min') && section.has('max')) section.flow = true;
  const key = section.items.map((item) => item.key).find((name) => isScalar(name) && name.value === path.at(-1));
  if (isScalar(key) && section.flow !== true) key.commentBefore = ` ${doc}`;
}
