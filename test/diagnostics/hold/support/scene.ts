import type { CollectedLogs } from '../../../../src/diagnostics/collection/index.ts';
import type { JudgeInput, JudgedStream, PacketFact } from '../../../../src/diagnostics/hold/judged.ts';
import { parseAccessLog, parseServiceLog } from '../../../../src/diagnostics/logs/index.ts';
import type { DialFacts, StreamEnd } from '../../../../src/diagnostics/probe/facts.ts';
import type { Mode, Vantage } from '../../../../src/diagnostics/subjects/index.ts';

/** When the first cut came, and when verify ended what was left. */
export const CUT_AT = Date.parse('2026-11-23T12:00:10.000Z');
export const ENDED_AT = CUT_AT + 5_500;

const OPEN: DialFacts = { stage: 'open' };
const HELD: StreamEnd = { how: 'close_frame', code: 1000, reason: '', atMs: 15_500, at: ENDED_AT, bySelf: true };
export const REFUSED: DialFacts = { stage: 'tcp', errorCode: 'ECONNREFUSED', failure: 'connect ECONNREFUSED' };

export function answered(status: number, code?: string): DialFacts {
  const body = code === undefined ? '' : JSON.stringify({ code });
  return { stage: 'http', http: { status, headers: {}, body, key: 'k', wantedAccept: 'a', tookMs: 1 } };
}

export type StreamFacts = Partial<JudgedStream>;

/** A stream that verify held to the end and that answered; its key is its name. */
export function held(vantage: Vantage, more: StreamFacts = {}): JudgedStream {
  const mode: Mode = more.mode ?? 'still';
  return {
    vantage,
    mode,
    traffic: 'viewing',
    readings: undefined,
    session: mode === 'still' ? 'quiet' : 'busy',
    key: vantage === 'rfb' ? undefined : `${mode} ${vantage}`,
    opening: OPEN,
    isAbandoned: false,
    end: HELD,
    answeredAtEnd: true,
    after: undefined,
    longestSilenceMs: 9_000,
    ...more,
  };
}

/** A stream that somebody else ended, at first with a bare FIN; afterwards the same target opens again. */
export function cut(vantage: Vantage, end: Partial<StreamEnd> = {}, more: StreamFacts = {}): JudgedStream {
  const whole = { how: 'fin', code: null, reason: '', atMs: 10_000, at: CUT_AT, bySelf: false, ...end } as const;
  return held(vantage, { end: whole, answeredAtEnd: undefined, after: OPEN, ...more });
}

/** Ended by a close frame. */
export function closed(vantage: Vantage, code: number, more: StreamFacts = {}): JudgedStream {
  return cut(vantage, { how: 'close_frame', code, reason: 'because' }, more);
}

export function unopened(vantage: Vantage, opening: DialFacts, more: StreamFacts = {}): JudgedStream {
  return held(vantage, { opening, end: undefined, answeredAtEnd: undefined, key: undefined, ...more });
}

export function frozen(vantage: Vantage, more: StreamFacts = {}): JudgedStream {
  return held(vantage, { answeredAtEnd: false, after: OPEN, ...more });
}

interface Log {
  readonly event: string;
  readonly atMs?: number;
  readonly [fact: string]: unknown;
}

/** Lines of a service's log, at the moment of the cut where nothing else is said. */
export function lines(...logs: readonly Log[]): ReturnType<typeof parseServiceLog> {
  return parseServiceLog(
    logs.map(({ atMs = 0, ...facts }) => JSON.stringify({ time: new Date(CUT_AT + atMs).toISOString(), ...facts })),
  );
}

export function inputOf(
  streams: readonly JudgedStream[],
  logs: Partial<CollectedLogs> = {},
  ends: readonly PacketFact[] = [],
): JudgeInput {
  const none = { access: [], gateway: [], runner: [], supervisor: [] };
  return { streams, logs: { ...none, ...logs }, packets: { file: 'vnc.tcpdump.pcap', ends }, endedAt: ENDED_AT };
}

export { parseAccessLog };
