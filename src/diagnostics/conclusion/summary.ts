import type { BudgetReport, CheckReport, Finding, StreamReport, VerdictStatus } from '../../report/index.js';
import { count, formatMs } from '../../report/index.js';

interface Ended {
  readonly verdict: VerdictStatus;
  readonly checks: readonly Pick<CheckReport, 'id' | 'verdict' | 'because'>[];
  readonly findings: readonly Pick<Finding, 'code' | 'hop' | 'saw' | 'severity'>[];
  readonly streams: readonly Pick<StreamReport, 'end' | 'longestSilenceMs'>[];
  readonly budget: readonly BudgetReport[];
  readonly interrupted: boolean;
  readonly heldMs: number | undefined;
  readonly durationMs: number;
}

/** One sentence, with its proof. */
export function summaryOf(ended: Ended): string {
  const { verdict, findings, interrupted, heldMs, durationMs } = ended;
  const [first] = findings;
  const failure = first?.severity === 'fail' ? `${first.hop}: ${first.code}, ${first.saw}` : undefined;
  if (interrupted) {
    const held = heldMs === undefined ? 'nothing was held' : `held ${formatMs(heldMs)} of ${formatMs(durationMs)}`;
    return `${held}; ${failure ?? (heldMs === undefined ? 'no fault seen' : 'no cut seen')}; not a pass`;
  }
  if (failure !== undefined) return failure;
  if (verdict === 'unknown') return `could not find out: ${reasonOf(ended)}`;
  return [
    heldMs === undefined ? 'every probe passed, nothing was held' : heldText(ended, heldMs),
    ...notes(ended),
  ].join('; ');
}

function reasonOf({ checks }: Ended): string {
  const unknown =
    checks.find(({ verdict }) => verdict === 'unknown') ?? checks.find(({ verdict }) => verdict === 'skip');
  return unknown ? `${unknown.id}, ${unknown.because ?? 'no reason is known'}` : 'nothing could be looked at';
}

function heldText({ streams, checks }: Ended, heldMs: number): string {
  const cuts = streams.filter(({ end }) => end.by !== 'verify').length;
  const silence = Math.max(0, ...streams.map(({ longestSilenceMs }) => longestSilenceMs));
  const accept = checks.some(({ id, verdict }) => id === 'upgrade.accept' && verdict === 'pass');
  return [
    `held ${formatMs(heldMs)}`,
    `${cuts} cuts`,
    `longest silence ${formatMs(silence)}`,
    count(streams.length, 'stream'),
    ...(accept ? ['Accept correct'] : []),
  ].join(', ');
}

function notes({ findings, budget }: Ended): string[] {
  const warnings = findings.filter(({ severity }) => severity === 'warn').map(({ code }) => code);
  const crossed = budget.filter(({ crossed: isCrossed }) => isCrossed).map(({ name }) => name);
  return [
    ...(warnings.length > 0 ? [`warnings: ${warnings.join(', ')}`] : []),
    ...(crossed.length > 0 ? [`over budget: ${crossed.join(', ')}`] : []),
  ];
}
