import { Args, Flags } from '@oclif/core';
import { CamofleetCommand, fleetFlags, fleetLocation, table } from '../../cli/index.js';
import type { ServiceName } from '../../settings/index.js';

const SERVICE_NAMES = ['gateway', 'runner', 'control'] as const;

export default class ConfigExplain extends CamofleetCommand {
  static override summary = 'List every setting of a service: value, where it comes from, default, and what it means.';
  static override description =
    `With a camofleet.yaml in the folder the values are those that \`camofleet up\` gives the service; without one, those
of this environment.`;
  static override examples = [
    '<%= config.bin %> config explain',
    '<%= config.bin %> config explain gateway',
    '<%= config.bin %> config explain runner --json',
  ];
  static override args = { service: Args.string({ options: [...SERVICE_NAMES], description: 'One service alone.' }) };
  static override flags = { ...fleetFlags, json: Flags.boolean({ summary: 'Print the settings as JSON.' }) };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ConfigExplain);
    const { KNOWN_NAMES, SERVICES } = await import('../../settings/index.js');
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const names = SERVICE_NAMES.filter((name) => args.service === undefined || name === args.service);
    const explained = await Promise.all(
      names.map(async (service) => {
        const topologyEnv = await topologyEnvironment(service, root, file);
        const env = topologyEnv ?? this.context.env;
        const settings = SERVICES[service].explain({ env, knownNames: KNOWN_NAMES });
        return {
          service,
          settings: settings.map((setting) => ({
            ...setting,
            origin: topologyEnv && setting.origin === 'environment' ? 'topology' : setting.origin,
          })),
        };
      }),
    );
    if (flags.json) {
      process.stdout.write(`${JSON.stringify(explained, replaceMaps, 2)}\n`);
      return;
    }
    for (const { service, settings } of explained) {
      const rows = settings.map(({ env, value, origin, kind, doc }) => [env, shown(value), origin, `${doc} (${kind})`]);
      process.stdout.write(`${service}\n${table([['name', 'value', 'from', 'meaning'], ...rows])}\n\n`);
    }
  }
}

/** What the topology gives a service; undefined where there is no topology. */
async function topologyEnvironment(
  service: ServiceName,
  root: string,
  file: string | undefined,
): Promise<Record<string, string> | undefined> {
  const { fleetPaths, loadTopology, localPlacement, serviceEnvironment } = await import('../../topology/index.js');
  const { access } = await import('node:fs/promises');
  const paths = fleetPaths(root, file);
  const isThere = await access(paths.topologyFile).then(
    () => true,
    () => false,
  ); // no topology here
  if (!isThere) return undefined;
  const topology = await loadTopology(paths.topologyFile);
  return serviceEnvironment(service, topology, localPlacement(topology, paths));
}

const MAX_SHOWN = 40;

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value || '-' : (JSON.stringify(value, replaceMaps) ?? '-');
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1)}…` : text;
}

function replaceMaps(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}
