import { Flags } from '@oclif/core';
import { CamofleetCommand, fleetFlags, fleetLocation } from '../cli/index.js';

export default class Down extends CamofleetCommand {
  static override summary = 'Stop the fleet of this folder and sweep what is left of it.';
  static override description =
    'Asks the supervisor, which stops each service in reverse order; forces what does not end in time, and says which.';
  static override examples = ['<%= config.bin %> down', '<%= config.bin %> down --timeout 5'];
  static override flags = {
    ...fleetFlags,
    timeout: Flags.integer({ default: 90, summary: 'Seconds until the supervisor is forced.' }),
    json: Flags.boolean({ summary: 'Print what was done as JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Down);
    const [{ fleetPaths }, { takeDown }] = await Promise.all([
      import('../topology/index.js'),
      import('../engine/index.js'),
    ]);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const report = await takeDown(
      fleetPaths(root, file),
      flags.timeout * 1000,
      (pid, signal) => void process.kill(pid, signal),
    );
    if (flags.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    if (report.was === 'not running') this.say('Not running.');
    for (const { service, how, tookMs } of report.stops)
      this.say(`  ${service.padEnd(8)} stopped  ${how}, ${(tookMs / 1000).toFixed(1)} s`);
    if (report.was === 'leftovers') this.say('The supervisor was gone; what it left was swept.');
    if (report.was === 'running')
      this.say(report.how === 'forced' ? 'Down. The supervisor had to be forced.' : 'Down.');
  }
}
