import { Chalk, type ChalkInstance } from 'chalk';
import { HOPS, type Hop } from '../core/index.js';
import type { EvidenceRef, Finding, Report, VerdictStatus } from './shape.js';

export interface TextOptions {
  readonly columns: number;
  readonly colour: boolean;
  readonly verbose: boolean;
  /** Where the run lies, as it is to be shown. */
  readonly dir: string;
}

const WORDS: Readonly<Record<VerdictStatus, string>> = {
  pass: 'ok',
  warn: 'warn',
  fail: 'CUT',
  skip: 'skip',
  unknown: '?',
};
const LABEL = 11;

/** The path first, then what is wrong with the five parts of a failure, then where the evidence lies. */
export function renderHopTable(report: Report, options: TextOptions): string {
  const paint = new Chalk({ level: options.colour ? 1 : 0 });
  const lines = [title(report, paint), '', ...hopLines(report, options, paint), ''];
  for (const finding of report.findings.filter(({ severity }) => severity !== 'info'))
    lines.push(...findingLines(finding, options, paint), '');
  if (options.verbose) lines.push(...checkLines(report, paint), '');
  lines.push(...streamLines(report, options, paint));
  const skips = report.collection.filter(({ status }) => status !== 'ok');
  for (const { what, status, because } of skips)
    lines.push(`  ${paint.dim(status.padEnd(LABEL))}${what}: ${because ?? ''}`);
  const hidden = report.artifacts.reduce((sum, { redactions }) => sum + redactions, 0);
  const files = report.artifacts.filter(({ redactions }) => redactions > 0).length;
  const note = hidden > 0 ? `   ${hidden} values hidden in ${files} files` : '';
  lines.push(`  ${paint.dim('evidence'.padEnd(LABEL))}${options.dir}${note}`, '', verdictLine(report, paint), '');
  return lines.join('\n');
}

function title(report: Report, paint: ChalkInstance): string {
  const [from, to] = [report.startedAt, report.endedAt].map((time) => time.slice(11, 19));
  return `${paint.bold('verify')}  ${report.target.url ?? 'no target'}  ${from} → ${to}`;
}

function hopLines(report: Report, options: TextOptions, paint: ChalkInstance): string[] {
  const firstBad = report.hops.findIndex(({ verdict }) => verdict === 'fail');
  return report.hops.map(({ hop, verdict, tookMs, note }, index) => {
    const bad = index === firstBad;
    const unreached = firstBad >= 0 && verdict === 'skip';
    const word = unreached ? 'not reached' : WORDS[verdict];
    const colour =
      verdict === 'pass'
        ? paint.green
        : verdict === 'fail'
          ? paint.red.bold
          : verdict === 'warn'
            ? paint.yellow
            : paint.dim;
    const code = report.findings.find((finding) => finding.hop === hop)?.code ?? '';
    const head = `  ${index + 1} ${hop.padEnd(8)} ${colour(word.padEnd(unreached ? 11 : 5))}`;
    const time = tookMs === null || unreached ? ''.padStart(9) : formatMs(tookMs).padStart(9);
    const text = bad ? paint.red(`← first bad hop   ${code}`) : paint.dim(note ?? '');
    return cut(`${head}${time}   ${text}`, options.columns);
  });
}

function findingLines(finding: Finding, options: TextOptions, paint: ChalkInstance): string[] {
  const warns = finding.severity === 'warn';
  const colour = warns ? paint.yellow : paint.red;
  const row = (label: string, text: string): string => wrap(`  ${label.padEnd(LABEL)}`, text, options.columns);
  return [
    row(warns ? 'warning' : 'cause', `${colour(finding.code)}  ${finding.confidence}`),
    row('saw', finding.saw),
    row('wanted', finding.want),
    ...finding.evidence.slice(0, 4).map((evidence, index) => row(index === 0 ? 'proof' : '', describe(evidence))),
    ...finding.not.map((suspect, index) => row(index === 0 ? 'not it' : '', suspect)),
    row('remedy', paint.bold(finding.remedy)),
    ...(finding.settle === undefined ? [] : [row('to settle', finding.settle)]),
    row('', `camofleet explain ${finding.code}`),
  ];
}

function describe({ file, line, packet, text }: EvidenceRef): string {
  const place =
    line === undefined ? (packet === undefined ? file : `${file} packet ${packet}`) : `${file} line ${line}`;
  return text === undefined ? place : `${place}: ${text}`;
}

function checkLines(report: Report, paint: ChalkInstance): string[] {
  return report.checks.map(({ id, verdict, title: fact, saw, because }) => {
    const why = saw ?? because;
    return `    ${WORDS[verdict].padEnd(5)} ${id.padEnd(22)} ${fact}${why === undefined ? '' : paint.dim(`  ${why}`)}`;
  });
}

function streamLines(report: Report, options: TextOptions, paint: ChalkInstance): string[] {
  if (report.streams.length === 0) return [];
  const rows = report.streams.map((stream) => {
    const { mode, vantage, heldMs, frames, pings, longestSilenceMs, end } = stream;
    const name = `${mode}, ${vantage}`.padEnd(20);
    const rtt = pings.p50Ms === null ? '' : `, pings ${pings.answered}/${pings.sent} in ${formatMs(pings.p50Ms)}`;
    const fate = end.by === 'verify' ? paint.green('held') : paint.red('ended');
    return cut(
      `  ${name} ${fate} ${formatMs(heldMs)}, ${frames} frames, longest silence ${formatMs(longestSilenceMs)}${rtt}`,
      options.columns,
    );
  });
  return [...rows, ''];
}

function verdictLine(report: Report, paint: ChalkInstance): string {
  const known: readonly Hop[] = HOPS.filter((hop) => report.hops.some((one) => one.hop === hop));
  const at = report.hops.findIndex(({ verdict }) => verdict === 'fail');
  const where = at < 0 ? '' : `  hop ${at + 1} of ${known.length}`;
  const exit = `exit ${report.exitCode}`;
  if (report.interrupted) return `${paint.yellow.bold('INTERRUPTED')}  ${report.summary}  ${exit}`;
  if (report.verdict === 'pass') return `${paint.green.bold('PASSED')}  ${report.summary}  ${exit}`;
  if (report.verdict === 'fail') return `${paint.red.bold('FAILED')}${where}  ${exit}`;
  if (report.verdict === 'warn') return `${paint.yellow.bold('PASSED WITH WARNINGS')}  ${report.summary}  ${exit}`;
  return `${paint.yellow.bold('UNKNOWN')}  ${report.summary}  ${exit}`;
}

export function formatMs(ms: number): string {
  if (ms < 1_000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  return ms < 60_000
    ? `${(ms / 1000).toFixed(1)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

const COLOURS = /\u001B\[[0-9;]*m/g;

/** Cuts a line to the width of the terminal; colours count as nothing, and a cut line loses them. */
function cut(line: string, columns: number): string {
  const plain = line.replaceAll(COLOURS, '');
  return plain.length <= columns ? line : `${plain.slice(0, Math.max(1, columns - 1))}…`;
}

/** Wraps text behind a label; later lines stand under the first. */
function wrap(label: string, text: string, columns: number): string {
  const width = Math.max(20, columns - label.length);
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!;
    const joined = last === '' ? word : `${last} ${word}`;
    if (joined.replaceAll(COLOURS, '').length <= width) lines[lines.length - 1] = joined;
    else lines.push(word);
  }
  return lines
    .map((line, index) => (index === 0 ? `${label}${line}` : `${' '.repeat(label.length)}${line}`))
    .join('\n');
}
