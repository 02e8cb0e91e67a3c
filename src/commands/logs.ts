import { Args, Flags } from '@oclif/core';
import { CamofleetCommand, engineFlag, fleetFlags, fleetLocation } from '../cli/index.js';

export default class Logs extends CamofleetCommand {
  static override summary = 'Print the logs of the services, and follow them.';
  static override description =
    'Sources: supervisor, runner, control, gateway, ingress, traefik-access; of containers the names of the services, and traefik-access. Without one, all of them, each line behind its source. Following ends with Ctrl-C, exit code 0.';
  static override examples = [
    '<%= config.bin %> logs',
    '<%= config.bin %> logs gateway -f',
    '<%= config.bin %> logs traefik-access --lines 5',
  ];
  static override args = { source: Args.string({ description: 'One source alone.' }) };
  static override flags = {
    ...fleetFlags,
    ...engineFlag,
    follow: Flags.boolean({ char: 'f', summary: 'Go on with what comes.' }),
    lines: Flags.integer({ default: 50, min: 0, summary: 'Lines of each source to begin with.' }),
    json: Flags.boolean({ summary: 'Each line as JSON: {"source", "text"}.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Logs);
    const [{ fleetPaths }, { openEngine }] = await Promise.all([
      import('../topology/index.js'),
      import('../engine/index.js'),
    ]);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const sources = args.source === undefined ? [] : [args.source];
    const reader = new AbortController();
    process.stdout.once('close', () => reader.abort()); // `logs -f | head` ends
    const paths = fleetPaths(root, file);
    const engine = await openEngine(flags.engine, { paths, self: this.context, version: this.config.version });
    const lines = engine.logs(
      { sources, lines: flags.lines, follow: flags.follow },
      AbortSignal.any([this.signal, reader.signal]),
    );
    for await (const { source, text } of lines) {
      if (reader.signal.aborted) break;
      const plain = sources.length === 1 ? text : `${source.padEnd(14)} ${text}`;
      process.stdout.write(`${flags.json ? JSON.stringify({ source, text }) : plain}\n`);
    }
  }
}
