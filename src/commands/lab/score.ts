import { tmpdir } from 'node:os';
import { styleText } from 'node:util';
import { Args, Flags } from '@oclif/core';
import { CamofleetCommand } from '../../cli/index.js';
import { EXIT } from '../../core/index.js';
import type { Row } from '../../lab/index.js';

export default class LabScore extends CamofleetCommand {
  static override summary = 'Judge verify by every fault of the lab: the hop it must name, and the remedy.';
  static override description =
    'Each fault is started on real parts, and so is its healthy twin; the built `camofleet verify` looks at both from outside, with the flags that an operator would have. Right is: the first finding names the hop that is at fault, likely or proven, with the remedy, and the twin passes. `named` is how many seconds it took until that hop was named, from the moment at which the fault was there to be seen; `seconds` is the whole run. Exit code 1 when one is wrong.';
  static override examples = ['<%= config.bin %> lab score', '<%= config.bin %> lab score F12 F60 --no-twins'];
  static override args = { id: Args.string({ description: 'Faults, such as F12; without one, all.', multiple: true }) };
  static override flags = {
    json: Flags.boolean({ summary: 'Print the score as JSON.' }),
    jobs: Flags.integer({
      default: 1,
      min: 1,
      max: 16,
      summary: 'Faults at a time; timers are measured, so a busy machine needs 1.',
    }),
    twins: Flags.boolean({ default: true, allowNo: true, summary: 'Look at the healthy twins as well.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(LabScore);
    const [{ catalogue, pick, scoreEntry, scoreOf }, { cut }] = await Promise.all([
      import('../../lab/index.js'),
      import('../../report/index.js'),
    ]);
    const entries = catalogue(this.context);
    const stream = flags.json ? process.stderr : process.stdout;
    const columns = stream.isTTY ? stream.columns : Number.POSITIVE_INFINITY;
    const show = (text: string): void => void stream.write(`${text}\n`);
    const waiting = [...pick(entries, args.id ?? [])];
    show(paint('dim', line(HEADING)));
    const rows: Row[] = [];
    const work = async (): Promise<void> => {
      for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
        const { id } = entry;
        const onStarted = (words: string): void => talk(`${id}  ${words}`);
        const deps = { ...this.context, temporary: tmpdir(), signal: this.signal, onStarted };
        const row = await scoreEntry(entry, flags.twins, deps);
        rows.push(row);
        talk('');
        show(cut(rowOf(row), columns));
        if (row.because !== undefined) show(paint('dim', `       ${row.because.replaceAll('\n', ' ')}`));
      }
    };
    await Promise.all(Array.from({ length: flags.jobs }, work));
    const score = scoreOf(rows.toSorted((a, b) => a.id.localeCompare(b.id)));
    const { total, right, wrong, notHostable, skipped } = score;
    if (flags.json) process.stdout.write(`${JSON.stringify(score, null, 2)}\n`);
    show(`\n${right} of ${total} right, ${wrong} wrong, ${notHostable} not hostable, ${skipped} skipped`);
    process.exitCode = wrong > 0 ? EXIT.failed : EXIT.ok;
  }
}

const HEADING = ['fault', 'expected', 'found', 'code', 'confidence', 'named', 'seconds', 'result', 'remedy'];
const WIDTHS = [5, 8, 8, 24, 10, 5, 7, 12];

function line(cells: readonly string[]): string {
  return cells.map((cell, column) => cell.padEnd(WIDTHS[column] ?? 0)).join('  ');
}

function rowOf({ id, expected, found, remedy, named, seconds, result }: Row): string {
  const { hop = '-', code = '-', confidence = '-' } = found ?? {};
  const times = [named?.seconds, seconds].map((time) => String(time ?? '-'));
  const facts = [id, expected.hop, hop, code, confidence, ...times];
  return line([...facts, WORDS[result], remedy ?? ''])
    .trimEnd()
    .replace(WORDS[result], paint(COLOURS[result], WORDS[result]));
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
