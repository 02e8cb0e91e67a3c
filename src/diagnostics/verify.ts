import { stat } from 'node:fs/promises';
import { HOPS, type Hop, errorText } from '../core/index.js';
import {
  type CheckReport,
  type Finding,
  REPORT_SCHEMA,
  type Report,
  type StreamReport,
  type VerdictStatus,
  worstVerdict,
} from '../report/index.js';
import { type FleetPaths, type Topology, serviceLog } from '../topology/index.js';
import { type CaptureOutcome, startCapture } from './capture/index.js';
import { type CheckResult, runChecks } from './check.js';
import { type CheckContext, catalogue } from './checks/index.js';
import { CODES } from './codes.js';
import { type Run, openRun } from './evidence/index.js';
import { exitCodeOf, summaryOf } from './conclude.js';
import { type FleetClient, clientOfFleet, openFleetClient, trustOf } from './fleet-client.js';
import { type HeldStream, type HoldProgress, type PacketFact, judge, planHold, runHold } from './hold/index.js';
import type { HoldResult } from './hold/run.js';
import { parseAccessLog, parseServiceLog } from './logs/index.js';
import { readCapture } from './pcap/index.js';
import { encodePng } from './png.js';
import { type Dialled, dial, fetchPage } from './probe/index.js';
import {
  type Mode,
  type Prepared,
  type Subject,
  type Vantage,
  prepareFleetSubjects,
  prepareGivenSubject,
} from './subjects.js';

export interface VerifyOptions {
  readonly durationMs: number;
  readonly modes: readonly Mode[];
  readonly session: string | undefined;
  readonly url: URL | undefined;
  readonly page: URL | undefined;
  readonly gateway: URL | undefined;
  readonly rfb: { readonly host: string; readonly port: number } | undefined;
  readonly control: URL | undefined;
  readonly password: string | undefined;
  readonly origin: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly ca: string | undefined;
  readonly insecure: boolean;
  readonly resolve: ReadonlyMap<string, string>;
  readonly capture: string;
  readonly logs: {
    readonly traefik: string | undefined;
    readonly gateway: string | undefined;
    readonly runner: string | undefined;
  };
  readonly pcap: string | undefined;
  readonly strict: boolean;
  readonly screenshot: boolean;
  /** Folder that runs go to. */
  readonly out: string;
}

export interface VerifyDeps {
  readonly version: string;
  readonly fleet: { readonly topology: Topology; readonly paths: FleetPaths } | undefined;
  readonly now: () => number;
  readonly monotonic: () => number;
  readonly suffix: string;
  readonly isRoot: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly observer: VerifyObserver;
}

/** Told of what happens while it happens. */
export interface VerifyObserver {
  readonly onStage: (text: string) => void;
  readonly onCheck: (check: CheckReport) => void;
  readonly onHold: (progress: HoldProgress) => void;
}

const DIAL_MS = 6_000;
const TOUCH_MS = 15_000;
/** Traefik writes a socket's line about 10 ms after its end; a busy host needs more. */
const ACCESS_LINE_MS = 2_000;

interface LogSource {
  readonly file: string;
  readonly as: 'traefik-access.log' | 'websockify.log' | 'runner.log' | 'supervisor.log';
  readonly from: number;
}

