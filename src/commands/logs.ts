import { Args, Flags } from '@oclif/core';
import { CamofleetCommand, fleetFlags, fleetLocation } from '../cli/index.js';

export default class Logs extends CamofleetCommand {
  static override summary = 'Print the logs of the services, and follow them.';
  static override description =
    'Sources: gateway, runner, control, ingress, supervisor, traefik-access. Without one, all of them.';
  static override examples = [
    '<%= config.bin %> logs',
    '<%= config.bin %> logs gateway -f',
    '<%= config.bin %> logs traefik-access --lines 5',
  ];
  static override args = { source: Args.string({ description: 'One source alone.' }) };
  static override flags = {
    ...fleetFlags,
    follow: Flags.boolean({ char: 'f', summary: 'Go on with what comes.' }),
    lines: Flags.integer({ default: 50, summary: 'Lines of each source to begin with.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Logs);
    const [{ fleetPaths }, { followLogs }] = await Promise.all([
      import('../topology/index.js'),
      import('../engine/index.js'),
    ]);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const sources = args.source === undefined ? [] : [args.source];
    const lines = followLogs(
      fleetPaths(root, file),
      { sources, lines: flags.lines, follow: flags.follow },
      this.signal,
    );
    for await (const { source, text } of lines)
      process.stdout.write(sources.length === 1 ? `${text}\n` : `${source.padEnd(14)} ${text}\n`);
  }
}
