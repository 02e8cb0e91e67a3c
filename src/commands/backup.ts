import { isatty } from 'node:tty';
import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { CamofleetCommand, fleetFlags, fleetLocation } from '../cli/index.js';
import { CamofleetError } from '../core/index.js';

export default class Backup extends CamofleetCommand {
  static override summary =
    'Put the state of the fleet into one file: keys, certificates, topology, what control remembers.';
  static override description =
    `A tar.gz with a manifest and checksums, mode 0600. It holds every secret of the fleet: keep it as you keep keys.
The fleet may run meanwhile. Logs, runs and rendered files are not in it. \`camofleet restore\` puts it back.`;
  static override examples = [
    '<%= config.bin %> backup',
    '<%= config.bin %> backup /var/backups/fleet.tar.gz --force',
    '<%= config.bin %> backup - | age -r age1... > fleet.tar.gz.age',
  ];
  static override args = {
    file: Args.string({ description: 'The archive; - for stdout (default: <fleet>-<time>.tar.gz in this folder).' }),
  };
  static override flags = {
    ...fleetFlags,
    force: Flags.boolean({ summary: 'Replace an archive that is there already.' }),
    json: Flags.boolean({ summary: 'Print what is in it as JSON; never what the files say.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Backup);
    const [{ fleetPaths, loadTopology }, { writeBackup }] = await Promise.all([
      import('../topology/index.js'),
      import('../backup/index.js'),
    ]);
    const toStdout = args.file === '-';
    if (toStdout && (flags.json || isatty(1)))
      throw new CamofleetError('CF_USAGE', 'the archive goes to stdout: no --json beside it, and no terminal');
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const paths = fleetPaths(root, file);
    const topology = await loadTopology(paths.topologyFile);
    const nowMs = Date.now();
    const usual = `${topology.fleet.id}-${new Date(nowMs).toISOString().replaceAll(':', '-').slice(0, 19)}Z.tar.gz`;
    const report = await writeBackup(paths, topology, {
      file: toStdout ? undefined : resolve(this.context.cwd, args.file ?? usual),
      force: flags.force,
      version: this.config.version,
      nowMs,
    });
    const { manifest, archive } = report;
    if (toStdout) process.stdout.write(archive);
    else if (flags.json) process.stdout.write(`${JSON.stringify({ file: report.file, ...manifest }, null, 2)}\n`);
    else process.stdout.write(`${report.file}\n`);
    this.say(
      `${manifest.files.length} files of ${manifest.fleet}, ${archive.length} bytes. It holds every key of the fleet.`,
    );
    for (const path of manifest.elsewhere) this.say(`Not in it, because it lies outside of ${root}: ${path}`);
  }
}