/** Plans, probes, holds, collects, judges. Always resolves with a report; the evidence lies in its folder. */
export async function verify(options: VerifyOptions, deps: VerifyDeps): Promise<{ report: Report; dir: string }> {
  const startedAt = deps.now();
  const run = await openRun(options.out, { nowMs: startedAt, suffix: deps.suffix });
  const trust = await trustFor(options, deps);
  const sources = await logSources(options, deps);
  const capture = await beginCapture(run, options, deps);
  const outcome = await probeAndHold(run, options, deps, trust);
  deps.observer.onStage('collecting evidence');
  await endCapture(run, capture);
  const lines = await collectLogs(run, sources, outcome.hold);
  const packets = await packetFacts(run, options, capture);
  const logs = {
    gateway: parseServiceLog(lines.get('websockify.log') ?? []),
    runner: parseServiceLog(lines.get('runner.log') ?? []),
    supervisor: parseServiceLog(lines.get('supervisor.log') ?? []),
    access: parseAccessLog(lines.get('traefik-access.log') ?? []),
  };
  const held = outcome.hold?.streams ?? [];
  const streams = held.map((one) => ({
    ...one.planned,
    key: one.stream?.key,
    opening: one.opening,
    end: one.end,
    after: one.after,
  }));
  const findings = [...findingsOfChecks(outcome.checks), ...judge({ streams, logs, packets })];
  const report = await conclude(run, options, deps, { ...outcome, findings, startedAt });
  return { report, dir: run.dir };
}

interface Trust {
  readonly ca: string | undefined;
  readonly insecure: boolean;
  readonly resolve: ReadonlyMap<string, string>;
}

async function trustFor(options: VerifyOptions, { fleet }: VerifyDeps): Promise<Trust> {
  const own = fleet
    ? await trustOf(fleet.paths, fleet.topology)
    : { ca: undefined, insecure: false, resolve: new Map<string, string>() };
  return {
    ca: options.ca ?? own.ca,
    insecure: options.insecure || own.insecure,
    resolve: new Map([...own.resolve, ...options.resolve]),
  };
}

async function logSources(options: VerifyOptions, { fleet }: VerifyDeps): Promise<readonly LogSource[]> {
  const paths = fleet?.paths;
  const candidates: readonly [string | undefined, LogSource['as']][] = [
    [options.logs.traefik ?? paths?.accessLog, 'traefik-access.log'],
    [options.logs.gateway ?? (paths && serviceLog(paths, 'gateway')), 'websockify.log'],
    [options.logs.runner ?? (paths && serviceLog(paths, 'runner')), 'runner.log'],
    [paths && serviceLog(paths, 'supervisor'), 'supervisor.log'],
  ];
  const found = candidates.flatMap(([file, as]) => (file === undefined ? [] : [{ file, as }]));
  return Promise.all(
    found.map(async ({ file, as }) => ({
      file,
      as,
      from: await stat(file).then(
        ({ size }) => size,
        () => 0,
      ),
    })),
  ); // not written yet
}

async function beginCapture(run: Run, options: VerifyOptions, deps: VerifyDeps): Promise<CaptureOutcome> {
  const ports = deps.fleet ? portsOf(deps.fleet.topology) : portsGiven(options);
  const outcome = await startCapture({
    mode: options.pcap === undefined ? options.capture : 'off',
    ports,
    file: `${run.dir}/vnc.tcpdump.pcap`,
    path: deps.env['PATH'],
    isRoot: deps.isRoot,
  });
  if (outcome.skipped !== undefined) run.note({ what: 'packets', status: 'skip', because: outcome.skipped });
  return outcome;
}

function portsOf({ public: publicSide, gateway, runner }: Topology): string {
  return `port ${publicSide.port} or port ${gateway.port} or portrange ${runner.rfbPorts.min}-${runner.rfbPorts.max}`;
}

function portsGiven({ url, gateway, rfb }: VerifyOptions): string {
  const ports = [url, gateway].flatMap((one) => (one ? [one.port || (one.protocol === 'wss:' ? '443' : '80')] : []));
  return [...ports, ...(rfb ? [String(rfb.port)] : [])].map((port) => `port ${port}`).join(' or ');
}

interface Outcome {
  readonly checks: readonly CheckResult[];
  readonly hold: HoldResult | undefined;
  readonly prepared: Prepared;
}

