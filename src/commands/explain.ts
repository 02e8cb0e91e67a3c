import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { CamofleetCommand, table } from '../cli/index.js';
import { CamofleetError, HOP_NAMES, nearest } from '../core/index.js';

/** A typo in a long code may be this far from it. */
const FURTHEST = 6;

export default class Explain extends CamofleetCommand {
  static override summary =
    'Print the page of a code: what it is, how we know, what it is not, how to cure it. Works offline.';
  static override description =
    'Without a code it lists those of verify. Codes of errors, such as CF_PORT_TAKEN, have a page as well.';
  static override examples = ['<%= config.bin %> explain', '<%= config.bin %> explain CF-RUNNER-DISPLAY'];
  static override args = { code: Args.string({ description: 'A code that was printed, such as CF-GATEWAY-GONE.' }) };
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
    const entry = codes.find(([code]) => code === wanted)?.[1];
    if (!entry)
      return this.#explainError(
        wanted,
        args.code,
        codes.map(([code]) => code),
        flags.json,
      );
    const page = await this.#read('codes', `${wanted}.md`);
    if (flags.json) process.stdout.write(`${JSON.stringify({ code: wanted, ...entry, page }, null, 2)}\n`);
    else process.stdout.write(`${await this.#render(page)}\nHop  ${entry.hop}: ${HOP_NAMES[entry.hop]}\n`);
  }

  /** A code of an error, else the nearest of all that there are. */
  async #explainError(wanted: string, asked: string, codes: readonly string[], isJson: boolean): Promise<void> {
    const sections = (await this.#read('errors.md')).split(/^## /m).slice(1);
    const section = sections.find((text) => text.startsWith(`${wanted}\n`));
    if (section === undefined) {
      const close = nearest(wanted, [...codes, ...sections.map((text) => text.split('\n')[0]!)], FURTHEST);
      const question = close === undefined ? '' : `; did you mean ${close}?`;
      throw new CamofleetError('CF_UNKNOWN_CODE', `there is no code ${JSON.stringify(asked)}${question}`);
    }
    const page = `# ${section.trim()}\n`;
    process.stdout.write(isJson ? `${JSON.stringify({ code: wanted, page }, null, 2)}\n` : await this.#render(page));
  }

  #read(...path: readonly string[]): Promise<string> {
    return readFile(join(this.context.packageRoot, 'docs', ...path), 'utf8');
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
