import type { FleetPaths, Topology } from '../../topology/index.js';
import { DOCTOR_SCHEMA, type DoctorReport, type Finding, worstVerdict } from '../../report/index.js';
import { type CheckResult, runChecks } from '../check.js';
import { CODES } from '../codes.js';
import { exitCodeOf } from '../conclusion/index.js';
import { dockerChecks } from './checks/docker.js';
import { kernelChecks } from './checks/kernel.js';
import { networkChecks } from './checks/network.js';
import { programChecks } from './checks/programs.js';
import { roomChecks } from './checks/room.js';
import type { DoctorContext, DoctorEngine, HostCheck } from './context.js';
import { type DockerSight, askDocker } from './docker.js';
import type { HostIo } from './host-io.js';

export interface DoctorOptions {
  readonly version: string;
  readonly engine: DoctorEngine;
  readonly topology: Topology;
  readonly paths: FleetPaths;
  /** The fleet runs: its ports are its own. */
  readonly isRunning: boolean;
  readonly isRoot: boolean;
  readonly strict: boolean;
  readonly io: HostIo;
  readonly monotonic: () => number;
  readonly signal: AbortSignal;
}

/** In the order in which they are shown: what carries the fleet first. */
export const HOST_CHECKS: readonly HostCheck[] = [
  ...dockerChecks,
  ...programChecks,
  ...roomChecks,
  ...networkChecks,
  ...kernelChecks,
];

/** Looks at this host before a fleet is started on it. It changes nothing, and refuses nothing. */
export async function doctor(options: DoctorOptions): Promise<DoctorReport> {
  const { engine, topology, paths, isRunning, isRoot, io, monotonic, signal } = options;
  const startedAt = new Date(io.now()).toISOString();
  let asked: Promise<DockerSight> | undefined;
  const context: DoctorContext = {
    engine,
    topology,
    paths,
    isRunning,
    isRoot,
    io,
    docker: () => (asked ??= askDocker(io)),
  };
  const results: CheckResult[] = [];
  for await (const result of runChecks(HOST_CHECKS, context, { monotonic, signal })) results.push(result);
  const checks = results.map(({ report }) => report);
  const verdict = worstVerdict(checks.map((check) => check.verdict));
  const findings = findingsOf(results);
  const ended = { verdict, checks, findings, interrupted: signal.aborted, isOverBudget: false, strict: options.strict };
  return {
    schema: DOCTOR_SCHEMA,
    version: options.version,
    engine,
    startedAt,
    endedAt: new Date(io.now()).toISOString(),
    verdict,
    exitCode: exitCodeOf(ended),
    checks,
    findings,
  };
}

const SEVERITIES: readonly Finding['severity'][] = ['fail', 'warn', 'info'];

/** One of each check, failures first: two programs that are missing have two remedies. */
function findingsOf(results: readonly CheckResult[]): readonly Finding[] {
  const findings = results.flatMap(({ report, verdict }): Finding[] => {
    if (verdict.status !== 'fail' && verdict.status !== 'warn') return [];
    const { code, saw, want, confidence = 'proven', remedy = CODES[code].remedy } = verdict;
    const source = HOST_CHECKS.find(({ id }) => id === report.id)!.source;
    const evidence = [{ file: source }];
    return [
      {
        code,
        hop: report.hop,
        severity: verdict.status,
        confidence,
        saw,
        want,
        remedy,
        not: CODES[code].not,
        evidence,
      },
    ];
  });
  return findings.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}
