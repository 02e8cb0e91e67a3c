import type { Verdict } from '../../../../src/diagnostics/check.ts';

/** A verdict in a few words: status, code, the remedy where it is not that of the code, or the reason. */
export function brief(verdict: Verdict): string {
  if ('code' in verdict) {
    const remedy = verdict.remedy === undefined ? '' : ` → ${verdict.remedy}`;
    return `${verdict.status} ${verdict.code}${remedy}`;
  }
  return 'because' in verdict ? `${verdict.status} ${verdict.because}` : verdict.status;
}
