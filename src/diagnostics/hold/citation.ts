import { type EvidenceRef, type Finding, type HypothesisReport, formatMs } from '../../report/index.js';
import { hopOf } from '../blame.js';
import { CODES } from '../codes.js';
import type { StreamEnd } from '../probe/facts.js';
import type { Culprit, Cut, JudgeInput, JudgedStream, PacketFact } from './judged.js';
import { socketClosed } from './testimony.js';
import type { Hypothesis } from './theories.js';
import type { Timer } from './timers.js';

/** Both legs of a stream end within so long of each other. */
const SAME_END_MS = 1_000;
/** And on the wire within so long, also on a busy host. */
const OTHER_LEG_MS = 100;
const MAX_PACKETS_CITED = 3;
/** Lines of one log that are cited of the sockets of one session. */
const MAX_LINES_CITED = 2;
const SETTLE = 'a run that can also dial the gateway and the raw RFB port, with packets captured';

/** The finding of a culprit, with everything that says so: logs, packets, and what verify saw itself. */
export function findingOf(
  { code, confidence, evidence = [], timer, weighed, settle, ...own }: Culprit,
  { saw, not = [] }: { readonly saw: string; readonly not?: readonly string[] },
  more: readonly EvidenceRef[],
): Finding {
  const { want, remedy, not: always } = CODES[code];
  return {
    code,
    hop: hopOf(code),
    severity: 'fail',
    confidence,
    saw: [...explanation(timer, weighed), saw].join(': '),
    want,
    remedy: own.remedy ?? remedy,
    not: [...always, ...not],
    evidence: [...evidence, ...more],
    ...(weighed && { hypotheses: weighed.map(hypothesisReport) }),
    ...(confidence !== 'proven' && { settle: settle === undefined ? SETTLE : `${settle}; else ${SETTLE}` }),
  };
}

/** What explains the cuts, where one thing does. */
function explanation(timer: Timer | undefined, weighed: readonly Hypothesis[] = []): string[] {
  if (timer) return [timerText(timer)];
  return weighed
    .filter(({ theory, speaksAgainst }) => theory === 'event' && speaksAgainst.length === 0)
    .map(({ what }) => what);
}

/** The timer in words; whether the server's pings came, and whether they come too late. */
function timerText({ best, isRace, serverPingsEveryMs, counted }: Timer): string {
  if (counted !== 'wire' && counted !== 'messages') return best.what;
  if (serverPingsEveryMs === null) return `${best.what}; the server was not seen to ping`;
  const every = `the server pings every ${formatMs(serverPingsEveryMs)}`;
  return `${best.what}; ${every}${isRace ? ', which is a race against that timer' : ', which is too seldom'}`;
}

function hypothesisReport({ what, speaksFor, speaksAgainst }: Hypothesis): HypothesisReport {
  return { what, stands: speaksAgainst.length === 0, speaksFor, speaksAgainst };
}

/** What was seen of the cuts of one session. */
export function sightOf(cuts: readonly Cut[], streams: readonly JudgedStream[]): string {
  const first = cuts.reduce((earliest, cut) => (cut.end.at < earliest.end.at ? cut : earliest));
  const where = [...new Set(cuts.map(({ vantage }) => vantage))].join(', ');
  const alive = survivors(streams).map((one) => `${one.mode}${trafficText(one)} at ${one.vantage}`);
  const after = `${(first.end.atMs / 1000).toFixed(1)} s after it opened`;
  const quiet = `quiet for ${(first.longestSilenceMs / 1000).toFixed(1)} s at the longest`;
  return `the ${first.mode} stream${trafficText(first)} ended ${after}, by ${describeEnd(first.end)}, ${quiet}, at: ${where}; lived on: ${[...new Set(alive)].join(', ') || 'none'}`;
}

function trafficText({ traffic }: JudgedStream): string {
  return traffic === 'viewing' ? '' : ` (${traffic})`;
}

