import type { Collected, Report } from '../report/index.js';
import { type CheckResult, runChecks } from './check.js';
import { catalogue } from './checks/index.js';
import { collectLogs, collectPackets, logSources, ownSockets, portsOfPath, startPackets } from './collection/index.js';
import { type Run, openRun, runId } from './evidence/index.js';
import { type ServerSight, isLate, sightOf, type OwnerSight, ownerAt, shmBeside } from './host/index.js';
import { lookOut } from './egress/index.js';
import { type HoldResult, planHold, runHold } from './hold/index.js';
import type { FleetEvidence, VerifyDeps, VerifyOptions } from './options.js';
import { concluded, judgedEarly, publicKeysOf } from './outcome.js';
import { openMoment } from './moment/index.js';
import { namespacesOf } from './capture/index.js';
import { encodePng } from './png.js';
import { prepare } from './preparation.js';
import { askHealth } from './probe/index.js';
import { DIAL_MS } from './patience.js';
import { type Probes, openProbes } from './probes.js';
import type { Prepared } from './subjects/index.js';
import { type Trust, trustFor } from './trust.js';

const TOUCH_MS = 15_000;

/**
 * Plans, probes, holds, collects, judges. The evidence lies in the folder of the run, also of one that was interrupted.
 * Throws CF_USAGE when no session has the name that was given.
 */
export async function verify(given: VerifyOptions, deps: VerifyDeps): Promise<{ report: Report; dir: string }> {
  const { fleet, observer } = deps;
  const options = {
    ...given,
    capture: given.capture === 'auto' ? (fleet?.evidence?.capture ?? 'auto') : given.capture,
  };
  const startedAt = deps.now();
  const id = runId({ nowMs: startedAt, suffix: deps.suffix });
  const trust = await trustFor(options, fleet);
  const sources = await logSources(options.logs, fleet?.paths, fleet?.evidence?.logs);
  const left: Collected[] = [];
  const beganMs = deps.monotonic();
  observer.onStage('preparing sessions');
  await using prepared = await prepare(id, options, deps, trust, (session, because) =>
    left.push({ what: `removing session ${session}`, status: 'failed', because }),
  );
  const run = await openRun(options.out, { nowMs: startedAt, suffix: deps.suffix });
  for (const { what, because } of prepared.skips) run.note({ what, status: 'skip', because });
  const capture = await startPackets(run, options, {
    topology: fleet?.topology,
    path: deps.env['PATH'],
    isRoot: deps.isRoot,
    version: deps.version,
    signal: deps.signal,
  });
  const moment = await openMoment({
    ports: portsOfPath(options, fleet?.topology),
    path: deps.env['PATH'],
    namespaces: deps.isRoot ? namespacesOf(options.capture) : [],
  });
  const failed = (why: string): void => void moment.take(run, why);
  const troubled = (why: string): void => {
    observer.onTrouble(why);
    failed(why);
  };
  const probes = openProbes(prepared, trust, {
    signal: deps.signal,
    accessLog: sources.find(({ as }) => as === 'traefik-access.log')?.file,
    services: fleet?.evidence && (() => fleet.evidence!.services()),
  });
  const checks = await runAllChecks(prepared, probes, options, trust, deps);
  const broken = checks.find(({ report }) => report.verdict === 'fail');
  if (broken) failed(`${broken.report.id} failed`);
  const sight = await sightOfServer(prepared, probes, deps.signal);
  const gatewayOwner = await ownerOfGateway(prepared, probes);
  const owner = await ownerOfRunner(prepared, probes);
  const shm = owner && (await shmBeside(owner.pid));
  const egress = owner && options.egress && (await lookOut(options.egress, owner.pid, deps.env['PATH']));
  await screenshot(run, options, prepared, probes);
  const isSteady = checks.every(({ report: { id, verdict } }) => id !== 'upgrade.again' || verdict !== 'fail');
  const isSlow = checks.some(
    ({ report: { id }, verdict }) =>
      (id === 'rfb.promptness' && verdict.status === 'fail') ||
      ('told' in verdict && verdict.told === 'CF-NETWORK-SLOW'),
  );
  const hold = await holdStreams(
    run,
    prepared,
    { ...probes, isSteady, isSlow, failed: troubled },
    options,
    deps,
    trust,
  );
  const early = hold && { atMs: deps.monotonic(), findings: judgedEarly(hold) };
  for (const { hop, code, confidence, saw } of early?.findings ?? [])
    observer.onTrouble(`fail: ${hop} ${code} ${confidence}: ${saw}`);
  await prepared[Symbol.asyncDispose](); // before the logs are read: what ends with the sessions is written then
  for (const one of left) run.note(one);
  observer.onStage('collecting evidence');
  await moment.done();
  const sockets = ownSockets(hold);
  const packets = await collectPackets(run, options.pcap, capture, sockets);
  if (fleet?.evidence) await keepServices(run, fleet.evidence);
  const keys = [...probes.publicKeys(), ...publicKeysOf(hold)];
  if (options.logs.traefik !== undefined && keys.length > 0) await probes.askPlainly();
  const logs = await collectLogs(run, sources, { publicKeys: keys, sinceMs: startedAt, sockets });
  const report = concluded(
    {
      run: id,
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
    },
    options,
    deps,
  );
  return { report: await run.finish(report), dir: run.dir };
}

