import { Args, Flags } from '@oclif/core';
import { CamofleetCommand, fleetFlags, fleetLocation, table } from '../../cli/index.js';
import { EXIT } from '../../core/index.js';
import type { ServiceName } from '../../settings/index.js';
import type { ReadTopology } from '../../topology/index.js';

const SERVICE_NAMES = ['gateway', 'runner', 'control'] as const;
const SUBJECTS = ['topology', ...SERVICE_NAMES] as const;

/** Everything that can be set at one place, as it is printed. */
interface Explanation {
  readonly service: (typeof SUBJECTS)[number];
  readonly settings: readonly Row[];
  readonly problems: readonly string[];
}

interface Row {
  readonly key: string;
  /** Absent for keys of the topology. */
  readonly env?: string;
  readonly kind: string;
  readonly doc: string;
  readonly value: unknown;
  readonly default: unknown;
  readonly origin: string;
}

export default class ConfigExplain extends CamofleetCommand {
  static override summary =
    'List every setting of the topology and of each service: value, where it comes from, and what it means.';
  static override description =
    `With a camofleet.yaml in the folder the values are those that \`camofleet up\` gives the services; without one, those
of this environment. Exit code 2, after the list, when something in this environment is wrong.`;
  static override examples = [
    '<%= config.bin %> config explain',
    '<%= config.bin %> config explain topology',
    '<%= config.bin %> config explain gateway',
    '<%= config.bin %> config explain runner --json',
  ];
  static override args = {
    service: Args.string({ options: [...SUBJECTS], description: 'The topology, or one service alone.' }),
  };
  static override flags = { ...fleetFlags, json: Flags.boolean({ summary: 'Print the settings as JSON.' }) };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConfigExplain);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const read = await readFleet(root, file);
    const subjects = SUBJECTS.filter((name) => args.service === undefined || name === args.service);
    const explained = await Promise.all(
      subjects.map((subject) =>
        subject === 'topology' ? explainKeys(read) : explainService(subject, read, this.context.env),
      ),
    );
    if (flags.json) process.stdout.write(`${JSON.stringify(explained, replaceMaps, 2)}\n`);
    else for (const { service, settings } of explained) process.stdout.write(`${service}\n${tableOf(settings)}\n\n`);
    const problems = [...new Set(explained.flatMap((explanation) => explanation.problems))];
    if (problems.length === 0) return;
    this.say(`error  CF_CONFIG_INVALID\n  ${problems.join('\n  ')}\n  → The default is shown in its place above.`);
    process.exitCode = EXIT.usage;
  }
}

interface Fleet extends ReadTopology {
  /** What `up` gives a service. */
  readonly environment: (service: ServiceName) => Record<string, string>;
}

/** The fleet of a folder; undefined where there is no topology. */
async function readFleet(root: string, file: string | undefined): Promise<Fleet | undefined> {
  const { fleetPaths, localPlacement, readTopology, serviceEnvironment } = await import('../../topology/index.js');
  const { access } = await import('node:fs/promises');
  const paths = fleetPaths(root, file);
  const isThere = await access(paths.topologyFile).then(
    () => true,
    () => false,
  ); // no topology here
  if (!isThere) return undefined;
  const read = await readTopology(paths.topologyFile);
  const placement = localPlacement(read.topology, paths);
  return { ...read, environment: (service) => serviceEnvironment(service, read.topology, placement) };
}

async function explainKeys(read: Fleet | undefined): Promise<Explanation> {
  const { explainTopology } = await import('../../topology/index.js');
  return { service: 'topology', settings: explainTopology(read), problems: [] };
}

async function explainService(
  service: ServiceName,
  read: Fleet | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Explanation> {
  const { KNOWN_NAMES, SERVICES } = await import('../../settings/index.js');
  const env = read?.environment(service) ?? environment;
  const { settings, problems } = SERVICES[service].explain({ env, knownNames: KNOWN_NAMES });
  const origin = (from: string): string => (read && from === 'environment' ? 'topology' : from);
  return { service, settings: settings.map((setting) => ({ ...setting, origin: origin(setting.origin) })), problems };
}

function tableOf(settings: readonly Row[]): string {
  const rows = settings.map(({ key, env, value, origin, kind, doc }) => [
    env ?? key,
    shown(value),
    origin,
    `${doc} (${kind})`,
  ]);
  return table([['name', 'value', 'from', 'meaning'], ...rows]);
}

const MAX_SHOWN = 40;

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value ?? undefined, replaceMaps) ?? '');
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1)}…` : text || '-';
}

function replaceMaps(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}
