import {
  type BudgetReport,
  type CheckReport,
  type ClockReport,
  type CutTimes,
  type Finding,
  REPORT_SCHEMA,
  type Report,
  type StreamReport,
  type VerdictStatus,
  worstVerdict,
} from '../../report/index.js';
import type { Front, Subject } from '../subjects/index.js';
import { exitCodeOf } from './exit-code.js';
import { hopReports } from './hops.js';
import { summaryOf } from './summary.js';

/** Everything that a run has found out. */
export interface Conclusion {
  readonly run: string;
  readonly version: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly subjects: readonly Subject[];
  readonly entrance: Front | undefined;
  readonly checks: readonly CheckReport[];
  readonly streams: readonly StreamReport[];
  /** Worst and surest first. */
  readonly findings: readonly Finding[];
  readonly budget: readonly BudgetReport[];
  /** Undefined when it was not searched for. */
  readonly cutTimes: CutTimes | undefined;
  /** Of sources whose clock could be compared. */
  readonly clocks?: readonly ClockReport[];
  /** Undefined when nothing was held. */
  readonly heldMs: number | undefined;
  readonly durationMs: number;
  readonly interrupted: boolean;
  readonly strict: boolean;
}

/** The report, before its artifacts are known. */
export function draftReport(conclusion: Conclusion): Report {
  const { checks, streams, findings, budget, cutTimes, interrupted } = conclusion;
  const verdict = verdictOf(conclusion);
  const isOverBudget = budget.some(({ crossed }) => crossed);
  return {
    schema: REPORT_SCHEMA,
    run: conclusion.run,
    version: conclusion.version,
    startedAt: new Date(conclusion.startedAt).toISOString(),
    endedAt: new Date(conclusion.endedAt).toISOString(),
    verdict,
    exitCode: exitCodeOf({ ...conclusion, verdict, isOverBudget }),
    summary: summaryOf({ ...conclusion, verdict }),
    ...(interrupted && { interrupted }),
    target: targetOf(conclusion),
    hops: hopReports(checks, findings),
    checks,
    streams,
    findings,
    ...(cutTimes && { cutTimes }),
    ...(budget.length > 0 && { budget }),
    ...(conclusion.clocks && conclusion.clocks.length > 0 && { clocks: conclusion.clocks }),
    artifacts: [],
    collection: [],
  };
}

/** The worst of checks, findings and budget. What was broken off is no pass, whatever was seen until then. */
function verdictOf({ checks, findings, budget, interrupted }: Conclusion): VerdictStatus {
  return worstVerdict([
    ...checks.map((check) => check.verdict),
    ...findings.flatMap(({ severity }): VerdictStatus[] => (severity === 'info' ? [] : [severity])),
    ...budget.map(({ crossed, saw }): VerdictStatus => (crossed ? 'warn' : saw === null ? 'skip' : 'pass')),
    ...(interrupted ? (['unknown'] as const) : []),
  ]);
}

/** Without the query: it holds the token. */
function targetOf({ subjects, entrance }: Conclusion): Report['target'] {
  const target = subjects.map(({ targets }) => targets.public).find((one) => one !== undefined) ?? entrance?.target;
  return {
    url: target?.kind === 'socket' ? `${target.url.protocol}//${target.url.host}${target.url.pathname}` : null,
    vantages: [...new Set(subjects.flatMap(({ targets }) => Object.keys(targets)))],
  };
}
