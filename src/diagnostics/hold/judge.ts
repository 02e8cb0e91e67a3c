import type { Hop } from '../../core/index.js';
import type { Confidence, EvidenceRef, Finding } from '../../report/index.js';
import { hopOfStage } from '../blame.js';
import { CODES, type Code } from '../codes.js';
import type { AccessLine, ServiceLine } from '../logs/index.js';
import type { DialFacts, StreamEnd } from '../probe/facts.js';
import type { Mode, Vantage } from '../subjects.js';

/** A held stream as the judge sees it: facts, no sockets. */
export interface JudgedStream {
  readonly vantage: Vantage;
  readonly mode: Mode;
  readonly session: string | undefined;
  readonly key: string | undefined;
  readonly opening: DialFacts;
  readonly end: StreamEnd | undefined;
  readonly after: DialFacts | undefined;
}

/** What the logs of this run say; empty where a log could not be had. */
export interface LogFacts {
  readonly gateway: readonly ServiceLine[];
  readonly runner: readonly ServiceLine[];
  readonly supervisor: readonly ServiceLine[];
  readonly access: readonly AccessLine[];
}

/** Packets that ended flows, from the capture. */
export interface PacketFact {
  readonly packet: number;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Who dialled: `127.0.0.1:54321`. */
  readonly client: string;
}

export interface JudgeInput {
  readonly streams: readonly JudgedStream[];
  readonly logs: LogFacts;
  readonly packets: readonly PacketFact[];
}

/** Lines of one event in several logs of one host lie this close together. */
const SAME_MOMENT_MS = 1_500;

type Cut = JudgedStream & { readonly end: StreamEnd };

/** The findings of a hold, worst and surest first. Empty when nothing ended that was not ended by verify. */
export function judge(input: JudgeInput): readonly Finding[] {
  const cuts = input.streams.filter((stream): stream is Cut => stream.end !== undefined && !stream.end.bySelf);
  const unopened = input.streams.filter(({ end, opening }) => end === undefined && opening.stage !== 'security');
  const findings = [...judgeCuts(cuts, input), ...(cuts.length > 0 ? [] : judgeUnopened(unopened, input.logs))];
  return findings.filter((finding, index) => findings.findIndex(({ code }) => code === finding.code) === index);
}

/** What survives where says who let go: the outermost part whose inner neighbour lived on. */
function judgeCuts(cuts: readonly Cut[], input: JudgeInput): Finding[] {
  const bySession = Map.groupBy(cuts, ({ session }) => session);
  return [...bySession.values()]
    .map((own) => judgeSession(own, input))
    .toSorted((a, b) => CONFIDENCE.indexOf(a.confidence) - CONFIDENCE.indexOf(b.confidence));
}

const CONFIDENCE: readonly Confidence[] = ['proven', 'likely', 'possible'];

function judgeSession(cuts: readonly Cut[], input: JudgeInput): Finding {
  const first = cuts.reduce((earliest, cut) => (cut.end.at < earliest.end.at ? cut : earliest));
  const siblings = input.streams.filter(({ session }) => session === first.session);
  const cutAt = (vantage: Vantage): boolean => cuts.some((cut) => cut.vantage === vantage);
  const lives = (vantage: Vantage): boolean =>
    siblings.some((one) => one.vantage === vantage && one.end?.bySelf === true);
  const released = releaseOf(first, input);
  if (released) return finding(released.code, 'proven', first, cuts, input, released.evidence);
  if (cutAt('rfb') || (!lives('rfb') && cutAt('gateway') && !gatewayLetGo(cuts, input)))
    return judgeRunner(first, cuts, input);
  if (cutAt('gateway') || (lives('rfb') && !lives('gateway'))) return judgeGateway(first, cuts, input, lives('rfb'));
  return judgeIngress(first, cuts, input, lives('gateway') || lives('rfb'));
}

/** A release that control or the runner announced: nobody failed, somebody decided. */
function releaseOf(first: Cut, { logs }: JudgeInput): { code: Code; evidence: EvidenceRef[] } | undefined {
  const line = endedLine(first, logs);
  const reason = line?.facts['reason'];
  if (!line || (reason !== 'released' && reason !== 'expired')) return undefined;
  return { code: 'CF-CONTROL-RELEASED', evidence: [ref('runner.log', line, String(line.facts['detail']))] };
}

