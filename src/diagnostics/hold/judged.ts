import type { Confidence, EvidenceRef } from '../../report/index.js';
import type { Code } from '../codes.js';
import type { CollectedLogs } from '../collection/index.js';
import type { DialFacts, StreamEnd } from '../probe/facts.js';
import type { Readings } from '../probe/ledger.js';
import type { Mode, Vantage } from '../subjects/index.js';
import type { Hypothesis } from './theories.js';
import type { Timer } from './timers.js';
import type { Traffic } from './traffic.js';

/** A held stream as the judge sees it: facts, no sockets. */
export interface JudgedStream {
  readonly vantage: Vantage;
  readonly mode: Mode;
  readonly traffic: Traffic;
  readonly session: string | undefined;
  /** Sec-WebSocket-Key. */
  readonly key: string | undefined;
  readonly opening: DialFacts;
  readonly isAbandoned: boolean;
  readonly end: StreamEnd | undefined;
  readonly answeredAtEnd: boolean | undefined;
  readonly after: DialFacts | undefined;
  readonly longestSilenceMs: number;
  /** The median round trip of its own pings; null before the first answer. */
  readonly pingRttMs?: number | null;
  /** At its end; undefined when it did not open. */
  readonly readings: Readings | undefined;
}

/** A packet that ended a flow. */
export interface PacketFact {
  /** Where it is not the main capture of the run. */
  readonly file?: string;
  readonly packet: number;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Who dialled: `127.0.0.1:54321`. */
  readonly client: string;
}

export interface JudgeInput {
  readonly streams: readonly JudgedStream[];
  readonly logs: CollectedLogs;
  readonly packets: { readonly file: string; readonly ends: readonly PacketFact[] };
  /** Streams beside those of viewers that were ended before they opened. */
  readonly turnedAway?: number;
  /** How often the gateway is set to ping; undefined where nobody said. */
  readonly heartbeatMs?: number | undefined;
  /** When verify began to end its streams and to release its sessions, wall clock. */
  readonly endedAt: number;
}

export type Cut = JudgedStream & { readonly end: StreamEnd };

/** Who let go, and what says so. */
export interface Culprit {
  readonly code: Code;
  readonly confidence: Confidence;
  readonly evidence?: readonly EvidenceRef[];
  /** The timer that explains the cuts. */
  readonly timer?: Timer;
  /** All that was thought of. */
  readonly weighed?: readonly Hypothesis[];
  /** In place of what the code always says. */
  readonly remedy?: string;
  /** What the next run should add, where that is known better than in general. */
  readonly settle?: string;
}

/** Lines of one event in several logs of one host lie this close together, and so do cuts that have one cause. */
export const SAME_MOMENT_MS = 1_500;
