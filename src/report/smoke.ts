import { Chalk } from 'chalk';
import { EXIT, type Hop } from '../core/index.js';
import type { Finding, Report, VerdictStatus } from './shape.js';
import { cut, wrap } from './width.js';
import { formatMs, printable } from './words.js';

export const SMOKE_SCHEMA = 'camofleet.smoke/1';

export type SmokeStepName = 'fleet' | 'up' | 'frame' | 'verify' | 'down';

export interface SmokeStep {
  readonly name: SmokeStepName;
  /** Reads as a fact when it passes. */
  readonly title: string;
  readonly verdict: VerdictStatus;
  readonly exitCode: number;
  readonly tookMs: number;
  /** What was seen, or why nothing was. */
  readonly saw: string;
  /** `camofleet explain CODE` has its page. */
  readonly code?: string;
  readonly remedy?: string;
}

/** `smoke.json`: what became of each step; it only ever gains fields. */
export interface SmokeRecord {
  readonly schema: typeof SMOKE_SCHEMA;
  readonly version: string;
  readonly engine: string;
  /** Absent when the fleet never came up. */
  readonly ingress?: string;
  readonly url?: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly verdict: VerdictStatus;
  readonly exitCode: number;
  /** One sentence. */
  readonly summary: string;
  readonly interrupted?: true;
  readonly steps: readonly SmokeStep[];
  /** Whether report.json is of a run of `verify`; else it tells of the steps. */
  readonly isVerified: boolean;
  /** What the doctor found on this host, where the fleet did not come up; all of it is in doctor.json. */
  readonly host?: readonly Pick<Finding, 'code' | 'severity' | 'saw' | 'remedy'>[];
}

interface SmokeTextOptions {
  readonly columns: number;
  readonly colour: boolean;
  /** Where the evidence lies, as it is to be shown. */
  readonly dir: string;
}

const SIGNS: Readonly<Record<VerdictStatus, string>> = {
  pass: 'ok',
  warn: 'warn',
  fail: 'FAIL',
  skip: '-',
  unknown: '?',
};
const LABEL = 9;

