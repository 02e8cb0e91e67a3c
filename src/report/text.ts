import { Chalk, type ChalkInstance } from 'chalk';
import { EXIT } from '../core/index.js';
import type { CheckReport, EvidenceRef, Finding, HopReport, Report, StreamReport, VerdictStatus } from './shape.js';
import { count, formatMs, printable } from './words.js';
import { cutTimesLines } from './cut-times.js';
import { streamName } from './stream-name.js';
import { cut, wrap } from './width.js';

export interface TextOptions {
  readonly columns: number;
  readonly colour: boolean;
  readonly verbose: boolean;
  /** The verdict alone and, when it is no pass, what is wrong. */
  readonly quiet?: boolean;
  /** Where the run lies, as it is to be shown. */
  readonly dir: string;
}

interface Page extends TextOptions {
  readonly report: Report;
  readonly paint: ChalkInstance;
}

const WORDS: Readonly<Record<VerdictStatus, string>> = {
  pass: 'ok',
  warn: 'warn',
  fail: 'FAIL',
  skip: 'skip',
  unknown: '?',
};
const LABEL = 11;
/** How the reason ends of what was skipped because something before it failed. */
const BLOCKED = ' did not pass';

/** Evidence that is shown without --verbose. */
const MAX_EVIDENCE = 4;
/** Names of checks that are listed behind a reason that they share. */
const MAX_NAMES = 4;

