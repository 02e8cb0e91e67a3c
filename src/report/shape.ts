import type { Hop } from '../core/index.js';

/** `report.json`, versioned; it only ever gains fields (spec section 3). */
export const REPORT_SCHEMA = 'camofleet.report/1';

/** `unknown` is not `fail`: it says we could not find out, and never blames the system under test. */
export const VERDICTS = ['pass', 'warn', 'fail', 'skip', 'unknown'] as const;
export type VerdictStatus = (typeof VERDICTS)[number];

/** proven: the evidence excludes every other hop. likely: it points here, the finding says what would settle it. */
export type Confidence = 'proven' | 'likely' | 'possible';

export interface EvidenceRef {
  readonly file: string;
  readonly line?: number;
  /** Packet number in the capture, from 1. */
  readonly packet?: number;
  readonly text?: string;
}

export interface HopReport {
  readonly hop: Hop;
  readonly verdict: VerdictStatus;
  readonly tookMs: number | null;
  /** One short line for the hop table. */
  readonly note?: string;
}

export interface CheckReport {
  readonly id: string;
  readonly hop: Hop;
  readonly title: string;
  readonly verdict: VerdictStatus;
  readonly saw?: string;
  readonly want?: string;
  readonly because?: string;
  readonly tookMs: number;
  readonly evidence?: readonly EvidenceRef[];
}

export type EndHow = 'close_frame' | 'close_notify' | 'fin' | 'rst' | 'timeout' | 'none';

export interface StreamReport {
  readonly vantage: string;
  readonly mode: 'still' | 'moving' | 'watch-only';
  /** What it says by itself: `viewing` as a viewer does, the others one kind of traffic alone. */
  readonly traffic?: 'viewing' | 'silent' | 'pings' | 'asks' | 'pokes' | 'pulls' | 'naps';
  readonly session?: string;
  readonly openedAt: string;
  readonly heldMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly frames: number;
  readonly pings: {
    readonly sent: number;
    readonly answered: number;
    readonly p50Ms: number | null;
    readonly p99Ms: number | null;
  };
  readonly longestSilenceMs: number;
  readonly reconnects?: number;
  /** It was open, and gave no picture any more when one was asked for at the end. */
  readonly frozen?: true;
  /** `by: 'verify'` is the planned end of a hold. Null code: none came. */
  readonly end: {
    readonly by: Hop | 'verify' | 'unknown';
    readonly how: EndHow;
    readonly code: number | null;
    readonly reason: string;
    readonly atMs: number;
  };
}

/** An explanation that was thought of, and the streams that speak for and against it. */
export interface HypothesisReport {
  readonly what: string;
  /** Nothing speaks against it. */
  readonly stands: boolean;
  readonly speaksFor: readonly string[];
  readonly speaksAgainst: readonly string[];
}

export interface Finding {
  readonly code: string;
  readonly hop: Hop;
  readonly severity: 'fail' | 'warn' | 'info';
  readonly confidence: Confidence;
  readonly saw: string;
  readonly want: string;
  readonly remedy: string;
  /** Popular suspects that the evidence rules out. */
  readonly not: readonly string[];
  /** What the next run should add to settle it; where confidence is not proven. */
  readonly settle?: string;
  readonly evidence: readonly EvidenceRef[];
  /** Milliseconds from the beginning of the run until its hop was named, on the way or in the report. */
  readonly knownAfterMs?: number;
  /** What else would explain it; present where explanations were weighed. */
  readonly hypotheses?: readonly HypothesisReport[];
}

/** After how long each kind of traffic was cut at each vantage point: the result of `--find-idle`. */
export interface CutTimes {
  /** How long it was looked for. */
  readonly boundMs: number;
  readonly rows: readonly {
    readonly vantage: string;
    readonly traffic: NonNullable<StreamReport['traffic']>;
    /** Null: it was not cut, and lived for `outlivedMs`. */
    readonly cutMs: number | null;
    readonly outlivedMs: number;
  }[];
  /** A third of the shortest idle timer; null when none was found. */
  readonly pingEveryMs: number | null;
  readonly set: readonly { readonly where: string; readonly what: string }[];
}

/** The clock of a source of evidence, compared with that of verify by events that both saw. */
export interface ClockReport {
  /** The file in the folder of the run. */
  readonly source: string;
  /** Negative: it is behind. */
  readonly aheadMs: number;
  readonly uncertaintyMs: number;
  readonly events: number;
}

/** A limit that was asked for with a budget. Null: it could not be measured, and `because` says why. */
export interface BudgetReport {
  readonly name: string;
  readonly limit: number;
  readonly saw: number | null;
  readonly crossed: boolean;
  readonly because?: string;
}

export interface Artifact {
  readonly path: string;
  readonly kind: 'pcap' | 'log' | 'report' | 'junit' | 'html' | 'picture' | 'text';
  readonly bytes: number;
  readonly sha256: string;
  readonly redactions: number;
}

export interface Collected {
  readonly what: string;
  /** `partial`: it is there, with gaps. */
  readonly status: 'ok' | 'partial' | 'skip' | 'failed';
  readonly because?: string;
}

export interface Report {
  readonly schema: typeof REPORT_SCHEMA;
  readonly run: string;
  readonly version: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly verdict: VerdictStatus;
  readonly exitCode: number;
  readonly summary: string;
  readonly interrupted?: boolean;
  readonly target: { readonly url: string | null; readonly vantages: readonly string[] };
  /** In path order, each once. */
  readonly hops: readonly HopReport[];
  readonly checks: readonly CheckReport[];
  readonly streams: readonly StreamReport[];
  /** Worst and surest first. */
  readonly findings: readonly Finding[];
  /** Present with `--find-idle`. */
  readonly cutTimes?: CutTimes;
  /** Present when a budget was given. */
  readonly budget?: readonly BudgetReport[];
  /** Present when clocks could be compared. Times of findings are on the clock of verify. */
  readonly clocks?: readonly ClockReport[];
  readonly artifacts: readonly Artifact[];
  readonly collection: readonly Collected[];
}

const SEVERITY: readonly VerdictStatus[] = ['fail', 'unknown', 'warn', 'pass'];

/** The worst of fail > unknown > warn > pass; skips do not count; everything skipped is unknown. */
export function worstVerdict(verdicts: readonly VerdictStatus[]): VerdictStatus {
  return SEVERITY.find((verdict) => verdicts.includes(verdict)) ?? 'unknown';
}
