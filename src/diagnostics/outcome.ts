import type { Finding, Report } from '../report/index.js';
import { type EgressSight, findingsOfEgress } from './egress/index.js';
import { findingsOfFlows } from './stalled.js';
import { againstBudget } from './budget.js';
import type { CheckResult } from './check.js';
import type { CollectedLogs, Packets } from './collection/index.js';
import { draftReport, streamReport } from './conclusion/index.js';
import { findingsOfChecks, findingsOfLock, ranked } from './findings.js';
import { judgeLogging } from './logging.js';
import {
  type ServerSight,
  reapedAt,
  settled,
  wordsOf,
  type OwnerSight,
  descriptorsIn,
  refusalAt,
  type ShmSight,
  findingsOfScreen,
} from './host/index.js';
import { type HeldStream, type HoldResult, type JudgedStream, cutTimesOf, judge } from './hold/index.js';
import type { Probes } from './probes.js';
import { type Prepared, VANTAGES } from './subjects/index.js';
import type { VerifyDeps, VerifyOptions } from './options.js';

/** What a hold says by itself, before logs and packets are read. */
export interface Early {
  readonly atMs: number;
  readonly findings: readonly Finding[];
}

/** Who let go, as far as the streams alone tell; nothing of what is no failure. */
export function judgedEarly(hold: HoldResult): readonly Finding[] {
  const { streams, endedAt } = hold;
  const logs = { access: [], gateway: [], runner: [], supervisor: [] };
  const { findings } = judge({
    streams: streams.map(judgedStream),
    logs,
    packets: { file: '', ends: [] },
    endedAt,
    turnedAway: turnedAway(hold),
  });
  return findings.filter(({ severity }) => severity === 'fail');
}

function turnedAway(hold: HoldResult | undefined): number {
  return (hold?.unopened ?? []).filter(({ opening }) => opening.stop === 'ended').length;
}

/** Everything that a run has seen. */
interface Outcome {
  readonly run: string;
  readonly startedAt: number;
  /** The same on the clock that never jumps. */
  readonly beganMs: number;
  /** What the hold alone said, and when that was told. */
  readonly early: Early | undefined;
  readonly prepared: Prepared;
  readonly probes: Probes;
  readonly checks: readonly CheckResult[];
  readonly hold: HoldResult | undefined;
  readonly logs: CollectedLogs;
  readonly packets: Packets;
  /** Undefined when its machine was not looked at: there was no reason to, or no way. */
  readonly sight: ServerSight | undefined;
  readonly gatewayOwner: OwnerSight | undefined;
  readonly shm: ShmSight | undefined;
  readonly egress: EgressSight | undefined;
}

/** Judges what a run has seen, and draws its report from that. It does no IO. */
export function concluded(outcome: Outcome, options: VerifyOptions, deps: VerifyDeps): Report {
  const {
    run,
    startedAt,
    beganMs,
    early,
    prepared,
    probes,
    checks,
    hold,
    logs,
    packets,
    sight,
    gatewayOwner,
    shm,
    egress,
  } = outcome;
  const { subjects, entrance } = prepared;
  const held = (hold?.streams ?? []).map((one) => ({ one, judged: judgedStream(one) }));
  const endedAt = hold?.endedAt ?? deps.now();
  const judgement = judge({
    streams: held.map(({ judged }) => judged),
    logs,
    packets,
    endedAt,
    turnedAway: turnedAway(hold),
    heartbeatMs: options.heartbeatMs ?? deps.fleet?.topology.gateway.pingIntervalMs,
  });
  const streams = held.map(({ one, judged }) => streamReport(one, judgement.blamed.get(judged)));
  const [subject] = subjects;
  const opening = subject && probes.front && probes.seen(subject, probes.front.vantage);
  const opened = VANTAGES.flatMap((vantage) => (subject && probes.seen(subject, vantage)) ?? []).filter(
    ({ stage }) => stage === 'open',
  );
  const cutAt = Math.min(...held.flatMap(({ one: { end } }) => (end?.bySelf === false ? [end.at] : [])));
  const testimony = {
    sight,
    words: wordsOf(logs.runnerText ?? []),
    gateway: {
      owner: gatewayOwner,
      said: descriptorsIn(logs.gatewayText ?? []),
      refusedAt: refusalAt(logs.gatewayText ?? [], options.rfb),
    },
    opened,
    isCut: Number.isFinite(cutAt),
    reaped: reapedAt(logs.controlText ?? [], Number.isFinite(cutAt) ? cutAt : endedAt),
  };
  const elapsedMs = Math.round(deps.monotonic() - beganMs);
  const knownAfterMs = ({ hop }: Finding): number | undefined =>
    early?.findings.some((one) => one.hop === hop) ? Math.round(early.atMs - beganMs) : undefined;
  return draftReport({
    run,
    startedAt,
    subjects,
    entrance,
    version: deps.version,
    endedAt: deps.now(),
    checks: checks.map(({ report }) => report),
    streams,
    findings: ranked([
      ...settled(
        [...findingsOfChecks(checks, logs, beganMs), ...judgement.findings, ...ofLogging(outcome, options)],
        testimony,
      ),
      ...findingsOfScreen({ opening, words: testimony.words, shm, isOwn: prepared.isOwn }),
      ...findingsOfFlows(packets.flows),
      ...findingsOfEgress(egress),
      ...findingsOfLock(opening),
    ]).map((finding) => ({ knownAfterMs: knownAfterMs(finding) ?? elapsedMs, ...finding })),
    budget: againstBudget(options.budget, { opening, streams }),
    clocks: [...(logs.clocks ?? []), ...packets.clocks],
    cutTimes:
      options.findIdle && hold
        ? cutTimesOf(
            held.map(({ judged }) => judged),
            hold.heldMs,
          )
        : undefined,
    heldMs: hold?.heldMs,
    durationMs: options.durationMs,
    interrupted: deps.signal.aborted,
    strict: options.strict,
  });
}

/** Of a log that a flag names: the fleet's own is rendered as it must be. */
function ofLogging({ probes, hold, logs, startedAt }: Outcome, options: VerifyOptions): readonly Finding[] {
  const target = probes.front?.vantage === 'public' ? probes.front.target : undefined;
  if (options.logs.traefik === undefined || target?.kind !== 'socket') return [];
  const sockets = [...probes.publicKeys(), ...publicKeysOf(hold)];
  const path = target.url.pathname;
  const found = judgeLogging({ sockets, path, access: logs.access, sinceMs: startedAt });
  return found ? [found] : [];
}

/** Sec-WebSocket-Keys of the sockets that a hold had open at the public URL. */
export function publicKeysOf(hold: HoldResult | undefined): readonly string[] {
  const held = hold?.streams ?? [];
  return held.flatMap(({ planned, stream }) => (planned.vantage === 'public' && stream?.key ? [stream.key] : []));
}

function judgedStream(held: HeldStream): JudgedStream {
  const { planned, stream, opening, isAbandoned, end, answeredAtEnd, after } = held;
  const { vantage, mode, session, traffic } = planned;
  return {
    vantage,
    mode,
    traffic,
    session,
    key: stream?.key,
    opening,
    isAbandoned,
    end,
    answeredAtEnd,
    after,
    pingRttMs: stream?.rtt(50) ?? null,
    longestSilenceMs: Math.round(stream?.longestSilenceMs ?? 0),
    readings: stream?.readings,
  };
}
