import { Flags } from '@oclif/core';
import { CamofleetCommand, engineFlag, fleetFlags, fleetLocation, progressLine } from '../cli/index.js';

export default class Down extends CamofleetCommand {
  static override summary = 'Stop the fleet of this folder and sweep what is left of it.';
  static override description =
    'Stops each service in reverse order; forces what does not end in time, and says which. Exit code 0 also when nothing runs.';
  static override examples = [
    '<%= config.bin %> down',
    '<%= config.bin %> down --timeout 5',
    '<%= config.bin %> down --volumes    # containers: and what they have kept',
  ];
  static override flags = {
    ...fleetFlags,
    ...engineFlag,
    timeout: Flags.integer({ default: 90, min: 0, max: 86_400, summary: 'Seconds until what still runs is forced.' }),
    volumes: Flags.boolean({ summary: 'Remove the volumes of the containers as well.' }),
    json: Flags.boolean({ summary: 'Print what was done as JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Down);
    const [{ fleetPaths }, { noteEngine, openEngine }] = await Promise.all([
      import('../topology/index.js'),
      import('../engine/index.js'),
    ]);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const paths = fleetPaths(root, file);
    const engine = await openEngine(flags.engine, { paths, self: this.context, version: this.config.version });
    const report = await engine.down({
      timeoutMs: flags.timeout * 1000,
      volumes: flags.volumes,
      onStop: ({ service, how, tookMs }) =>
        this.say(`  ${progressLine(service, 'stopped', `${how}, ${(tookMs / 1000).toFixed(1)} s`)}`),
    });
    await noteEngine(paths, undefined);
    if (flags.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    this.say(closing(report));
  }
}

function closing({ was, how }: { readonly was: string; readonly how: string }): string {
  if (was === 'not running') return 'Not running.';
  if (was === 'killed') return 'Down. The supervisor had been killed; what it left was swept.';
  return how === 'graceful' ? 'Down.' : `Down. Not all of it ended in time: ${how}.`;
}
