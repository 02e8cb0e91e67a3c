import { Flags } from '@oclif/core';
import { CamofleetCommand, fleetFlags, fleetLocation, table } from '../cli/index.js';
import { EXIT } from '../core/index.js';

export default class Status extends CamofleetCommand {
  static override summary = 'Say what of the fleet runs, since when, and how often it was restarted.';
  static override description = 'Exit code 0 when it runs, 3 when it does not.';
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --json'];
  static override flags = { ...fleetFlags, json: Flags.boolean({ summary: 'Print the state as JSON.' }) };

  async run(): Promise<void> {
    const { flags } = await this.parse(Status);
    const [{ fleetPaths }, { runningRecord }] = await Promise.all([
      import('../topology/index.js'),
      import('../engine/index.js'),
    ]);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const record = await runningRecord(fleetPaths(root, file));
    process.exitCode = record ? EXIT.ok : EXIT.couldNotRun;
    if (flags.json) {
      process.stdout.write(`${JSON.stringify(record ?? { state: 'not running' }, null, 2)}\n`);
      return;
    }
    if (!record) {
      this.say('Not running. Start it with `camofleet up`.');
      return;
    }
    const rows = record.services.map(({ name, state, identity, restarts, lastEnd }) => [
      name,
      state,
      identity ? String(identity.pid) : '-',
      String(restarts),
      lastEnd ?? '',
    ]);
    process.stdout.write(`${record.url}/  ${record.state}, served by ${record.ingress}, since ${record.startedAt}\n\n`);
    process.stdout.write(`${table([['service', 'state', 'pid', 'restarts', 'last end'], ...rows])}\n`);
  }
}
