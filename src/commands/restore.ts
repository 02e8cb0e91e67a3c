import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { CamofleetCommand, fleetFlags, fleetLocation } from '../cli/index.js';
import { CamofleetError } from '../core/index.js';

export default class Restore extends CamofleetCommand {
  static override summary = 'Put the state of a backup into the folder of a fleet.';
  static override description =
    `Checks the whole archive first; then writes what differs, with its modes. The fleet must not run.
What control remembers is joined with what it knows itself at its next start, and tokens that are good once and older than that start
are refused: what was redeemed after the backup is not known.`;
  static override examples = [
    '<%= config.bin %> restore fleet.tar.gz',
    'mkdir fleet && <%= config.bin %> restore fleet.tar.gz -C fleet',
  ];
  static override args = { file: Args.string({ description: 'The archive.', required: true }) };
  static override flags = {
    ...fleetFlags,
    force: Flags.boolean({ summary: 'Replace state that is there already and differs.' }),
    json: Flags.boolean({ summary: 'Print what was done as JSON.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Restore);
    const [{ fleetPaths }, { restoreBackup }, { openEngine }] = await Promise.all([
      import('../topology/index.js'),
      import('../backup/index.js'),
      import('../engine/index.js'),
    ]);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const paths = fleetPaths(root, file);
    const engine = await openEngine(undefined, { paths, self: this.context, version: this.config.version });
    const { state } = await engine.status();
    if (state === 'up' || state === 'starting' || state === 'stopping')
      throw new CamofleetError('CF_FLEET_RUNNING', 'this fleet runs, and would not see what is restored');
    const archive = resolve(this.context.cwd, args.file);
    const restored = await restoreBackup(paths, { file: archive, force: flags.force, version: this.config.version });
    const { manifest, written, unchanged } = restored;
    const { fleet, version, createdAt, elsewhere } = manifest;
    if (flags.json)
      process.stdout.write(`${JSON.stringify({ fleet, version, createdAt, written, unchanged, elsewhere })}\n`);
    this.say(
      `${fleet}, as it was at ${createdAt}: ${written.length} files written, ${unchanged.length} were the same.`,
    );
    for (const path of elsewhere) this.say(`Was not in the backup, and is needed: ${path}`);
    this.say(
      'Rights that were revoked after it are unknown: `camofleet keys rotate --drop` ends every token from before.',
    );
    this.say('Next: camofleet render, camofleet up.');
  }
}
