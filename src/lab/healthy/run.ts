import { errorText } from '../../core/index.js';
import type { VerdictStatus } from '../../report/index.js';
import { type Machine, lacking } from '../catalogue.js';
import { look } from '../look.js';
import type { StageDeps } from '../stage.js';
import { healthyPath } from './path.js';
import type { SetUp } from './set-up.js';

/** What verify said of a path on which nothing is broken. */
export interface HealthyRow {
  readonly id: string;
  /** What the path was made of. */
  readonly setUp: string;
  /** Absent: it could not be run, `because`. */
  readonly verdict?: VerdictStatus;
  /** Findings of severity warn or fail: each accuses somebody who is innocent. */
  readonly accused: readonly string[];
  /** Checks that could not find out. */
  readonly unknown: readonly string[];
  readonly seconds?: number;
  readonly flags?: readonly string[];
  readonly because?: string;
}

/** Starts a path, and has verify look at it. */
export async function lookAtHealthy(
  setUp: SetUp,
  number: number,
  deps: StageDeps,
  machine: Machine,
): Promise<HealthyRow> {
  const path = healthyPath(setUp, number);
  const head = { id: path.id, setUp: path.title, accused: [], unknown: [] };
  const missing = lacking(path.needs, machine);
  if (missing.length > 0) return { ...head, because: `this machine lacks ${missing.join(', ')}` };
  try {
    const { report, seconds, flags } = await look(path, 'healthy', deps);
    return {
      ...head,
      verdict: report.verdict,
      accused: report.findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code),
      unknown: report.checks.filter(({ verdict }) => verdict === 'unknown').map(({ id }) => id),
      seconds,
      flags,
    };
  } catch (error) {
    deps.signal.throwIfAborted();
    return { ...head, because: errorText(error) };
  }
}

/** How it went altogether. `unknown`: runs with a check, or a verdict, that could not find out. */
export function healthOf(rows: readonly HealthyRow[]) {
  const count = (is: (row: HealthyRow) => boolean): number => rows.filter(is).length;
  return {
    total: rows.length,
    passed: count(({ verdict }) => verdict === 'pass'),
    accused: count(({ accused }) => accused.length > 0),
    unknown: count(({ verdict, unknown }) => verdict === 'unknown' || unknown.length > 0),
    notRun: count(({ verdict }) => verdict === undefined),
    rows,
  };
}
