import { Chalk, type ChalkInstance } from 'chalk';
import { findingLines } from './text.js';
import type { CheckReport, Finding, VerdictStatus } from './shape.js';
import { cut } from './width.js';
import { count, printable } from './words.js';

/** What `doctor --json` prints; it only ever gains fields. */
export const DOCTOR_SCHEMA = 'camofleet.doctor/1';

export interface DoctorReport {
  readonly schema: typeof DOCTOR_SCHEMA;
  readonly version: string;
  /** Where the fleet is to run. */
  readonly engine: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly verdict: VerdictStatus;
  readonly exitCode: number;
  readonly checks: readonly CheckReport[];
  /** Failures first. */
  readonly findings: readonly Finding[];
}

interface DoctorTextOptions {
  readonly columns: number;
  readonly colour: boolean;
  readonly verbose: boolean;
}

const SIGNS: Readonly<Record<VerdictStatus, string>> = {
  pass: 'ok',
  warn: 'warn',
  fail: 'FAIL',
  skip: 'skip',
  unknown: '?',
};
const SIGN_WIDTH = 5;

/** Groups of checks, then what is wrong with its remedy, then what was not looked at and the verdict. */
export function renderDoctor(report: DoctorReport, options: DoctorTextOptions): string {
  const page: Page = { ...options, paint: new Chalk({ level: options.colour ? 1 : 0 }) };
  const groups = Map.groupBy(report.checks, ({ id }) => id.split('.')[0]!);
  const width = Math.max(0, ...[...groups.keys()].map(({ length }) => length)) + 2;
  const blocks = [
    [`${page.paint.bold('doctor')}  this host, for engine ${report.engine}`],
    [...groups].flatMap(([name, checks]) => groupLines(name.padEnd(width), checks, page)),
    ...report.findings.map((finding) => findingLines(finding, page)),
    [verdictLine(report, page.paint)],
  ];
  return `${blocks.map((block) => block.join('\n')).join('\n\n')}\n`;
}

interface Page extends DoctorTextOptions {
  readonly paint: ChalkInstance;
}

/** A group without findings is one line, with what was seen; --verbose opens it. */
function groupLines(name: string, checks: readonly CheckReport[], page: Page): string[] {
  const { paint, columns, verbose } = page;
  const left = `  ${paint.bold(name)}`;
  const isWell = checks.every(({ verdict }) => verdict === 'pass');
  if (isWell && !verbose) {
    const seen = checks.flatMap(({ saw }) => (saw === undefined ? [] : [printable(saw)])).join(' · ');
    return [cut(`${left}${paint.green(SIGNS.pass.padEnd(SIGN_WIDTH))} ${paint.dim(seen)}`, columns)];
  }
  const shown = verbose ? checks : checks.filter(({ verdict }) => verdict !== 'pass');
  const well = checks.length - shown.length;
  return [
    ...shown.map((check, index) => checkLine(index === 0 ? left : ' '.repeat(name.length + 2), check, page)),
    ...(well === 0
      ? []
      : [`${' '.repeat(name.length + 2)}${paint.green(SIGNS.pass.padEnd(SIGN_WIDTH))} ${paint.dim(`${well} more`)}`]),
  ];
}

/** What was seen of a check that is not well says more than its title, which is what it is when it is well. */
function checkLine(left: string, { verdict, title, saw, because }: CheckReport, { paint, columns }: Page): string {
  const colours = {
    pass: paint.green,
    warn: paint.yellow,
    fail: paint.red.bold,
    skip: paint.dim,
    unknown: paint.yellow,
  };
  const why = printable(saw ?? because ?? '');
  const sign = colours[verdict](SIGNS[verdict].padEnd(SIGN_WIDTH));
  const isWrong = verdict === 'warn' || verdict === 'fail';
  return cut(`${left}${sign} ${isWrong ? why : `${title}${why === '' ? '' : paint.dim(`: ${why}`)}`}`, columns);
}

function verdictLine({ checks, verdict, exitCode }: DoctorReport, paint: ChalkInstance): string {
  const counted = (Object.keys(SIGNS) as VerdictStatus[]).flatMap((status) => {
    const number = checks.filter((check) => check.verdict === status).length;
    return number === 0 ? [] : [`${number} ${WORDS[status]}`];
  });
  const words = `${count(checks.length, 'check')}: ${counted.join(', ')}  exit ${exitCode}`;
  switch (verdict) {
    case 'pass':
      return `${paint.green.bold('READY')}  ${words}`;
    case 'warn':
      return `${paint.yellow.bold('READY, WITH WARNINGS')}  ${words}`;
    case 'fail':
      return `${paint.red.bold('NOT READY')}  ${words}`;
    case 'unknown':
    case 'skip':
      return `${paint.yellow.bold('UNKNOWN')}  ${words}`;
  }
}

const WORDS: Readonly<Record<VerdictStatus, string>> = {
  pass: 'ok',
  warn: 'to look at',
  fail: 'failed',
  skip: 'skipped',
  unknown: 'unknown',
};
