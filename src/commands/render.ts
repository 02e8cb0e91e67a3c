import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Flags } from '@oclif/core';
import { CamofleetCommand, fleetFlags, fleetLocation } from '../cli/index.js';
import { CamofleetError } from '../core/index.js';

export default class Render extends CamofleetCommand {
  static override summary = 'Write the Compose and Traefik files that follow from camofleet.yaml.';
  static override description =
    `Rendered files are not edited by hand. With --check nothing is written: exit code 1 and a diff when files and
topology differ. With --eject the templates are copied to ./templates, which then win.`;
  static override examples = [
    '<%= config.bin %> render',
    '<%= config.bin %> render --check',
    '<%= config.bin %> render --eject',
  ];
  static override flags = {
    ...fleetFlags,
    engine: Flags.string({ options: ['compose'], default: 'compose', summary: 'What to render for.' }),
    check: Flags.boolean({ summary: 'Compare only.', exclusive: ['eject'] }),
    eject: Flags.boolean({ summary: 'Copy the templates to ./templates.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Render);
    const { TEMPLATE_FILES, diffLines, fleetPaths, loadTemplates, loadTopology, renderCompose } = await import(
      '../topology/index.js'
    );
    const { root, file } = fleetLocation(flags, this.context.cwd);
    if (flags.eject) {
      for (const path of Object.values(TEMPLATE_FILES)) {
        await mkdir(dirname(join(root, 'templates', path)), { recursive: true });
        await cp(join(this.context.packageRoot, 'templates', path), join(root, 'templates', path), {
          force: false,
          errorOnExist: false,
        });
        process.stdout.write(`${join('templates', path)}\n`);
      }
      return;
    }
    const topology = await loadTopology(fleetPaths(root, file).topologyFile);
    const rendered = renderCompose(
      topology,
      await loadTemplates(this.context.packageRoot, join(root, 'templates')),
      this.config.version,
    );
    const different: string[] = [];
    for (const { path, text } of rendered) {
      const found = await readFile(join(root, path), 'utf8').catch(() => ''); // not rendered yet
      if (flags.check && found !== text) {
        different.push(path);
        process.stdout.write(diffLines(path, found, text));
      }
      if (!flags.check) {
        await mkdir(dirname(join(root, path)), { recursive: true });
        await writeFile(join(root, path), text);
        process.stdout.write(`${path}\n`);
      }
    }
    if (different.length > 0)
      throw new CamofleetError(
        'CF_RENDER_DIFFERS',
        `${different.join(', ')} ${different.length === 1 ? 'differs' : 'differ'} from camofleet.yaml`,
        { different },
      );
    if (flags.check) this.say('The files are what camofleet.yaml says.');
  }
}