/** The steps, one line each, what to do about the first that failed, and where the evidence lies. */
export function renderSmoke(record: SmokeRecord, { columns, colour, dir }: SmokeTextOptions): string {
  const paint = new Chalk({ level: colour ? 1 : 0 });
  const colours = {
    pass: paint.green,
    warn: paint.yellow,
    fail: paint.red.bold,
    skip: paint.dim,
    unknown: paint.yellow,
  };
  const lines = record.steps.map(({ name, verdict, tookMs, saw }) => {
    const time = verdict === 'skip' ? '' : formatMs(tookMs);
    const state = colours[verdict](`${SIGNS[verdict].padEnd(5)}${time.padStart(9)}`);
    return cut(`  ${name.padEnd(LABEL)}${state}   ${paint.dim(printable(saw))}`, columns);
  });
  const bad = reasonOf(record);
  const row = (label: string, text: string, style = (plain: string): string => plain): string =>
    wrap(`  ${label.padEnd(LABEL)}`, text, columns, style);
  const why = bad && [
    ...bad.saw.split('\n').map((line, index) => row(index === 0 ? 'saw' : '', printable(line))),
    ...(bad.remedy === undefined ? [] : [row('remedy', bad.remedy, paint.bold)]),
    ...(bad.code === undefined ? [] : [row('more', `camofleet explain ${bad.code}`)]),
  ];
  const [word, style] = wordOf(record);
  const blocks = [
    [`${paint.bold('smoke')}  engine ${record.engine}`],
    lines,
    // What verify found stands above, with all that belongs to it.
    bad && !(bad.name === 'verify' && record.isVerified) ? why! : [],
    hostLines(record, row),
    record.isVerified ? [] : [row('evidence', dir, paint.dim)],
    [wrap(`${paint[style].bold(word)}  `, `${printable(record.summary)}  exit ${record.exitCode}`, columns)],
  ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

/** Failures of the host have to do with it, as a rule; warnings may, and are in doctor.json. */
function hostLines({ host }: SmokeRecord, row: (label: string, text: string) => string): string[] {
  const failures = (host ?? []).filter(({ severity }) => severity === 'fail');
  return failures.flatMap(({ code, saw, remedy }) => [
    row('host', `${code}: ${printable(saw)}`),
    row('', `→ ${remedy}`),
  ]);
}

/** The first step that did not go well. */
export function reasonOf({ steps }: SmokeRecord): SmokeStep | undefined {
  return steps.find(({ verdict }) => verdict === 'fail' || verdict === 'unknown');
}

function wordOf({ exitCode, verdict, interrupted }: SmokeRecord): readonly [string, 'green' | 'yellow' | 'red'] {
  if (interrupted) return ['INTERRUPTED', 'yellow'];
  if (verdict === 'fail') return ['FAILED', 'red'];
  if (verdict === 'pass' && exitCode === 0) return ['PASSED', 'green'];
  if (exitCode === EXIT.budgetCrossed) return ['OVER BUDGET', 'yellow'];
  return [verdict === 'warn' ? 'PASSED WITH WARNINGS' : 'UNKNOWN', 'yellow'];
}

const MARKS: Readonly<Record<VerdictStatus, string>> = { pass: '✅', warn: '⚠️', fail: '❌', skip: '➖', unknown: '❔' };
/** A summary of a job holds 1 MiB; findings beyond these are in the report. */
const MAX_FINDINGS = 10;

/** The record for the summary of a job: Markdown as GitHub shows it. */
export function renderSmokeMarkdown(record: SmokeRecord, report: Report | undefined): string {
  const [word] = wordOf(record);
  const hops = report?.hops ?? [];
  return [
    `## ${MARKS[record.verdict]} camofleet smoke test: ${word.toLowerCase()}`,
    inline(record.summary),
    tableOf(
      ['step', '', 'took', 'seen'],
      record.steps.map(({ name, verdict, tookMs, saw }) => [
        name,
        MARKS[verdict],
        verdict === 'skip' ? '' : formatMs(tookMs),
        inline(saw.split('\n', 1)[0]!),
      ]),
    ),
    ...(hops.length === 0 ? [] : [pathOf(hops)]),
    ...(report?.findings ?? [])
      .filter(({ severity }) => severity !== 'info')
      .slice(0, MAX_FINDINGS)
      .map(findingOf),
    `<sub>engine ${record.engine} · exit code ${record.exitCode} · camofleet ${record.version}</sub>`,
  ]
    .join('\n\n')
    .concat('\n');
}

function pathOf(hops: Report['hops']): string {
  const firstBad = hops.findIndex(({ verdict }) => verdict === 'fail');
  const rows = hops.map(({ hop, verdict, tookMs, note = '' }: (typeof hops)[number], index): string[] => [
    hop satisfies Hop,
    MARKS[verdict],
    tookMs === null ? '' : formatMs(tookMs),
    index === firstBad ? '**first bad hop**' : inline(note),
  ]);
  return `<details><summary>The path, hop by hop</summary>\n\n${tableOf(['hop', '', 'took', ''], rows)}\n\n</details>`;
}

function findingOf({ code, hop, severity, confidence, saw, want, remedy, not }: Finding): string {
  return [
    `### ${severity === 'fail' ? MARKS.fail : MARKS.warn} ${code} (${hop}, ${confidence})`,
    `- **saw** ${inline(saw)}\n- **wanted** ${inline(want)}\n- **remedy** ${inline(remedy)}`.concat(
      ...not.map((suspect) => `\n- **not it** ${inline(suspect)}`),
    ),
  ].join('\n\n');
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Text of strangers inside a line of Markdown: nothing of it is markup. */
function inline(text: string): string {
  return printable(text).replaceAll(/[\\`*_{}[\]<>|#~]/g, String.raw`\$&`);
}
