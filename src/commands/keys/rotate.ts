import { Flags } from '@oclif/core';
import { CamofleetCommand, engineFlag, fleetFlags, fleetLocation } from '../../cli/index.js';

export default class KeysRotate extends CamofleetCommand {
  static override summary = 'Seal tokens with a new key from now on.';
  static override description =
    `The key before still opens what it has sealed, until the next rotation; older ones are gone. With --drop it is gone as
well: no link from before opens any more. Open sockets live on, and their pages renew their tokens unless --drop.`;
  static override examples = ['<%= config.bin %> keys rotate', '<%= config.bin %> keys rotate --drop'];
  static override flags = {
    ...fleetFlags,
    ...engineFlag,
    drop: Flags.boolean({ summary: 'Let nothing that was sealed before be opened.' }),
    json: Flags.boolean({ summary: 'Print the ids of the keys as JSON; never a key.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(KeysRotate);
    const [{ fleetPaths }, { openEngine }, { rotateKeyFile }] = await Promise.all([
      import('../../topology/index.js'),
      import('../../engine/index.js'),
      import('../../tokens/index.js'),
    ]);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const paths = fleetPaths(root, file);
    const engine = await openEngine(flags.engine, { paths, self: this.context, version: this.config.version });
    const rotated = await rotateKeyFile(paths.tokenKeys, { drop: flags.drop });
    await engine.refresh();
    if (flags.json) process.stdout.write(`${JSON.stringify(rotated)}\n`);
    const before = rotated.kept.length > 0 ? `${rotated.kept.join(', ')} still opens` : 'nothing from before opens';
    this.say(`New tokens are sealed with ${rotated.active}; ${before}.`);
  }
}
