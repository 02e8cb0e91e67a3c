import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

const SRC = join(import.meta.dirname, '..', 'src');

const SERVICE = ['core', 'config', 'settings', 'api', 'rfb', 'tokens', 'processes', 'http', 'sse'];

/** Who may import whom, and why. A folder that is not listed here fails the test. */
const MAY_IMPORT: Readonly<Record<string, { readonly from: readonly string[]; readonly why: string }>> = {
  core: { from: [], why: 'core is the bottom: it knows no domain' },
  config: { from: ['core'], why: 'config knows how a setting is declared, not which exist' },
  settings: { from: ['core', 'config'], why: 'declarations only: engines and services share them' },
  api: { from: ['core'], why: 'wire shapes ship with every part' },
  rfb: { from: ['core'], why: 'protocol code stays free of IO so that it can be fed from a capture' },
  websocket: { from: ['core'], why: 'protocol code stays free of IO' },
  http: { from: ['core'], why: 'what our servers share; no route of ours' },
  sse: { from: ['core'], why: 'event streams know no event of ours' },
  tokens: { from: ['core'], why: 'one codec, used by control and gateway alone' },
  testcard: { from: ['core', 'rfb'], why: 'pure: drawn by the runner, read back by diagnostics' },
  processes: { from: ['core'], why: 'it starts and stops; it knows no service' },
  pki: { from: ['core'], why: 'certificates know no service' },
  report: { from: ['core'], why: 'renderings read results, nothing else' },
  topology: { from: ['core', 'config', 'settings'], why: 'the model and what is rendered from it' },
  backup: { from: ['core', 'settings', 'topology'], why: 'it knows which files are state, and starts nothing' },
  guide: { from: ['core', 'settings', 'topology'], why: 'it tells what others do, and knows no code of theirs' },
  gateway: { from: [...SERVICE, 'websocket'], why: 'the gateway ships alone in its own image' },
  runner: { from: [...SERVICE, 'testcard'], why: 'the runner ships alone in its own image' },
  control: { from: SERVICE, why: 'control ships alone in its own image' },
  ingress: { from: ['core', 'http', 'topology'], why: 'the embedded ingress takes only the routes' },
  engine: {
    from: ['core', 'config', 'settings', 'api', 'topology', 'processes', 'pki', 'tokens'],
    why: 'engines start services as processes and never import one',
  },
  diagnostics: {
    from: ['core', 'config', 'api', 'rfb', 'websocket', 'tokens', 'testcard', 'topology', 'report', 'processes'],
    why: 'it looks from outside; importing a service would test a copy of what is deployed',
  },
  lab: {
    from: ['core', 'topology', 'processes', 'rfb', 'testcard', 'websocket', 'pki', 'report'],
    why: 'it breaks paths of real parts and knows the answers: nobody but the commands may see them',
  },
  health: { from: ['core', 'settings'], why: 'it asks from outside, as whoever runs the container would' },
  images: { from: ['core', 'topology'], why: 'it builds from what is installed, whatever that does' },
  smoke: {
    from: ['core', 'topology', 'processes', 'report', 'engine', 'diagnostics'],
    why: 'it drives an engine and verify, as a person at the command line would; it knows no service',
  },
  cli: { from: ['core'], why: 'what commands share' },
  commands: { from: ['*'], why: 'thin shells over everything' },
};

/** npm packages have a place, so that none leaks into the data path or the protocol code. */
const PACKAGE_PLACES: Readonly<Record<string, readonly string[]>> = {
  '@oclif/core': ['commands', 'cli'],
  chalk: ['commands', 'cli', 'report'],
  listr2: ['commands', 'cli'],
  ws: ['gateway'],
  execa: ['runner', 'engine', 'images', 'diagnostics', 'commands'],
  undici: ['control', 'gateway', 'diagnostics', 'engine', 'lab', 'commands'],
  'pcap-parser': ['diagnostics'],
  fastify: ['runner', 'control'],
  httpxy: ['ingress'],
  jose: ['tokens'],
  yaml: ['topology', 'diagnostics'],
  '@peculiar/x509': ['pki'],
  'prom-client': ['gateway', 'runner', 'control'],
};

interface Source {
  readonly file: string;
  readonly folder: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.startsWith(`ui${sep}`))
  .map((file) => {
    const text = readFileSync(join(SRC, file), 'utf8');
    const specifiers = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g);
    return { file, folder: file.split(sep)[0]!, text, imports: [...specifiers].map((match) => match[1]!) };
  });

function ownFolder(source: Source, specifier: string): string {
  return relative(SRC, normalize(join(SRC, dirname(source.file), specifier))).split(sep)[0]!;
}

describe('architecture', () => {
  test.each(sources)('$file imports only what its folder may', (source) => {
    const rule = MAY_IMPORT[source.folder];
    expect(rule, `src/${source.folder} has no rule`).toBeDefined();
    const foreign = source.imports
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => ownFolder(source, specifier))
      .filter((folder) => folder !== source.folder && !rule!.from.includes(folder) && !rule!.from.includes('*'));
    expect(foreign, rule!.why).toEqual([]);
  });

  test.each(sources)('$file imports other folders by their index alone', (source) => {
    const deep = source.imports.filter(
      (specifier) =>
        specifier.startsWith('.') && ownFolder(source, specifier) !== source.folder && !specifier.endsWith('/index.js'),
    );
    expect(deep).toEqual([]);
  });

  test.each(sources)('$file uses npm packages only in their place', (source) => {
    const misplaced = source.imports.filter((specifier) => {
      const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]!;
      return PACKAGE_PLACES[name] !== undefined && !PACKAGE_PLACES[name].includes(source.folder);
    });
    expect(misplaced).toEqual([]);
  });

  test.each(sources)("$file has Node's HTTP from core, which loads no more than is used", ({ text }) => {
    expect(text.match(/^import (?!type\b)[^;]*'(node:)?http';/gm) ?? []).toEqual([]);
  });

  test.each(sources.filter(({ folder }) => folder !== 'cli' && folder !== 'commands'))(
    '$file leaves the process to the commands',
    ({ text }) => {
      const uses = text.match(/\bprocess\.(env|exit|exitCode|argv|cwd|stdout|stderr|stdin|on|once)\b/g) ?? [];
      expect(uses, 'time, environment and output are passed in').toEqual([]);
    },
  );

  test('every folder says in its index what it is for', () => {
    const folders = new Set(sources.map(({ folder }) => folder).filter((folder) => folder !== 'commands'));
    const silent = [...folders].filter((folder) => {
      const index = sources.find(({ file }) => file === join(folder, 'index.ts'));
      return !index?.text.startsWith('/**');
    });
    expect(silent).toEqual([]);
  });
});