/** Whom streams that lived on rule out: whoever carries one of the same session, or of another, is well. */
export function ruledOut(cuts: readonly Cut[], streams: readonly JudgedStream[]): string[] {
  const { session } = cuts[0]!;
  const own = survivors(streams).filter((one) => one.session === session);
  const inner = own.filter(({ vantage }) => vantage !== 'public').map(({ vantage }) => vantage);
  if (inner.includes('gateway')) return ['gateway and runner: the stream past the ingress lived on'];
  if (inner.includes('rfb')) return ['the runner: the stream past the gateway lived on'];
  const others = survivors(streams).filter((one) => one.session !== session && one.vantage === 'public');
  return others.length > 0 ? ['Traefik and gateway: they carried another session on'] : [];
}

function survivors(streams: readonly JudgedStream[]): readonly JudgedStream[] {
  return streams.filter(({ end, answeredAtEnd }) => end?.bySelf === true && answeredAtEnd !== false);
}

/** The lines and packets of the sockets that were cut, and how the first of them ended. */
export function citationsOf(cuts: readonly Cut[], input: JudgeInput): EvidenceRef[] {
  const first = cuts.reduce((earliest, cut) => (cut.end.at < earliest.end.at ? cut : earliest));
  const closed = cuts.flatMap((cut) => socketClosed(cut, input)?.evidence ?? []);
  const logged = cuts.flatMap((cut): EvidenceRef[] => {
    const line = input.logs.access.find(({ wsKey }) => wsKey !== undefined && wsKey === cut.key);
    const text = `ended after ${Math.round(line?.durationMs ?? 0)} ms`;
    return line ? [{ file: 'traefik-access.log', line: line.line, text }] : [];
  });
  const { file } = input.packets;
  const packets = endsNear(first, cuts, input).map((one) => ({
    file: one.file ?? file,
    packet: one.packet,
    text: one.text,
  }));
  const own = { file: 'report.json', text: `streams: ${describeEnd(first.end)}` };
  const lines = [closed, logged, saidByProxies(cuts, input)].flatMap((some) => some.slice(0, MAX_LINES_CITED));
  return [...lines, ...packets, own];
}

/** What other proxies of the path say of an end at the moment of a cut. */
function saidByProxies(cuts: readonly Cut[], { logs }: JudgeInput): EvidenceRef[] {
  return (logs.proxies ?? []).flatMap(({ file, line, by, end, endedAtMs }): EvidenceRef[] => {
    const isNear = cuts.some((cut) => Math.abs(cut.end.at - endedAtMs) < SAME_END_MS);
    return end && isNear ? [{ file, line, text: `${by}: ${end.text}` }] : [];
  });
}

/** The packets that ended the flows of the cuts, and what else ended with the first of them: earliest first. */
function endsNear(first: Cut, cuts: readonly Cut[], { packets }: JudgeInput): readonly PacketFact[] {
  const ports = new Set(cuts.flatMap(({ opening }) => opening.localPort ?? []));
  const isOwn = ({ client }: PacketFact): boolean => ports.has(Number(client.slice(client.lastIndexOf(':') + 1)));
  const own = packets.ends.filter(isOwn);
  // Where our own legs were recorded, the others ended with them; else about when we saw the first end.
  const isNear = ({ atMs }: PacketFact): boolean =>
    own.length === 0
      ? Math.abs(atMs - first.end.at) < SAME_END_MS
      : own.some((one) => Math.abs(atMs - one.atMs) <= OTHER_LEG_MS);
  const near = packets.ends.filter((packet) => isOwn(packet) || isNear(packet));
  const inOrder = near.toSorted((a, b) => (a.file === b.file ? a.packet - b.packet : a.atMs - b.atMs));
  return inOrder.slice(0, MAX_PACKETS_CITED);
}

function describeEnd({ how, code, reason }: StreamEnd): string {
  if (how === 'close_frame') return `close frame ${code ?? 'without a code'}${reason ? ` (${reason})` : ''}`;
  return {
    close_notify: 'TLS close_notify',
    fin: 'FIN without a close frame',
    rst: 'RST',
    timeout: 'silence',
    none: reason || 'nothing',
  }[how];
}
