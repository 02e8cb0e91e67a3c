import type { Hop } from '../core/index.js';
import type { Confidence, Finding, VerdictStatus } from '../report/index.js';
import type { Answer } from './answers.js';
import type { Look, Named } from './look.js';

export type Result = 'right' | 'wrong' | 'notHostable' | 'skipped';

/** One line of the score. What verify was given stands in it, so that the line can be believed. */
export interface Row {
  readonly id: string;
  readonly title: string;
  readonly expected: { readonly hop: Hop; readonly remedy: string };
  /** The first finding; null where there was none, or where verify was not run. */
  readonly found: { readonly hop: Hop; readonly code: string; readonly confidence: Confidence } | null;
  readonly remedy: string | null;
  /** Of the whole run. */
  readonly seconds: number | null;
  /** Until the hop of the first finding was named; null where there was none. */
  readonly named: Named | null;
  readonly result: Result;
  /** What is wrong, or why it was not run. */
  readonly because?: string;
  readonly given?: {
    readonly flags: readonly string[];
    readonly files: readonly string[];
    readonly namespace?: string;
  };
  /** The same path without the cause, with the same flags. */
  readonly twin?: { readonly verdict: VerdictStatus; readonly seconds: number; readonly flags: readonly string[] };
}

/** `camofleet lab score --json`. */
export interface Score {
  readonly total: number;
  readonly right: number;
  readonly wrong: number;
  readonly notHostable: number;
  readonly skipped: number;
  readonly rows: readonly Row[];
}

export function scoreOf(rows: readonly Row[]): Score {
  const count = (result: Result): number => rows.filter((row) => row.result === result).length;
  return {
    total: rows.length,
    right: count('right'),
    wrong: count('wrong'),
    notHostable: count('notHostable'),
    skipped: count('skipped'),
    rows,
  };
}

/** The line of a fault that was looked at. */
export function judged(
  fault: { readonly id: string; readonly title: string },
  answer: Answer,
  broken: Look,
  twin: Look | undefined,
): Row {
  const [first] = broken.report.findings;
  const complaints = [...complaintsOf(first, answer), ...(twin ? twinComplaints(broken, twin) : [])];
  return {
    ...headOf(fault, answer),
    found: first ? { hop: first.hop, code: first.code, confidence: first.confidence } : null,
    remedy: first?.remedy ?? null,
    seconds: broken.seconds,
    named: broken.named ?? null,
    result: complaints.length === 0 ? 'right' : 'wrong',
    ...(complaints.length > 0 && { because: complaints.join('; ') }),
    given: {
      flags: broken.flags,
      files: broken.files,
      ...(broken.namespace !== undefined && { namespace: broken.namespace }),
    },
    ...(twin && { twin: { verdict: twin.report.verdict, seconds: twin.seconds, flags: twin.flags } }),
  };
}

/** The line of a fault that was not looked at, or whose path could not be started. */
export function unjudged(
  fault: { readonly id: string; readonly title: string },
  answer: Answer,
  result: Result,
  because: string,
): Row {
  return { ...headOf(fault, answer), found: null, remedy: null, seconds: null, named: null, result, because };
}

function headOf({ id, title }: { readonly id: string; readonly title: string }, answer: Answer) {
  return { id, title, expected: { hop: answer.hop, remedy: answer.cure } };
}

/** Right is: the first finding has the hop, is likely or proven, and says the remedy. */
function complaintsOf(first: Finding | undefined, answer: Answer): string[] {
  if (!first) return ['nothing was found'];
  const isInfo = first.severity === 'info';
  return [
    ...(first.hop === answer.hop ? [] : [`hop ${first.hop}, not ${answer.hop}`]),
    ...(first.confidence === 'possible' ? ['only possible'] : []),
    ...(answer.remedy.test(first.remedy) ? [] : [`the remedy does not say ${answer.remedy.source}`]),
    ...(isInfo === (answer.severity === 'info') ? [] : [`severity ${first.severity}`]),
  ];
}

/** The twin must pass, and be looked at in the same way. */
function twinComplaints(broken: Look, twin: Look): string[] {
  const { verdict, findings } = twin.report;
  const bad = findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code);
  return [
    ...(namesOf(broken) === namesOf(twin) ? [] : [`the twin was given other flags: ${namesOf(twin)}`]),
    ...(verdict === 'pass' && bad.length === 0 ? [] : [`the healthy twin is ${[verdict, ...bad].join(', ')}`]),
  ];
}

function namesOf({ flags }: Look): string {
  return flags.filter((flag) => flag.startsWith('--')).join(' ');
}
