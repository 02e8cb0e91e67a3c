import { CamofleetError, EXIT, type ExitCode, errorText, worstExit } from '../core/index.js';
import {
  type DoctorReport,
  REPORT_SCHEMA,
  type Report,
  SMOKE_SCHEMA,
  type SmokeRecord,
  type SmokeStep,
  type SmokeStepName,
  formatMs,
  reasonOf,
  worstVerdict,
} from '../report/index.js';

/** The steps in their order, each as the fact that it shows. */
export const SMOKE_STEPS: Readonly<Record<SmokeStepName, string>> = {
  fleet: 'a fleet is there to start',
  up: 'the fleet comes up',
  frame: 'a frame is seen at the public URL',
  verify: 'verify finds nothing broken',
  down: 'the fleet goes down',
};

interface Facts {
  readonly version: string;
  readonly engine: string;
  readonly ingress: string | undefined;
  readonly url: string | undefined;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly isInterrupted: boolean;
  readonly steps: readonly SmokeStep[];
  readonly report: Report | undefined;
  readonly host: DoctorReport | undefined;
}

/** Judges the steps. The first that failed is the reason; exit codes as everywhere, the worst wins. */
export function recordOf(facts: Facts): SmokeRecord {
  const { steps, report, host, ingress, url, isInterrupted, startedMs, endedMs } = facts;
  const codes = steps.map(({ exitCode }) => exitCode as ExitCode);
  const worst = worstVerdict(steps.map(({ verdict }) => verdict));
  const judged: Omit<SmokeRecord, 'summary'> = {
    schema: SMOKE_SCHEMA,
    version: facts.version,
    engine: facts.engine,
    ...(ingress !== undefined && { ingress }),
    ...(url !== undefined && { url }),
    startedAt: new Date(startedMs).toISOString(),
    endedAt: new Date(endedMs).toISOString(),
    verdict: isInterrupted && worst !== 'fail' ? 'unknown' : worst,
    exitCode: worstExit(isInterrupted ? [...codes, EXIT.interrupted] : codes),
    ...(isInterrupted && { interrupted: true as const }),
    steps,
    isVerified: report !== undefined,
    ...(host && { host: host.findings.map(({ code, severity, saw, remedy }) => ({ code, severity, saw, remedy })) }),
  };
  return { ...judged, summary: summaryOf({ ...judged, summary: '' }, report) };
}

function summaryOf(record: SmokeRecord, report: Report | undefined): string {
  const bad = reasonOf(record);
  if (record.interrupted) return report?.summary ?? 'interrupted before anything was verified; not a pass';
  if (bad) return bad.name === 'verify' && report ? report.summary : `${bad.name}: ${bad.saw.split('\n', 1)[0]!}`;
  const [up, down] = ['up', 'down'].map((name) => record.steps.find((step) => step.name === name)?.tookMs ?? 0);
  return `${report?.summary ?? 'nothing was verified'}; up in ${formatMs(up!)}, down in ${formatMs(down!)}`;
}

/** Words for what served. */
export function ingressName(ingress: 'traefik' | 'embedded'): string {
  return ingress === 'traefik' ? 'Traefik' : 'the embedded ingress';
}

/** The step of an error that ended it. What cannot be explained is a bug of ours, and says nothing of the fleet. */
export function failedStep(name: SmokeStepName, error: unknown, tookMs: number): SmokeStep {
  const base = { name, title: SMOKE_STEPS[name], tookMs };
  if (!(error instanceof CamofleetError))
    return { ...base, verdict: 'unknown', exitCode: EXIT.couldNotRun, saw: `a bug in camofleet: ${errorText(error)}` };
  const { code, message, hint, exit } = error;
  if (code === 'CF_INTERRUPTED') return { ...base, verdict: 'skip', exitCode: exit, saw: message, code };
  return { ...base, verdict: 'fail', exitCode: exit, saw: message, code, remedy: hint };
}

/** A report of the steps: all that there is to read where verify never came. */
export function reportOfSteps(run: string, record: SmokeRecord): Report {
  const { steps, version, startedAt, endedAt, verdict, exitCode, summary, url } = record;
  return {
    schema: REPORT_SCHEMA,
    run,
    version,
    startedAt,
    endedAt,
    verdict,
    exitCode,
    summary,
    ...(record.interrupted && { interrupted: true }),
    target: { url: url ?? null, vantages: [] },
    hops: [],
    checks: steps.map(({ name, title, verdict: status, tookMs, saw }) => ({
      id: `smoke.${name}`,
      hop: 'control',
      title,
      verdict: status,
      tookMs: Math.round(tookMs * 10) / 10,
      ...(status === 'skip' || status === 'unknown' ? { because: saw } : { saw }),
      ...(status === 'fail' && { want: title }),
    })),
    streams: [],
    findings: steps.filter(({ verdict: status }) => status === 'fail').map(findingOf),
    artifacts: [],
    collection: [{ what: 'verify', status: 'skip', because: 'the fleet did not come up' }],
  };
}

function findingOf({ name, title, saw, code, remedy }: SmokeStep): Report['findings'][number] {
  return {
    code: code ?? 'CF_SMOKE',
    hop: 'control',
    severity: 'fail',
    confidence: 'likely',
    saw,
    want: title,
    remedy: remedy ?? 'Look at the logs of the services in logs/',
    not: [],
    evidence: [
      { file: 'logs/', text: 'what the services wrote' },
      { file: 'report.json', text: `checks: smoke.${name}` },
    ],
  };
}
