import { Flags } from '@oclif/core';
import { CamofleetCommand } from '../cli/index.js';

export default class Init extends CamofleetCommand {
  static override summary =
    'Write a new fleet into this folder: topology, Compose and Traefik files, keys and certificates.';
  static override description =
    `Nothing that exists is overwritten without --force; keys and certificates never are. What was written goes to stdout,
a line each.`;
  static override examples = [
    '<%= config.bin %> init --yes',
    '<%= config.bin %> init --yes --host fleet.example.com --public-port 443',
    '<%= config.bin %> init --yes --shift 1000    # a second fleet on the same host',
  ];
  static override flags = {
    dir: Flags.string({ char: 'C', summary: 'Folder to write to; it is made when it is missing.', default: '.' }),
    yes: Flags.boolean({ char: 'y', summary: 'Ask nothing.' }),
    force: Flags.boolean({ summary: 'Overwrite files that exist. Keys and certificates stay.' }),
    host: Flags.string({ summary: 'The name that viewers type.' }),
    'public-port': Flags.integer({ summary: 'The port that viewers reach.', min: 1, max: 65_535 }),
    fleet: Flags.string({ summary: 'Id of the fleet; tokens are made for it.' }),
    shift: Flags.integer({
      summary: 'Added to every port and range, so that fleets run side by side.',
      default: 0,
      min: 0,
      max: 50_000,
    }),
    json: Flags.boolean({ summary: 'Print what was written as JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Init);
    const { createFleet } = await import('../engine/index.js');
    const { cwd, packageRoot } = this.context;
    const host = flags.host ?? (await this.#ask('Public host name', 'localhost', flags.yes));
    const written = await createFleet({
      folder: flags.dir,
      cwd,
      packageRoot,
      version: this.config.version,
      force: flags.force,
      host,
      publicPort: flags['public-port'],
      fleetId: flags.fleet,
      shift: flags.shift,
      nowMs: Date.now(),
    });
    if (flags.json) process.stdout.write(`${JSON.stringify(written)}\n`);
    else for (const file of written.files) process.stdout.write(`${file}\n`);
    for (const warning of written.warnings) this.say(warning);
    this.say(`\nA fleet for ${written.url}, reached at ${written.bind} (public.bind). Next:`);
    this.say('  camofleet up        start it on this host\n  camofleet verify    prove that the picture travels');
  }

  /** Asks on a terminal; everywhere else the default is taken. */
  async #ask(question: string, usual: string, quiet: boolean): Promise<string> {
    if (quiet || !process.stdin.isTTY) return usual;
    const { createInterface } = await import('node:readline/promises');
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return (await lines.question(`${question} [${usual}]: `, { signal: this.signal })).trim() || usual;
    } finally {
      lines.close();
    }
  }
}
