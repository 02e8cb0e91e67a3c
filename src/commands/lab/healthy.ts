import { tmpdir } from 'node:os';
import { styleText } from 'node:util';
import { Flags } from '@oclif/core';
import { CamofleetCommand } from '../../cli/index.js';
import { EXIT } from '../../core/index.js';
import type { HealthyRow } from '../../lab/index.js';

export default class LabHealthy extends CamofleetCommand {
  static override summary = 'Let verify look at paths on which nothing is broken: it must accuse nobody.';
  static override description =
    'Paths of real parts, varied in every hop: with and without Traefik, nginx and HAProxy in front, the gateway or websockify, x11vnc or Xtigervnc, still and moving, a busy host, a slow link, another viewer that leaves. Exit code 1 when one does not pass.';
  static override examples = ['<%= config.bin %> lab healthy', '<%= config.bin %> lab healthy --runs 100 --json'];
  static override flags = {
    runs: Flags.integer({ default: 12, min: 1, max: 1_000, summary: 'How many.' }),
    from: Flags.integer({ default: 1, min: 1, summary: 'The first of them: the walk is the same each time.' }),
    json: Flags.boolean({ summary: 'Print the result as JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(LabHealthy);
    const { healthOf, lookAtHealthy, setUps } = await import('../../lab/index.js');
    const deps = { ...this.context, temporary: tmpdir(), signal: this.signal, onStarted: () => {} };
    const rows: HealthyRow[] = [];
    for (const [index, setUp] of setUps(flags.from + flags.runs - 1).entries()) {
      if (index + 1 < flags.from) continue;
      const row = await lookAtHealthy(setUp, index + 1, deps, this.context);
      rows.push(row);
      if (!flags.json) process.stdout.write(`${line(row)}\n`);
    }
    const health = healthOf(rows);
    const { total, passed, accused, unknown, notRun } = health;
    const words = `${passed} of ${total} passed, ${accused} accused somebody, ${unknown} left something unknown, ${notRun} not run`;
    process.stdout.write(flags.json ? `${JSON.stringify(health, null, 2)}\n` : `\n${words}\n`);
    process.exitCode = passed + notRun < total || accused > 0 ? EXIT.failed : EXIT.ok;
  }
}

function line({ id, setUp, verdict, accused, unknown, seconds, because }: HealthyRow): string {
  const said = [...accused, ...unknown.map((check) => `unknown: ${check}`), because ?? ''].filter(Boolean).join(', ');
  const word = (verdict ?? 'not run').padEnd(8);
  const painted = styleText(verdict === 'pass' ? 'green' : verdict === undefined ? 'yellow' : 'red', word, {
    stream: process.stdout,
  });
  return `${id}  ${painted}  ${String(seconds ?? '-').padStart(5)} s  ${setUp}${said === '' ? '' : `  (${said})`}`;
}
