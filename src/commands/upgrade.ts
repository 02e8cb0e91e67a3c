import { Flags } from '@oclif/core';
import { CamofleetCommand, engineFlag, fleetFlags, fleetLocation, progressLine } from '../cli/index.js';
import type { Replaced } from '../engine/index.js';

export default class Upgrade extends CamofleetCommand {
  static override summary = 'Replace what runs by what is installed now; viewers come back by themselves.';
  static override description =
    `The new gateway takes new sockets, then the old one tells its viewers to reconnect, spread over its grace. Control follows; it
remembers. A runner is replaced when it has no session, or with --runners. The ingress holds the viewers' sockets and stays, and so
does the supervisor: both are replaced by the next \`down\` and \`up\`. Changes of camofleet.yaml come with it, but for ports.`;
  static override examples = ['<%= config.bin %> upgrade', '<%= config.bin %> upgrade --runners'];
  static override flags = {
    ...fleetFlags,
    ...engineFlag,
    runners: Flags.boolean({
      default: false,
      summary: 'Replace runners too while they have sessions, which end.',
    }),
    timeout: Flags.integer({
      default: 60,
      min: 1,
      max: 86_400,
      summary: 'Seconds that the new version of each service has to become ready.',
    }),
    json: Flags.boolean({ summary: 'Print what was done as JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Upgrade);
    const [{ fleetPaths }, { openEngine }] = await Promise.all([
      import('../topology/index.js'),
      import('../engine/index.js'),
    ]);
    const { root, file } = fleetLocation(flags, this.context.cwd);
    const paths = fleetPaths(root, file);
    const engine = await openEngine(flags.engine, { paths, self: this.context, version: this.config.version });
    const options = { runners: flags.runners, timeoutMs: flags.timeout * 1000 };
    const tell = (one: Replaced): void => this.say(`  ${progressLine(one.service, one.how, words(one))}`);
    const replaced = await engine.upgrade({ ...options, onReplaced: tell }, this.signal);
    if (flags.json) process.stdout.write(`${JSON.stringify({ version: this.config.version, replaced })}\n`);
  }
}

function words({ because, tookMs }: Replaced): string {
  return because === '' ? `${(tookMs / 1000).toFixed(1)} s` : because;
}