function judgeRunner(first: Cut, cuts: readonly Cut[], input: JudgeInput): Finding {
  const { logs } = input;
  const died = serviceDied('runner', logs);
  if (died)
    return finding('CF-RUNNER-GONE', 'proven', first, cuts, input, [
      ref('supervisor.log', died, `runner ${String(died.facts['how'])}`),
    ]);
  const line = endedLine(first, logs);
  const detail = String(line?.facts['detail'] ?? '');
  const code: Code = detail.startsWith('Xvfb')
    ? 'CF-RUNNER-DISPLAY'
    : detail.startsWith('x11vnc')
      ? 'CF-RUNNER-VNC'
      : detail.startsWith('browser')
        ? 'CF-BROWSER-EXIT'
        : 'CF-RUNNER-CLOSED';
  const evidence = line ? [ref('runner.log', line, detail)] : [];
  const raw = cuts.some(({ vantage }) => vantage === 'rfb');
  return finding(code, line || raw ? 'proven' : 'likely', first, cuts, input, evidence);
}

function judgeGateway(first: Cut, cuts: readonly Cut[], input: JudgeInput, rawLives: boolean): Finding {
  const { logs } = input;
  const died = serviceDied('gateway', logs);
  if (died)
    return finding('CF-GATEWAY-GONE', 'proven', first, cuts, input, [
      ref('supervisor.log', died, `gateway ${String(died.facts['how'])}`),
    ]);
  const draining = logs.gateway.find(({ event }) => event === 'gateway.draining');
  if (draining)
    return finding('CF-GATEWAY-DRAINING', 'proven', first, cuts, input, [
      ref('websockify.log', draining, 'the gateway was told to stop'),
    ]);
  const refused = cuts.some(
    ({ after }) => after?.stage === 'tcp' || (after?.stage === 'http' && after.http === undefined),
  );
  return finding(
    refused ? 'CF-GATEWAY-GONE' : 'CF-GATEWAY-CUT',
    rawLives ? 'proven' : 'likely',
    first,
    cuts,
    input,
    [],
  );
}

function judgeIngress(first: Cut, cuts: readonly Cut[], input: JudgeInput, innerLives: boolean): Finding {
  const died = serviceDied('ingress', input.logs);
  if (died)
    return finding('CF-TRAEFIK-STOPPED', 'proven', first, cuts, input, [
      ref('supervisor.log', died, `ingress ${String(died.facts['how'])}`),
    ]);
  const gone = cuts.some(({ after }) => after?.stage === 'tcp');
  if (gone) return finding('CF-TRAEFIK-STOPPED', innerLives ? 'proven' : 'likely', first, cuts, input, []);
  return finding('CF-TRAEFIK-CUT', innerLives ? 'likely' : 'possible', first, cuts, input, []);
}

/** Streams that never opened though the probes before them did. */
function judgeUnopened(streams: readonly JudgedStream[], logs: LogFacts): Finding[] {
  return streams.map(({ opening, vantage, mode }) => {
    const gone = goneOnTheWay(vantage, logs);
    if (gone) {
      const saw = `the ${mode} stream did not open at the ${vantage} vantage: ${opening.failure ?? opening.stage}`;
      return make(gone.code, CODES[gone.code].hop, 'proven', saw, [
        ref('supervisor.log', gone.line, String(gone.line.facts['how'])),
      ]);
    }
    const { code, hop, confidence } = hopOfStage(opening);
    return make(
      code,
      hop,
      confidence,
      `the ${mode} stream did not open at the ${vantage} vantage: ${opening.failure ?? opening.stage}`,
      [],
    );
  });
}

/** A service on the way of a vantage point that ended during the run. */
function goneOnTheWay(
  vantage: Vantage,
  logs: LogFacts,
): { readonly code: Code; readonly line: ServiceLine } | undefined {
  const way: readonly (readonly [string, Code])[] = [
    ...(vantage === 'public' ? ([['ingress', 'CF-TRAEFIK-STOPPED']] as const) : []),
    ...(vantage === 'rfb' ? [] : ([['gateway', 'CF-GATEWAY-GONE']] as const)),
    ['runner', 'CF-RUNNER-GONE'],
  ];
  for (const [service, code] of way) {
    const line = serviceDied(service, logs);
    if (line) return { code, line };
  }
  return undefined;
}

/** The gateway's own line of a socket says that the gateway, not the runner, ended it. */
function gatewayLetGo(cuts: readonly Cut[], { logs }: JudgeInput): boolean {
  if (serviceDied('gateway', logs)) return true;
  return cuts.some((cut) => closedLine(cut, logs)?.facts['by'] === 'gateway');
}

