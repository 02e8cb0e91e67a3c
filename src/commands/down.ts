import { Flags } from '@oclif/core';
import { CamofleetCommand, fleetFlags, fleetLocation, progressLine } from '../cli/index.js';

export default class Down extends CamofleetCommand {
  static override summary = 'Stop the fleet of this folder and sweep what is left of it.';
  static override description =
    'Asks the supervisor, which stops each service in reverse order; forces what does not end in time, and says which. Exit code 0 also when nothing runs.';
  static override examples = ['<%= config.bin %> down', '<%= config.bin %> down --timeout 5'];
  static override flags = {
    ...fleetFlags,
    timeout: Flags.integer({ default: 90, min: 0, max: 86_400, summary: 'Seconds until the supervisor is forced.' }),
    json: Flags.boolean({ summary: 'Print what was done as JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Down);
    const [{ fleetPaths }, { takeDown }] = await Promise.all([
      import('../topology/index.js'),
      import('../engine/index.js'),
    ]);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const report = await takeDown(fleetPaths(root, file), flags.timeout * 1000, {
      self: this.context,
      onStop: ({ service, how, tookMs }) =>
        this.say(`  ${progressLine(service, 'stopped', `${how}, ${(tookMs / 1000).toFixed(1)} s`)}`),
    });
    if (flags.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    this.say(closing(report));
  }
}

function closing({ was, how }: { readonly was: string; readonly how: string }): string {
  if (was === 'not running') return 'Not running.';
  if (was === 'killed') return 'Down. The supervisor had been killed; what it left was swept.';
  return how === 'graceful' ? 'Down.' : `Down. The supervisor did not end in time: ${how}.`;
}
