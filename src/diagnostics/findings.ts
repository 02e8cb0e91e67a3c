import type { EvidenceRef, Finding } from '../report/index.js';
import { HOPS } from '../core/index.js';
import type { CheckResult } from './check.js';
import { hopOf } from './blame.js';
import { CODES, type Code } from './codes.js';
import type { DialFacts } from './probe/facts.js';
import type { CollectedLogs } from './collection/index.js';

/** Codes of faults that Traefik gives the reason of in its own log. */
const SELF_TOLD: ReadonlySet<Code> = new Set(['CF-TRAEFIK-ROUTE', 'CF-TRAEFIK-SERVERS']);
/** Errors of it that are cited: the last ones are of what it runs now. */
const MAX_ERRORS = 3;

/** What tells one hop from the next, where a dial alone does not. */
const SETTLE =
  'a run that can also dial the gateway and the raw RFB port (--gateway, --rfb), with the access log of the ingress (--traefik-log)';

/** Checks that failed or warned, as findings; the lines of logs that hold the key of the dial are part of the evidence. */
export function findingsOfChecks(
  results: readonly CheckResult[],
  logs: CollectedLogs,
  beganMs = 0,
): readonly Finding[] {
  return results.flatMap(({ atMs, report, verdict }): Finding[] => {
    if (verdict.status === 'pass' && verdict.told) return [toldOf(report, verdict.saw, verdict.told)];
    if (verdict.status !== 'fail' && verdict.status !== 'warn') return [];
    const { want, remedy, not } = CODES[verdict.code];
    const errors = SELF_TOLD.has(verdict.code) ? (logs.ingressErrors ?? []).slice(-MAX_ERRORS) : [];
    return [
      {
        code: verdict.code,
        hop: report.hop,
        severity: verdict.status,
        confidence: verdict.confidence ?? 'likely',
        saw: [`${report.title}: ${verdict.saw}`, ...errors.map(toldByIngress)].join('; '),
        want: verdict.want || want,
        remedy: verdict.remedy ?? remedy,
        not,
        ...(verdict.confidence !== 'proven' && { settle: SETTLE }),
        ...(atMs !== undefined && { knownAfterMs: Math.round(atMs - beganMs) }),
        evidence: [
          ...(verdict.evidence ?? []),
          ...linesOf(verdict.wsKey, logs),
          ...errors.map(({ file, line, text }) => ({ file, line, text })),
          { file: 'report.json', text: `checks: ${report.id}` },
        ],
      },
    ];
  });
}

/** A password is wanted and none is known here: nobody's fault, unless a viewer with this URL has none either. */
export function findingsOfLock(opening: DialFacts | undefined): readonly Finding[] {
  if (opening?.stage !== 'security' || opening.rfb?.noCommonSecurity !== 'password') return [];
  const code = 'CF-RUNNER-AUTH';
  const { want, remedy, not } = CODES[code];
  return [
    {
      code,
      hop: hopOf(code),
      severity: 'info',
      confidence: 'likely',
      saw: 'the RFB server wants a password and none is known here; a viewer with this URL alone waits for one for ever',
      want,
      remedy,
      not,
      evidence: [{ file: 'report.json', text: 'checks: rfb.security' }],
    },
  ];
}

/** A pass that is worth telling. */
function toldOf({ id }: CheckResult['report'], saw: string, code: Code): Finding {
  const { want, remedy, not } = CODES[code];
  const evidence = [{ file: 'report.json', text: `checks: ${id}` }];
  return { code, hop: hopOf(code), severity: 'info', confidence: 'likely', saw, want, remedy, not, evidence };
}

function toldByIngress({ router, text }: NonNullable<CollectedLogs['ingressErrors']>[number]): string {
  return router === undefined ? `Traefik says: ${text}` : `router ${router} is disabled: ${text}`;
}

/** What the gateway and the ingress wrote of a socket. */
function linesOf(key: string | undefined, { gateway, access }: CollectedLogs): EvidenceRef[] {
  if (key === undefined) return [];
  const said = gateway.find(({ facts }) => facts['wsKey'] === key);
  const logged = access.find(({ wsKey }) => wsKey === key);
  return [
    ...(said ? [{ file: 'websockify.log', line: said.line, text: saidText(said.event, said.facts) }] : []),
    ...(logged ? [{ file: 'traefik-access.log', line: logged.line, text: `answered ${logged.status}` }] : []),
  ];
}

function saidText(event: string, facts: Readonly<Record<string, unknown>>): string {
  const parts = [facts['code'] ?? facts['cause'], facts['saw'] ?? facts['detail']];
  return [event, ...parts.filter((part) => typeof part === 'string')].join(': ');
}

const SEVERITIES: readonly Finding['severity'][] = ['fail', 'warn', 'info'];
const CONFIDENCES: readonly Finding['confidence'][] = ['proven', 'likely', 'possible'];

/** What was asked with a flag of its own is answered first. */
const ANSWERS_A_QUESTION: ReadonlySet<string> = new Set(['CF-CONTROL-HEALTH']);

/** Worst and surest first, each code once: what several places saw of it is evidence of one finding. */
export function ranked(findings: readonly Finding[]): readonly Finding[] {
  const byCode = Map.groupBy(findings, ({ code, severity }) => `${severity} ${code}`);
  const merged = [...byCode.values()].map((same): Finding => {
    const [surest, ...others] = same.toSorted(bySurety) as [Finding, ...Finding[]];
    const evidence = [surest, ...others].flatMap((one) => one.evidence);
    const known = same.flatMap(({ knownAfterMs }) => knownAfterMs ?? []);
    return {
      ...surest,
      ...(known.length > 0 && { knownAfterMs: Math.min(...known) }),
      evidence: evidence.filter((one, index) => evidence.findIndex((first) => isSame(one, first)) === index),
    };
  });
  return merged.toSorted(
    (a, b) =>
      Number(ANSWERS_A_QUESTION.has(b.code)) - Number(ANSWERS_A_QUESTION.has(a.code)) ||
      SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) ||
      bySurety(a, b) ||
      HOPS.indexOf(a.hop) - HOPS.indexOf(b.hop),
  );
}

function bySurety(a: Finding, b: Finding): number {
  return CONFIDENCES.indexOf(a.confidence) - CONFIDENCES.indexOf(b.confidence);
}

function isSame(a: EvidenceRef, b: EvidenceRef): boolean {
  return a.file === b.file && a.line === b.line && a.packet === b.packet && a.text === b.text;
}