/** What the runner said of the session before, or right after, its stream ended; verify's own release comes later. */
function endedLine(cut: Cut, { runner }: LogFacts): ServiceLine | undefined {
  return runner.find(
    ({ event, facts, time }) =>
      event === 'session.ended' && facts['session'] === cut.session && Date.parse(time) <= cut.end.at + SAME_MOMENT_MS,
  );
}

function closedLine(cut: Cut, { gateway }: LogFacts): ServiceLine | undefined {
  return gateway.find(
    ({ event, facts }) => event === 'session.closed' && facts['wsKey'] === cut.key && cut.key !== undefined,
  );
}

function serviceDied(service: string, { supervisor }: LogFacts): ServiceLine | undefined {
  return supervisor.find(({ event, facts }) => event === 'service.died' && facts['service'] === service);
}

function finding(
  code: Code,
  confidence: Confidence,
  first: Cut,
  cuts: readonly Cut[],
  input: JudgeInput,
  evidence: readonly EvidenceRef[],
): Finding {
  const where = [...new Set(cuts.map(({ vantage }) => vantage))].join(', ');
  const survivors = input.streams.filter(({ end }) => end?.bySelf === true);
  const alive = [...new Set(survivors.map(({ vantage, mode }) => `${mode} at ${vantage}`))].join(', ');
  const saw = `the ${first.mode} stream ended ${(first.end.atMs / 1000).toFixed(1)} s after it opened, by ${describeEnd(first.end)}, at: ${where}; lived on: ${alive || 'none'}`;
  const more = cuts.flatMap((cut): EvidenceRef[] => {
    const line = closedLine(cut, input.logs);
    return line ? [ref('websockify.log', line, `${String(line.facts['cause'])}, by ${String(line.facts['by'])}`)] : [];
  });
  const lines = cuts.flatMap((cut): EvidenceRef[] => {
    const line = input.logs.access.find(({ wsKey }) => wsKey !== undefined && wsKey === cut.key);
    return line
      ? [{ file: 'traefik-access.log', line: line.line, text: `ended after ${Math.round(line.durationMs)} ms` }]
      : [];
  });
  const packets = endsNear(first, cuts, input).map(({ packet, text }) => ({ file: 'vnc.tcpdump.pcap', packet, text }));
  const own = { file: 'report.json', text: `streams: ${describeEnd(first.end)}` };
  return make(code, CODES[code].hop, confidence, saw, [
    ...evidence,
    ...more.slice(0, 2),
    ...lines.slice(0, 2),
    ...packets,
    own,
  ]);
}

/** Both legs of a stream end within so long of each other. */
const SAME_END_MS = 1_000;
const MAX_PACKETS_CITED = 3;

/** The packets that ended the flows of the cuts, and what else ended with the first of them: earliest first. */
function endsNear(first: Cut, cuts: readonly Cut[], { packets }: JudgeInput): readonly PacketFact[] {
  const ports = new Set(cuts.flatMap(({ opening }) => opening.localPort ?? []));
  const isOwn = ({ client }: PacketFact): boolean => ports.has(Number(client.slice(client.lastIndexOf(':') + 1)));
  const near = packets.filter((packet) => isOwn(packet) || Math.abs(packet.atMs - first.end.at) < SAME_END_MS);
  return near.toSorted((a, b) => a.packet - b.packet).slice(0, MAX_PACKETS_CITED);
}

function make(code: Code, hop: Hop, confidence: Confidence, saw: string, evidence: readonly EvidenceRef[]): Finding {
  const { want, remedy, not } = CODES[code];
  const settle =
    confidence === 'proven'
      ? {}
      : { settle: 'a run that can also dial the gateway and the raw RFB port, with packets captured' };
  return { code, hop, severity: 'fail', confidence, saw, want, remedy, not, evidence, ...settle };
}

function describeEnd({ how, code, reason }: StreamEnd): string {
  if (how === 'close_frame') return `close frame ${code ?? 'without a code'}${reason ? ` (${reason})` : ''}`;
  return {
    close_notify: 'TLS close_notify',
    fin: 'FIN without a close frame',
    rst: 'RST',
    timeout: 'silence',
    none: 'nothing',
  }[how];
}

function ref(file: string, { line }: ServiceLine, text: string): EvidenceRef {
  return { file, line, text };
}
