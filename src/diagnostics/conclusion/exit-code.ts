import { EXIT, type ExitCode, worstExit } from '../../core/index.js';
import type { CheckReport, Finding, VerdictStatus } from '../../report/index.js';
import { CODES, type CodeEntry } from '../codes.js';

interface Ended {
  readonly verdict: VerdictStatus;
  readonly checks: readonly Pick<CheckReport, 'verdict'>[];
  readonly findings: readonly Pick<Finding, 'code' | 'severity'>[];
  readonly interrupted: boolean;
  readonly isOverBudget: boolean;
  readonly strict: boolean;
}

/** The exit code of a run. Several may apply, the worst wins; a refusal is no failed check unless something else failed too. */
export function exitCodeOf({ verdict, checks, findings, interrupted, isOverBudget, strict }: Ended): ExitCode {
  const failures = findings.filter(({ severity }) => severity === 'fail');
  const refusals = failures.filter(isRefusal);
  const codes: ExitCode[] = [EXIT.ok];
  if (interrupted) codes.push(EXIT.interrupted);
  if (refusals.length > 0) codes.push(EXIT.refused);
  if (verdict === 'fail' && (refusals.length === 0 || refusals.length < failures.length)) codes.push(EXIT.failed);
  if (verdict === 'unknown' || checks.some((check) => check.verdict === 'unknown')) codes.push(EXIT.couldNotRun);
  if (isOverBudget) codes.push(EXIT.budgetCrossed);
  if (strict && (verdict === 'warn' || findings.some(({ severity }) => severity === 'warn')))
    codes.push(EXIT.strictWarnings);
  return worstExit(codes);
}

function isRefusal({ code }: { readonly code: string }): boolean {
  const entry: CodeEntry | undefined = Object.entries(CODES).find(([known]) => known === code)?.[1];
  return entry?.isRefusal === true;
}
