import { tmpdir } from 'node:os';
import { styleText } from 'node:util';
import { Args, Flags } from '@oclif/core';
import { CamofleetCommand } from '../../cli/index.js';
import { EXIT } from '../../core/index.js';
import type { Entry, Row } from '../../lab/index.js';

export default class LabRun extends CamofleetCommand {
  static override summary = 'Break a path on purpose, let verify look at it, and show the right answer.';
  static override description =
    'It starts real parts in a folder of its own, runs `camofleet verify` on them as an operator would, prints what that says and what the answer is, and tears everything down. Exit code 1 when verify was wrong.';
  static override examples = ['<%= config.bin %> lab run F12', '<%= config.bin %> lab run F12 --healthy'];
  static override args = { id: Args.string({ description: 'Faults, such as F12; without one, all.', multiple: true }) };
  static override flags = {
    healthy: Flags.boolean({ summary: 'The healthy twin: the same path without the cause. verify must pass.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(LabRun);
    const { catalogue, pick } = await import('../../lab/index.js');
    const entries = catalogue(this.context);
    for (const entry of pick(entries, args.id ?? [])) {
      const isRight = await this.#show(entry, flags.healthy);
      if (!isRight) process.exitCode = EXIT.failed;
    }
  }

  /** False when verify was wrong. */
  async #show({ id, title, answer, fault, because }: Entry, isHealthy: boolean): Promise<boolean> {
    const { judged, look } = await import('../../lab/index.js');
    const { temporary, signal } = { temporary: tmpdir(), signal: this.signal };
    this.#print(`\n${paint('bold', `${id}  ${title}`)}${isHealthy ? '  (healthy twin)' : ''}\n`);
    if (!fault || because !== undefined) {
      this.#print(`  ${label('not here')} ${because}\n`);
      return true;
    }
    const onStarted = (words: string): void => this.#print(`  ${label('starts')} ${words}`);
    const deps = { ...this.context, temporary, signal, onStarted };
    const seen = await look(fault, isHealthy ? 'healthy' : 'broken', deps);
    this.#print(`\n${seen.output.trimEnd().replaceAll(/^/gm, paint('dim', '  │ '))}\n`);
    if (isHealthy) {
      this.#print(`  ${label('answer')} pass`);
      this.#print(`  ${label('verify')} ${seen.report.verdict}`);
      return seen.report.verdict === 'pass';
    }
    const row = judged({ id, title }, answer, seen, undefined);
    this.#print(`  ${label('answer')} hop ${answer.hop}: ${answer.cure}`);
    this.#print(`  ${label('verify')} ${verdictOf(row)}`);
    return row.result === 'right';
  }

  #print(text: string): void {
    process.stdout.write(`${text}\n`);
  }
}

function verdictOf({ result, found, because, named, seconds }: Row): string {
  const seen = found ? `hop ${found.hop}, ${found.code}, ${found.confidence}` : 'nothing found';
  const times = named ? `, named ${named.seconds} s after the ${named.since}, whole run ${seconds} s` : '';
  if (result === 'right') return `${paint('green', 'right')}: ${seen}${times}`;
  return `${paint('red', 'wrong')}: ${because} (${seen}${times})`;
}

function label(text: string): string {
  return paint('dim', text.padEnd(8));
}

function paint(format: 'bold' | 'dim' | 'green' | 'red', text: string): string {
  return styleText(format, text, { stream: process.stdout });
}