async function probeAndHold(run: Run, options: VerifyOptions, deps: VerifyDeps, trust: Trust): Promise<Outcome> {
  const { observer, signal } = deps;
  observer.onStage('preparing sessions');
  await using client = await clientFor(options, deps, trust);
  await using prepared = await prepare(run, options, deps, client);
  for (const { what, because } of prepared.skips) run.note({ what, status: 'skip', because });
  const probes = memoizedProbes(trust, signal);
  const [subject] = prepared.subjects;
  const context: CheckContext = { topology: deps.fleet?.topology, prepared, subject, now: deps.now, ...probes };
  observer.onStage('probing every hop');
  const checks: CheckResult[] = [];
  for await (const result of runChecks(catalogue(), context, deps.monotonic)) {
    checks.push(result);
    observer.onCheck(result.report);
  }
  await screenshot(run, options, prepared, probes.dial);
  const broken = checks.some(({ verdict }) => verdict.status === 'fail');
  if (broken || options.durationMs === 0 || prepared.subjects.length === 0 || signal.aborted)
    return { checks, hold: undefined, prepared };
  observer.onStage('holding');
  const hold = await runHold(
    planHold(prepared.subjects, options.durationMs),
    { ...trust, signal, openTimeoutMs: DIAL_MS },
    { onProgress: observer.onHold, touch: () => prepared.touch(), touchEveryMs: TOUCH_MS },
  );
  return { checks, hold, prepared };
}

async function clientFor(options: VerifyOptions, { fleet }: VerifyDeps, trust: Trust): Promise<FleetClient> {
  if (fleet && options.control === undefined) return clientOfFleet(fleet.paths, fleet.topology);
  return openFleetClient({
    baseUrl: (options.control ?? new URL('http://localhost')).href.replace(/\/$/, ''),
    key: undefined,
    ...trust,
  });
}

async function prepare(
  run: Run,
  options: VerifyOptions,
  { fleet }: VerifyDeps,
  client: FleetClient,
): Promise<Prepared> {
  const { origin, headers } = options;
  if (!fleet || options.url || options.gateway || options.rfb)
    return prepareGivenSubject({
      url: options.url,
      page: options.page,
      gateway: options.gateway,
      rfb: options.rfb,
      password: options.password,
      origin,
      headers,
    });
  return prepareFleetSubjects({
    client,
    ...fleet,
    run: run.id,
    modes: options.modes,
    session: options.session,
    origin,
    headers,
  });
}

/** Each dial and page once, however many checks ask. */
function memoizedProbes(trust: Trust, signal: AbortSignal): Pick<CheckContext, 'dial' | 'page'> {
  const dials = new Map<string, Promise<Dialled>>();
  const pages = new Map<string, ReturnType<typeof fetchPage>>();
  const dialOnce = async (subject: Subject, vantage: Vantage): Promise<Dialled> => {
    const target = subject.targets[vantage]!;
    const dialled = await dial(target, { ...trust, timeoutMs: DIAL_MS, keepPicture: true, signal });
    await dialled.stream?.close();
    return dialled;
  };
  return {
    dial: (subject, vantage) => {
      const key = `${subject.mode} ${vantage}`;
      const known = dials.get(key) ?? dialOnce(subject, vantage);
      dials.set(key, known);
      return known;
    },
    page: (url) => {
      const known =
        pages.get(url.href) ??
        fetchPage(url, { ...trust, signal: AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)]) });
      pages.set(url.href, known);
      return known;
    },
  };
}

/** Only of a session that verify made itself, or when asked for. */
async function screenshot(
  run: Run,
  options: VerifyOptions,
  prepared: Prepared,
  dialOnce: CheckContext['dial'],
): Promise<void> {
  const own = options.session === undefined && options.url === undefined;
  const subject = prepared.subjects.find(({ isTestCard }) => isTestCard) ?? prepared.subjects[0];
  if (!subject?.targets.public || !(own || options.screenshot)) return;
  const { stream } = await dialOnce(subject, 'public');
  if (stream?.picture) await run.write('screenshot.png', 'picture', encodePng(stream.picture));
}