async function runAllChecks(
  prepared: Prepared,
  probes: Probes,
  { health }: VerifyOptions,
  trust: Trust,
  { fleet, now, monotonic, signal, observer }: VerifyDeps,
): Promise<readonly CheckResult[]> {
  observer.onStage('probing every hop');
  const [subject] = prepared.subjects;
  const context = {
    ...probes,
    topology: fleet?.topology,
    prepared,
    subject,
    now,
    health,
    askHealth: (url: URL) => askHealth(url, { ...trust, signal }),
  };
  const results: CheckResult[] = [];
  for await (const result of runChecks(catalogue(), context, { monotonic, signal })) {
    results.push(result);
    observer.onCheck(result.report, 'code' in result.verdict ? namedBy(result.verdict) : undefined);
  }
  return results;
}

function namedBy({ code, confidence = 'likely' }: Extract<CheckResult['verdict'], { readonly code: string }>) {
  return { code, confidence };
}

/** The machine of the RFB server is looked at when its dial stopped, or was answered late. */
async function sightOfServer(
  { subjects: [subject] }: Prepared,
  probes: Probes,
  signal: AbortSignal,
): Promise<ServerSight | undefined> {
  const target = subject?.targets.rfb;
  if (!subject || target?.kind !== 'rfb') return undefined;
  const { facts } = await probes.dial(subject, 'rfb');
  const isWell = facts.stage === 'open' && !isLate(facts);
  return isWell ? undefined : sightOf(target, facts, signal);
}

/** The process of the gateway, where its dial stopped and it runs on this machine. */
async function ownerOfGateway({ subjects: [subject] }: Prepared, probes: Probes): Promise<OwnerSight | undefined> {
  const vantage = subject?.targets.gateway ? 'gateway' : 'public';
  const target = subject?.targets[vantage];
  const facts = subject && probes.seen(subject, vantage);
  if (target?.kind !== 'socket' || !facts || facts.stage === 'open') return undefined;
  const { port, protocol } = target.url;
  return ownerAt(facts, Number(port || (protocol === 'wss:' ? 443 : 80)));
}

/** The process of an RFB server that shows its picture, where it runs on this machine. */
async function ownerOfRunner({ subjects: [subject] }: Prepared, probes: Probes): Promise<OwnerSight | undefined> {
  const target = subject?.targets.rfb;
  const facts = subject && probes.seen(subject, 'rfb');
  return target?.kind === 'rfb' && facts?.stage === 'open' ? ownerAt(facts, target.port) : undefined;
}

/** The last lines of the logs are waited for; then how every replica is: what has ended, and why, as its engine knows it. */
async function keepServices(run: Run, evidence: FleetEvidence): Promise<void> {
  await evidence.settled();
  const services = await evidence.services();
  await run.write('services.json', 'text', `${JSON.stringify(services, null, 2)}\n`);
  for (const { name, instance, state, lastEnd } of services) {
    if (state === 'ready') continue;
    const because = `${state}${lastEnd === null ? '' : `: ${lastEnd}`}`;
    run.note({ what: `service ${instance ?? name}`, status: 'failed', because });
  }
}

/** Only of a session that verify made itself, or when asked for. */
async function screenshot(
  run: Run,
  { screenshot: isWanted }: VerifyOptions,
  { isOwn, subjects }: Prepared,
  { dial, front }: Probes,
): Promise<void> {
  if (!isOwn && !isWanted) return;
  const card = subjects.find(({ isTestCard, targets }) => isTestCard && targets.public);
  const dialled = card ? await dial(card, 'public') : subjects.length > 0 ? await front?.dial() : undefined;
  if (dialled?.stream?.picture) await run.write('screenshot.png', 'picture', encodePng(dialled.stream.picture));
  else run.note({ what: 'screenshot.png', status: 'skip', because: dialled?.facts.failure ?? 'no picture was seen' });
}

/** Undefined when there was nothing to hold; then the reason is noted. */
async function holdStreams(
  run: Run,
  prepared: Prepared,
  probes: Probes & { readonly isSteady: boolean; readonly isSlow: boolean; readonly failed: (why: string) => void },
  options: VerifyOptions,
  { signal, observer }: VerifyDeps,
  trust: Trust,
): Promise<HoldResult | undefined> {
  const [subject] = prepared.subjects;
  const seen = subject && probes.front && probes.seen(subject, probes.front.vantage);
  const because = signal.aborted
    ? 'verify was interrupted'
    : options.durationMs === 0
      ? 'switched off with --duration 0s'
      : seen?.stage === 'open'
        ? probes.isSteady
          ? undefined
          : 'not every attempt of the probes opened'
        : 'no picture was seen by the probes';
  if (because !== undefined) {
    run.note({ what: 'hold', status: 'skip', because });
    return undefined;
  }
  observer.onStage('holding');
  const plan = planHold(prepared.subjects, { ...options, isSlow: probes.isSlow }, (one, vantage) => {
    const facts = probes.seen(one, vantage);
    return facts && facts.stage === 'open';
  });
  const held = await runHold(plan, {
    ...trust,
    signal,
    openTimeoutMs: DIAL_MS,
    onFailure: probes.failed,
    onProgress: observer.onHold,
    touch: () => prepared.touch(),
    touchEveryMs: TOUCH_MS,
  });
  noteUnopened(run, held);
  return held;
}

/** A server may take one viewer alone: then the kinds of timer cannot be told apart, and that is no fault. */
function noteUnopened(run: Run, { streams, unopened }: HoldResult): void {
  const [first] = unopened;
  if (!first) return;
  const { failure, stage } = first.opening;
  const beside = streams.filter(({ planned }) => planned.traffic !== 'viewing').length + unopened.length;
  const because = `${unopened.length} of ${beside} did not open: ${failure ?? stage}`;
  run.note({ what: 'streams beside that of a viewer', status: 'partial', because });
}
