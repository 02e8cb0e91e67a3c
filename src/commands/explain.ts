import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { CamofleetCommand, table } from '../cli/index.js';
import { CamofleetError, HOP_NAMES, nearest } from '../core/index.js';

export default class Explain extends CamofleetCommand {
  static override summary =
    'Print the page of a code: what it is, how we know, what it is not, how to cure it. Works offline.';
  static override description = 'Without a code it lists all of them.';
  static override examples = ['<%= config.bin %> explain', '<%= config.bin %> explain CF-RUNNER-DISPLAY'];
  static override args = { code: Args.string({ description: 'A code that verify printed, such as CF-GATEWAY-GONE.' }) };
  static override flags = { json: Flags.boolean({ summary: 'Print as JSON.' }) };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Explain);
    const { CODES } = await import('../diagnostics/index.js');
    const codes = Object.entries(CODES);
    if (args.code === undefined) {
      const rows = codes
        .map(([code, { hop, title }]) => [hop, code, title])
        .toSorted((a, b) => a.join().localeCompare(b.join()));
      process.stdout.write(flags.json ? `${JSON.stringify(CODES, null, 2)}\n` : `${table(rows)}\n`);
      return;
    }
    const wanted = args.code.toUpperCase();
    const found = codes.find(([code]) => code === wanted);
    if (!found) {
      const close = nearest(
        wanted,
        codes.map(([code]) => code),
        6,
      );
      throw new CamofleetError(
        'CF_UNKNOWN_CODE',
        `there is no code ${JSON.stringify(args.code)}${close ? `; did you mean ${close}?` : ''}`,
      );
    }
    const page = await readFile(join(this.context.packageRoot, 'docs', 'codes', `${wanted}.md`), 'utf8');
    if (flags.json) process.stdout.write(`${JSON.stringify({ code: wanted, ...found[1], page }, null, 2)}\n`);
    else process.stdout.write(`${await this.#render(page)}\nHop  ${found[1].hop}: ${HOP_NAMES[found[1].hop]}\n`);
  }

  /** Headings stand out on a terminal; elsewhere the page is as it is. */
  async #render(page: string): Promise<string> {
    if (!process.stdout.isTTY || this.context.env['NO_COLOR']) return page;
    const { default: chalk } = await import('chalk');
    return page
      .replaceAll(/^# (.+)$/gm, (_match, text: string) => chalk.bold(text))
      .replaceAll(/^## (.+)$/gm, (_match, text: string) => chalk.cyan(text));
  }
}