async function collectLogs(
  run: Run,
  sources: readonly LogSource[],
  hold: HoldResult | undefined,
): Promise<ReadonlyMap<LogSource['as'], readonly string[]>> {
  if (sources.some(({ as }) => as === 'traefik-access.log')) await accessLinesWritten(sources, hold);
  const collected = new Map<LogSource['as'], readonly string[]>();
  for (const { file, as, from } of sources) collected.set(as, await run.collectLog(file, as, from));
  for (const as of ['traefik-access.log', 'websockify.log'] as const)
    if (!collected.has(as))
      run.note({
        what: as,
        status: 'skip',
        because: `not given; pass --${as === 'websockify.log' ? 'gateway' : 'traefik'}-log`,
      });
  return collected;
}

/** Our sockets have ended; their lines come a moment later. */
async function accessLinesWritten(sources: readonly LogSource[], hold: HoldResult | undefined): Promise<void> {
  const source = sources.find(({ as }) => as === 'traefik-access.log');
  const wanted = (hold?.streams ?? []).filter(({ planned, stream }) => planned.vantage === 'public' && stream).length;
  const deadline = performance.now() + ACCESS_LINE_MS;
  const { readFile } = await import('node:fs/promises');
  while (source && performance.now() < deadline) {
    const text = await readFile(source.file, 'utf8').catch(() => ''); // not written yet
    const sockets = parseAccessLog(text.slice(source.from).split('\n')).filter(({ accept }) => accept !== undefined);
    if (sockets.length > wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function endCapture(run: Run, capture: CaptureOutcome): Promise<void> {
  const summary = await capture.stop?.();
  if (!summary) return;
  const { problem, droppedByKernel } = summary;
  if (problem !== undefined) run.note({ what: 'packets', status: 'failed', because: problem });
  if (droppedByKernel)
    run.note({ what: 'packets', status: 'failed', because: `${droppedByKernel} dropped by the kernel` });
}

async function packetFacts(run: Run, options: VerifyOptions, capture: CaptureOutcome): Promise<readonly PacketFact[]> {
  const file = options.pcap ?? (capture.skipped === undefined ? `${run.dir}/vnc.tcpdump.pcap` : undefined);
  if (file === undefined) return [];
  if (options.pcap === undefined) run.adopt('vnc.tcpdump.pcap', 'pcap', capture.redactions?.() ?? 0);
  try {
    const facts = await readCapture(file);
    run.note({
      what: 'packets',
      status: 'ok',
      because: `${facts.packets} packets, ${facts.handshakes} TCP handshakes, ${facts.banners} RFB banners`,
    });
    if (facts.problem) run.note({ what: 'packets', status: 'failed', because: facts.problem.text });
    return facts.ends;
  } catch (error) {
    run.note({ what: 'packets', status: 'failed', because: errorText(error) });
    return [];
  }
}

/** A failed check is a finding; of those that need each other only the first ran. */
function findingsOfChecks(results: readonly CheckResult[]): Finding[] {
  return results.flatMap(({ report, verdict }) => {
    if (verdict.status !== 'fail' && verdict.status !== 'warn') return [];
    const entry = CODES[verdict.code];
    return [
      {
        code: verdict.code,
        hop: report.hop,
        severity: verdict.status,
        confidence: verdict.confidence ?? 'likely',
        saw: `${report.title}: ${verdict.saw}`,
        want: verdict.want,
        remedy: verdict.remedy ?? entry.remedy,
        not: entry.not,
        evidence: verdict.evidence ?? [{ file: 'report.json', text: `checks: ${report.id}` }],
      },
    ];
  });
}

async function conclude(
  run: Run,
  options: VerifyOptions,
  deps: VerifyDeps,
  outcome: Outcome & { readonly findings: readonly Finding[]; readonly startedAt: number },
): Promise<Report> {
  const { checks, hold, findings, prepared } = outcome;
  const interrupted = deps.signal.aborted;
  const reports = checks.map(({ report }) => report);
  const streams = (hold?.streams ?? []).map((held) => streamReport(held, findings));
  const verdict = worstVerdict([
    ...reports.map((check) => check.verdict),
    ...findings.filter(({ severity }) => severity !== 'info').map(({ severity }) => severity as VerdictStatus),
    ...(streams.length > 0 && findings.length === 0 ? (['pass'] as const) : []),
  ]);
  const refused = prepared.problem?.refused === true || findings.some(({ code }) => code === 'CF-GATEWAY-TOKEN');
  const facts = {
    verdict,
    findings,
    interrupted,
    heldMs: hold?.heldMs,
    durationMs: options.durationMs,
    streams,
    refused,
    strict: options.strict,
  };
  const target = prepared.subjects[0]?.targets.public;
  const draft: Report = {
    schema: REPORT_SCHEMA,
    run: run.id,
    version: deps.version,
    startedAt: new Date(outcome.startedAt).toISOString(),
    endedAt: new Date(deps.now()).toISOString(),
    verdict,
    exitCode: exitCodeOf(facts),
    summary: summaryOf(facts),
    ...(interrupted && { interrupted }),
    target: {
      url: target?.kind === 'socket' ? `${target.url.protocol}//${target.url.host}${target.url.pathname}` : null,
      vantages: [...new Set(prepared.subjects.flatMap(({ targets }) => Object.keys(targets)))],
    },
    hops: hopReports(reports, findings),
    checks: reports,
    streams,
    findings,
    artifacts: [],
    collection: run.collected,
  };
  return run.finish(draft);
}

function streamReport({ planned, stream, end, opening }: HeldStream, findings: readonly Finding[]): StreamReport {
  const bySelf = end?.bySelf === true;
  return {
    vantage: planned.vantage,
    mode: planned.mode,
    ...(planned.session !== undefined && { session: planned.session }),
    openedAt: new Date(stream?.openedAt ?? 0).toISOString(),
    heldMs: end?.atMs ?? 0,
    bytesIn: stream?.bytesIn ?? 0,
    bytesOut: stream?.bytesOut ?? 0,
    frames: stream?.frames ?? 0,
    pings: {
      sent: stream?.pingsSent ?? 0,
      answered: stream?.pingsAnswered ?? 0,
      p50Ms: stream?.rtt(50) ?? null,
      p99Ms: stream?.rtt(99) ?? null,
    },
    longestSilenceMs: Math.round(stream?.longestSilenceMs ?? 0),
    reconnects: 0,
    end: {
      by: bySelf ? 'verify' : (findings[0]?.hop ?? 'unknown'),
      how: end?.how ?? 'none',
      code: end?.code ?? null,
      reason: end?.reason ?? opening.failure ?? '',
      atMs: end?.atMs ?? 0,
    },
  };
}

/** Each hop once, in path order, with the worst of its checks and findings; hops that nothing looked at are left out. */
function hopReports(checks: readonly CheckReport[], findings: readonly Finding[]): Report['hops'] {
  return HOPS.flatMap((hop: Hop) => {
    const own = checks.filter((check) => check.hop === hop);
    const found = findings.filter((finding) => finding.hop === hop && finding.severity !== 'info');
    if (own.length === 0 && found.length === 0) return [];
    const looked = own.filter(({ verdict }) => verdict !== 'skip');
    const verdicts = [
      ...looked.map(({ verdict }) => verdict),
      ...found.map(({ severity }) => severity as VerdictStatus),
    ];
    const tookMs = looked.reduce((sum, check) => sum + check.tookMs, 0);
    const note = found[0]?.saw ?? looked.at(-1)?.saw ?? own[0]?.because;
    return [
      {
        hop,
        verdict: verdicts.length === 0 ? ('skip' as const) : worstVerdict(verdicts),
        tookMs: looked.length === 0 ? null : Math.round(tookMs * 10) / 10,
        ...(note !== undefined && { note }),
      },
    ];
  });
}
