import { type Hop, errorText } from '../core/index.js';
import type { CheckReport, EvidenceRef, VerdictStatus } from '../report/index.js';
import type { Code } from './codes.js';

/** `unknown` is not `fail`: it says that we could not find out, and never blames the system under test. */
export type Verdict =
  /** `tookMs`: of the step itself, where a check shares its probe with others. */
  | { readonly status: 'pass'; readonly saw: string; readonly tookMs?: number | undefined }
  | {
      readonly status: 'warn' | 'fail';
      readonly saw: string;
      readonly want: string;
      readonly code: Code;
      readonly confidence?: 'proven' | 'likely' | 'possible';
      /** Where the fault lies, when it is not the hop of the check. */
      readonly hop?: Hop;
      readonly evidence?: readonly EvidenceRef[];
      readonly remedy?: string;
    }
  | { readonly status: 'skip' | 'unknown'; readonly because: string };

export interface Check<Context> {
  /** Dotted, an address: the same in code, JSON, docs. */
  readonly id: string;
  readonly hop: Hop;
  /** Reads as a fact when it passes. */
  readonly title: string;
  /** Checks that must have passed or warned; else this one is skipped and the root cause stays on top. */
  readonly needs: readonly string[];
  readonly budgetMs: number;
  run(context: Context): Promise<Verdict>;
}

export interface CheckResult {
  readonly report: CheckReport;
  readonly verdict: Verdict;
}

/** Runs checks in order and yields each result as it is known. It knows no check. */
export async function* runChecks<Context>(
  checks: readonly Check<Context>[],
  context: Context,
  monotonic: () => number,
): AsyncGenerator<CheckResult> {
  const statuses = new Map<string, VerdictStatus>();
  for (const check of checks) {
    const blocker = check.needs.find((id) => !['pass', 'warn'].includes(statuses.get(id) ?? 'pass'));
    const began = monotonic();
    const verdict: Verdict =
      blocker === undefined ? await attempt(check, context) : { status: 'skip', because: `${blocker} did not pass` };
    statuses.set(check.id, verdict.status);
    yield { verdict, report: describe(check, verdict, monotonic() - began) };
  }
}

/** What a check throws, and what takes longer than its budget, is unknown. */
async function attempt<Context>(check: Check<Context>, context: Context): Promise<Verdict> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Verdict>((resolve) => {
    timer = setTimeout(
      () => resolve({ status: 'unknown', because: `not known within ${check.budgetMs} ms` }),
      check.budgetMs,
    );
  });
  try {
    return await Promise.race([check.run(context), late]);
  } catch (error) {
    return { status: 'unknown', because: errorText(error) };
  } finally {
    clearTimeout(timer);
  }
}

function describe<Context>({ id, hop, title }: Check<Context>, verdict: Verdict, tookMs: number): CheckReport {
  const { status, ...rest } = verdict;
  const own = 'tookMs' in rest ? rest.tookMs : undefined;
  const base = { id, title, verdict: status, tookMs: Math.round((own ?? tookMs) * 10) / 10 };
  if ('code' in rest) {
    const { saw, want, evidence } = rest;
    return { ...base, hop: rest.hop ?? hop, saw, want, ...(evidence && { evidence }) };
  }
  return { ...base, hop, ...('saw' in rest ? { saw: rest.saw } : { because: rest.because }) };
}
