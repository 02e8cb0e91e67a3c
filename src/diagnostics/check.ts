import { type Hop, errorText } from '../core/index.js';
import type { CheckReport, EvidenceRef, VerdictStatus } from '../report/index.js';
import type { Code } from './codes.js';

/** `unknown` is not `fail`: it says that we could not find out, and never blames the system under test. */
export type Verdict =
  /** `tookMs`: of the step itself, where a check shares its probe with others. */
  | {
      readonly status: 'pass';
      readonly saw: string;
      readonly tookMs?: number | undefined;
      /** Nothing is broken as far as is known, and whoever misses something should hear of it: a finding of severity info. */
      readonly told?: Code;
    }
  | {
      readonly status: 'warn' | 'fail';
      readonly saw: string;
      readonly want: string;
      readonly code: Code;
      readonly confidence?: 'proven' | 'likely' | 'possible';
      /** Where the fault lies, when it is not the hop of the check. */
      readonly hop?: Hop;
      readonly evidence?: readonly EvidenceRef[];
      /** Sec-WebSocket-Key of the dial: lines of logs that hold it are evidence. */
      readonly wsKey?: string | undefined;
      readonly remedy?: string;
    }
  | { readonly status: 'skip' | 'unknown'; readonly because: string };

export interface Check<Context> {
  /** Dotted, an address: the same in code, JSON, docs. */
  readonly id: string;
  readonly hop: Hop;
  /** Reads as a fact when it passes. */
  readonly title: string;
  /**
   * Checks that must have passed or warned, where they are part of the run; else this one is skipped and the root cause
   * stays on top.
   */
  readonly needs: readonly string[];
  readonly budgetMs: number;
  /** Whether there is anything to look at; a check that does not apply is no part of the run. */
  applies?(context: Context): boolean;
  run(context: Context): Promise<Verdict>;
}

export interface CheckResult {
  /** When it was known, on the clock of the run. */
  readonly atMs?: number;
  readonly report: CheckReport;
  readonly verdict: Verdict;
}

/** Runs the checks that apply, in order, and yields each result as it is known. It knows no check. */
export async function* runChecks<Context>(
  checks: readonly Check<Context>[],
  context: Context,
  { monotonic, signal }: { readonly monotonic: () => number; readonly signal: AbortSignal },
): AsyncGenerator<CheckResult> {
  const statuses = new Map<string, VerdictStatus>();
  for (const check of checks) {
    if (check.applies?.(context) === false) continue;
    const blocker = signal.aborted
      ? undefined // that it was interrupted says more
      : check.needs.find((id) => !SATISFIES.includes(statuses.get(id) ?? 'pass'));
    const began = monotonic();
    const verdict: Verdict =
      blocker === undefined
        ? await attempt(check, context, signal)
        : { status: 'skip', because: `${blocker} did not pass` };
    statuses.set(check.id, verdict.status);
    const atMs = monotonic();
    yield { atMs, verdict, report: describe(check, verdict, atMs - began) };
  }
}

const SATISFIES: readonly VerdictStatus[] = ['pass', 'warn'];
const INTERRUPTED: Verdict = { status: 'skip', because: 'verify was interrupted' };

/** What a check throws, and what takes longer than its budget, is unknown. What verify itself broke off is a skip. */
async function attempt<Context>(check: Check<Context>, context: Context, signal: AbortSignal): Promise<Verdict> {
  if (signal.aborted) return INTERRUPTED;
  const { promise: early, resolve } = Promise.withResolvers<Verdict>();
  const abort = (): void => resolve(INTERRUPTED);
  const timer = setTimeout(
    () => resolve({ status: 'unknown', because: `not known within ${check.budgetMs} ms` }),
    check.budgetMs,
  );
  signal.addEventListener('abort', abort, { once: true });
  try {
    const verdict = await Promise.race([early, check.run(context)]);
    return signal.aborted ? INTERRUPTED : verdict;
  } catch (error) {
    return signal.aborted ? INTERRUPTED : { status: 'unknown', because: errorText(error) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
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
