import { styleText } from 'node:util';
import { Flags } from '@oclif/core';
import { CamofleetCommand, table } from '../../cli/index.js';

export default class LabList extends CamofleetCommand {
  static override summary = 'List the faults that the lab can show, and which this machine can host.';
  static override description =
    'Each is a path of a picture that is broken on purpose, on real parts. `camofleet lab run ID` shows one, `camofleet lab score` judges verify by all of them.';
  static override examples = ['<%= config.bin %> lab list'];
  static override flags = { json: Flags.boolean({ summary: 'Print as JSON.' }) };

  async run(): Promise<void> {
    const { flags } = await this.parse(LabList);
    const { catalogue } = await import('../../lab/index.js');
    const entries = catalogue(this.context);
    if (flags.json) {
      const rows = entries.map(({ id, title, answer, fault, because }) => {
        return { id, title, hop: answer.hop, hostable: fault !== undefined, because: because ?? null };
      });
      process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
      return;
    }
    const dim = (text: string): string => styleText('dim', text, { stream: process.stdout });
    const rows = entries.map(({ id, title, answer, because }) => [
      id,
      answer.hop,
      because === undefined ? title : `${title}  ${dim(`not here: ${because}`)}`,
    ]);
    process.stdout.write(`${table([['fault', 'hop', 'what is broken'].map(dim), ...rows])}\n`);
  }
}
