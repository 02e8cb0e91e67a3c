import { EXIT, type ExitCode, worstExit } from '../core/index.js';
import type { Finding, StreamReport, VerdictStatus } from '../report/index.js';

interface Conclusion {
  readonly verdict: VerdictStatus;
  readonly findings: readonly Finding[];
  readonly interrupted: boolean;
  readonly heldMs: number | undefined;
  readonly durationMs: number;
  readonly streams: readonly StreamReport[];
  readonly refused: boolean;
  readonly strict: boolean;
}

/** The exit code of a run; several may apply, the worst wins. */
export function exitCodeOf({ verdict, interrupted, refused, strict }: Conclusion): ExitCode {
  const codes: ExitCode[] = [EXIT.ok];
  if (interrupted) codes.push(EXIT.interrupted);
  if (refused) return worstExit([...codes, EXIT.refused]);
  if (verdict === 'fail') codes.push(EXIT.failed);
  if (verdict === 'unknown') codes.push(EXIT.couldNotRun);
  if (verdict === 'warn' && strict) codes.push(EXIT.strictWarnings);
  return worstExit(codes);
}

/** One sentence, with its proof. */
export function summaryOf({ verdict, findings, interrupted, heldMs, durationMs, streams }: Conclusion): string {
  const [first] = findings;
  if (first && verdict === 'fail') return `${first.hop}: ${first.code}, ${first.saw}`;
  const silence = Math.max(0, ...streams.map(({ longestSilenceMs }) => longestSilenceMs));
  const held = heldMs === undefined ? 'nothing was held' : `held ${span(heldMs)}`;
  if (interrupted) return `${held} of ${span(durationMs)}; no cut seen; not a pass`;
  if (heldMs === undefined)
    return verdict === 'pass' ? 'every probe passed; nothing was held' : 'the probes did not tell enough';
  const cuts = streams.filter(({ end }) => end.by !== 'verify').length;
  return `${held}, ${cuts} cuts, longest silence ${span(silence)}, ${streams.length} streams, Accept correct`;
}

/** `41 s`, `2 h 00 m`. */
export function span(ms: number): string {
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60
    ? `${minutes} min ${Math.round((ms % 60_000) / 1000)} s`
    : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} m`;
}