/** The path first, then what is wrong with the five parts of a failure, then what was not looked at and where the evidence lies. */
export function renderHopTable(report: Report, options: TextOptions): string {
  const page = { ...options, report, paint: new Chalk({ level: options.colour ? 1 : 0 }) };
  const shown = report.findings.filter(({ severity }) => severity !== 'info' || options.verbose);
  const findings = shown.map((finding) => findingLines(finding, page));
  const ending = [[verdictLine(page)]];
  const evidence = [...budgetLines(page), ...skipLines(page), evidenceLine(page)];
  const blocks = options.quiet
    ? [...findings, report.exitCode === 0 ? [] : [evidenceLine(page)], ...ending]
    : [
        [title(page)],
        hopLines(page),
        ...findings,
        options.verbose ? checkLines(page) : [],
        streamLines(page),
        report.cutTimes ? cutTimesLines(report.cutTimes, options.columns, LABEL) : [],
        evidence,
        ...ending,
      ];
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`;
}

function title({ report, paint, columns }: Page): string {
  const [from, to] = [report.startedAt, report.endedAt].map((time) => time.slice(11, 19));
  const took = formatMs(Date.parse(report.endedAt) - Date.parse(report.startedAt));
  return cut(
    `${paint.bold('verify')}  ${printable(report.target.url ?? 'no target')}  ${from} → ${to} (${took})`,
    columns,
  );
}

function hopLines(page: Page): string[] {
  const firstBad = page.report.hops.findIndex(({ verdict }) => verdict === 'fail');
  return page.report.hops.map((hop, index) => hopLine(hop, index, firstBad, page));
}

/** Behind the first bad hop nothing is called failed that could not be looked at. */
function hopLine(hop: HopReport, index: number, firstBad: number, { report, paint, columns }: Page): string {
  const isBad = index === firstBad;
  const isBlocked = index > firstBad || hop.note?.endsWith(BLOCKED) === true;
  const isUnreached = firstBad >= 0 && isBlocked && hop.verdict === 'skip';
  const colour = {
    pass: paint.green,
    fail: paint.red.bold,
    warn: paint.yellow,
    skip: paint.dim,
    unknown: paint.yellow,
  };
  const word = isUnreached ? 'not reached' : isBad && isCut(hop, report) ? 'CUT' : WORDS[hop.verdict];
  const time = hop.tookMs === null || isUnreached ? '' : formatMs(hop.tookMs);
  const state = isUnreached ? word : `${word.padEnd(5)}${time.padStart(9)}`;
  const note = printable(hop.note ?? '');
  const code = report.findings.find((finding) => finding.hop === hop.hop && finding.severity !== 'info')?.code ?? '';
  const text = isBad ? paint.red(`← first bad hop   ${code}`) : paint.dim(note);
  const line = `  ${String(index + 1).padStart(2)} ${hop.hop.padEnd(8)} ${colour[hop.verdict](state)}   ${text}`;
  return cut(line.trimEnd(), columns);
}

/** A stream that was open was ended by this hop. */
function isCut({ hop }: HopReport, { streams }: Report): boolean {
  return streams.some(({ end, heldMs }) => end.by === hop && heldMs > 0);
}

/** One finding with its five parts, and what it is not. */
export function findingLines(finding: Finding, page: Pick<Page, 'paint' | 'columns' | 'verbose'>): string[] {
  const { paint, columns, verbose } = page;
  const label = { fail: 'cause', warn: 'warning', info: 'note' }[finding.severity];
  const colour = { fail: paint.red, warn: paint.yellow, info: paint.dim }[finding.severity];
  const row = (name: string, text: string, style = (plain: string): string => plain): string =>
    wrap(`  ${name.padEnd(LABEL)}`, printable(text), columns, style);
  const evidence = verbose ? finding.evidence : chosen(finding.evidence);
  const left = finding.evidence.length - evidence.length;
  return [
    row(label, `${finding.code}  ${finding.hop}  ${finding.confidence}`, colour),
    row('saw', finding.saw),
    row('wanted', finding.want),
    ...evidence.map((one, index) => row(index === 0 ? 'evidence' : '', describe(one))),
    ...(left > 0 ? [row('', `and ${left} more in report.json`)] : []),
    ...(verbose ? weighedLines(finding, row) : []),
    ...finding.not.map((suspect, index) => row(index === 0 ? 'not it' : '', suspect)),
    row('remedy', finding.remedy, paint.bold),
    ...(finding.settle === undefined ? [] : [row('to settle', finding.settle)]),
    row('more', `camofleet explain ${finding.code}`),
  ];
}

/** Every explanation that was thought of, with what speaks for it where it stands, and against it where it does not. */
function weighedLines({ hypotheses = [] }: Finding, row: (name: string, text: string) => string): string[] {
  return hypotheses.flatMap(({ what, stands, speaksFor, speaksAgainst }, index) => [
    row(index === 0 ? 'weighed' : '', `${stands ? 'stands' : 'no'}: ${what}`),
    ...(stands ? speaksFor : speaksAgainst.slice(0, 1)).map((text) =>
      row('', `  ${stands ? 'for' : 'against'}: ${text}`),
    ),
  ]);
}

/** The first of each file, so that every kind of evidence is seen, then the others. */
function chosen(evidence: readonly EvidenceRef[]): readonly EvidenceRef[] {
  const firsts = evidence.filter((one, index) => evidence.findIndex(({ file }) => file === one.file) === index);
  return [...new Set([...firsts, ...evidence])].slice(0, MAX_EVIDENCE);
}

function describe({ file, line, packet, text }: EvidenceRef): string {
  const place =
    packet === undefined ? (line === undefined ? file : `${file} line ${line}`) : `${file} packet ${packet}`;
  return text === undefined ? place : `${place}: ${text}`;
}

function checkLines({ report, paint, columns }: Page): string[] {
  return report.checks.map(({ id, verdict, title: fact, saw, because }) => {
    const why = saw ?? because;
    const seen = why === undefined ? '' : paint.dim(`  ${printable(why)}`);
    return cut(`    ${WORDS[verdict].padEnd(5)} ${id.padEnd(22)} ${printable(fact)}${seen}`, columns);
  });
}

/** Streams of viewers, and whatever did not come to its planned end; the others in one line. */
function streamLines(page: Page): string[] {
  const { report, columns, verbose } = page;
  const [shown, rest] = parted(report.streams, (stream) => verbose || !isBesideAndWell(stream));
  return [...eachStream(shown, page), ...(rest.length > 0 ? [cut(besideLine(rest, page), columns)] : [])];
}

/** It was held beside the viewers to tell timers apart, and nothing befell it. */
function isBesideAndWell({ traffic = 'viewing', end, frozen }: StreamReport): boolean {
  return traffic !== 'viewing' && end.by === 'verify' && !frozen;
}

function besideLine(streams: readonly StreamReport[], { paint }: Page): string {
  const kinds = [...new Set(streams.map(({ traffic }) => traffic))].join(', ');
  const heldMs = Math.max(...streams.map((one) => one.heldMs));
  const name = `${count(streams.length, 'stream')} beside`;
  return `  ${name}  ${paint.green('held')} ${formatMs(heldMs)} ${paint.dim(`(${kinds})`)}`;
}

function parted<T>(all: readonly T[], is: (one: T) => boolean): readonly [T[], T[]] {
  return [all.filter((one) => is(one)), all.filter((one) => !is(one))];
}

function eachStream(streams: readonly StreamReport[], { paint, columns }: Page): string[] {
  const names = streams.map(streamName);
  const width = Math.max(0, ...names.map(({ length }) => length));
  return streams.map(({ heldMs, frames, pings, longestSilenceMs, end, frozen }, index) => {
    const name = names[index]!.padEnd(width);
    const fate = frozen ? paint.red('froze') : end.by === 'verify' ? paint.green('held ') : paint.red('ended');
    const median = pings.p50Ms === null ? '' : `, median ${formatMs(pings.p50Ms)}`;
    const answers = pings.sent === 0 ? '' : `, pings ${pings.answered}/${pings.sent}${median}`;
    const facts = `${formatMs(heldMs)}, ${count(frames, 'frame')}, longest silence ${formatMs(longestSilenceMs)}${answers}`;
    return cut(`  ${name}  ${fate} ${facts}`, columns);
  });
}

function budgetLines({ report, paint, columns }: Page): string[] {
  return (report.budget ?? []).map(({ name, limit, saw, crossed, because }) => {
    const state = saw === null ? `not measured: ${because ?? ''}` : `${saw} of ${limit} ms`;
    const text = `${name} ${printable(state)}${crossed ? ', crossed' : ''}`;
    return cut(`  ${'budget'.padEnd(LABEL)}${crossed ? paint.yellow(text) : text}`, columns);
  });
}

/** What was not looked at, counted and with its reason: parts of the evidence, and checks grouped by why. */
function skipLines({ report, paint, columns, verbose }: Page): string[] {
  const row = (label: string, text: string): string =>
    wrap(`  ${label.padEnd(LABEL)}`, printable(text), columns, paint.dim);
  const parts = report.collection.filter(({ status }) => status !== 'ok');
  const byReason = Map.groupBy(
    report.checks.filter(({ verdict }) => verdict === 'skip' || verdict === 'unknown'),
    ({ verdict, because }) => `${verdict}\n${because ?? ''}`,
  );
  const checks = [...byReason.values()].map((group) => {
    const [{ verdict, because }] = group as [CheckReport];
    const names = group.slice(0, verbose ? group.length : MAX_NAMES).map(({ id }) => id);
    const rest = group.length > names.length ? ', …' : '';
    return row(
      verdict === 'skip' ? 'skipped' : 'unknown',
      `${count(group.length, 'check')} (${names.join(', ')}${rest}): ${because ?? ''}`,
    );
  });
  return [
    ...parts.map(({ what, status, because }) =>
      row(status === 'skip' ? 'skipped' : status, `${what}: ${because ?? ''}`),
    ),
    ...checks,
  ];
}

function evidenceLine({ report, paint, dir }: Page): string {
  const hidden = report.artifacts.reduce((sum, { redactions }) => sum + redactions, 0);
  const files = report.artifacts.filter(({ redactions }) => redactions > 0).length;
  const note = hidden > 0 ? `   ${count(hidden, 'value')} hidden in ${count(files, 'file')}` : '';
  return `  ${paint.dim('evidence'.padEnd(LABEL))}${dir}${note}`;
}

function verdictLine({ report, paint, columns }: Page): string {
  const exit = `exit ${report.exitCode}`;
  const summary = printable(report.summary);
  const at = report.hops.findIndex(({ verdict }) => verdict === 'fail');
  const hop = at < 0 ? '' : `hop ${at + 1} of ${report.hops.length}, ${report.hops[at]!.hop}`;
  const line = (word: string, text: string): string => wrap(`${word}  `, `${text}  ${exit}`, columns);
  if (report.interrupted) return line(paint.yellow.bold('INTERRUPTED'), summary);
  switch (report.verdict) {
    case 'pass':
      return line(paint.green.bold('PASSED'), summary);
    case 'fail':
      return line(paint.red.bold('FAILED'), hop || summary);
    case 'warn':
      return line(
        paint.yellow.bold(report.exitCode === EXIT.budgetCrossed ? 'OVER BUDGET' : 'PASSED WITH WARNINGS'),
        summary,
      );
    case 'unknown':
    case 'skip':
      return line(paint.yellow.bold('UNKNOWN'), summary);
  }
}
