import { tmpdir } from 'node:os';
import { styleText } from 'node:util';
import { Args, Flags } from '@oclif/core';
import { CamofleetCommand } from '../../cli/index.js';
import { EXIT } from '../../core/index.js';
import type { Row } from '../../lab/index.js';

export default class LabScore extends CamofleetCommand {
  static override summary = 'Judge verify by every fault of the lab: the hop it must name, and the remedy.';
  static override description =
    'Each fault is started on real parts, and so is its healthy twin; the built `camofleet verify` looks at both from outside, with the flags that an operator would have. Right is: the first finding names the hop that is at fault, likely or proven, with the remedy, and the twin passes. Exit code 1 when one is wrong.';
  static override examples = ['<%= config.bin %> lab score', '<%= config.bin %> lab score F12 F60 --no-twins'];
  static override args = { id: Args.string({ description: 'Faults, such as F12; without one, all.', multiple: true }) };
  static override flags = {
    json: Flags.boolean({ summary: 'Print the score as JSON.' }),
    twins: Flags.boolean({ default: true, allowNo: true, summary: 'Look at the healthy twins as well.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(LabScore);
    const [{ catalogue, pick, scoreEntry, scoreOf }, { cut }] = await Promise.all([
      import('../../lab/index.js'),
      import('../../report/index.js'),
    ]);
    const entries = catalogue({ path: this.context.env['PATH'], isRoot: process.getuid?.() === 0 });
    const columns = process.stdout.isTTY ? process.stdout.columns : Number.POSITIVE_INFINITY;
    const show = (line: string): void => {
      if (!flags.json) process.stdout.write(`${cut(line, columns)}\n`);
    };
    show(paint('dim', line(HEADING)));
    const rows: Row[] = [];
    for (const entry of pick(entries, args.id ?? [])) {
      const onStarted = (words: string): void => talk(`${entry.id}  ${words}`);
      const deps = { ...this.context, temporary: tmpdir(), signal: this.signal, onStarted };
      const row = await scoreEntry(entry, flags.twins, deps);
      talk('');
      rows.push(row);
      for (const text of linesOf(row)) show(text);
    }
    const score = scoreOf(rows);
    const { total, right, wrong, notHostable, skipped } = score;
    if (flags.json) process.stdout.write(`${JSON.stringify(score, null, 2)}\n`);
    show(`\n${right} of ${total} right, ${wrong} wrong, ${notHostable} not hostable, ${skipped} skipped`);
    process.exitCode = wrong > 0 ? EXIT.failed : EXIT.ok;
  }
}

const HEADING = ['fault', 'expected', 'found', 'code', 'confidence', 'seconds', 'result', 'remedy'];
const WIDTHS = [5, 8, 8, 24, 10, 7, 12];

function line(cells: readonly string[]): string {
  return cells.map((cell, column) => cell.padEnd(WIDTHS[column] ?? 0)).join('  ');
}

/** One line, and what is wrong on a second one. */
function linesOf({ id, expected, found, remedy, seconds, result, because }: Row): string[] {
  const facts = [
    found?.hop ?? '-',
    found?.code ?? '-',
    found?.confidence ?? '-',
    seconds === null ? '-' : `${seconds}`,
  ];
  const text = line([id, expected.hop, ...facts, WORDS[result], remedy ?? '']).trimEnd();
  const painted = text.replace(WORDS[result], paint(COLOURS[result], WORDS[result]));
  return [painted, ...(because === undefined ? [] : [paint('dim', `       ${because.replaceAll('\n', ' ')}`)])];
}

const WORDS = { right: 'right', wrong: 'WRONG', notHostable: 'not hostable', skipped: 'skipped' } as const;
const COLOURS = { right: 'green', wrong: 'red', notHostable: 'dim', skipped: 'yellow' } as const;

function paint(format: 'dim' | 'green' | 'red' | 'yellow', text: string): string {
  return styleText(format, text, { stream: process.stdout });
}

/** What goes on, in one line that changes; nothing where nobody looks. */
function talk(words: string): void {
  const { stderr } = process;
  if (stderr.isTTY) stderr.write(`\r\u001B[K${words.slice(0, stderr.columns - 1)}`);
}
