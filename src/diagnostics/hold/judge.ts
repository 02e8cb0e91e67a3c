import type { Hop } from '../../core/index.js';
import type { EvidenceRef, Finding } from '../../report/index.js';
import { blameFor } from '../blame.js';
import type { Code } from '../codes.js';
import type { Vantage } from '../subjects/index.js';
import { besideAnother } from './alone.js';
import { citationsOf, findingOf, ruledOut, sightOf } from './citation.js';
import { CODES } from '../codes.js';
import { culpritOf } from './culprit.js';
import { isFor, missingHeartbeat } from './heartbeat.js';
import { forgottenAmong } from './forgotten.js';
import type { Culprit, Cut, JudgeInput, JudgedStream } from './judged.js';
import { serviceEnded } from './testimony.js';
import { isUnanswered } from './watch.js';

interface Judgement {
  readonly findings: readonly Finding[];
  /** The streams that did not come to their planned end. */
  readonly blamed: ReadonlyMap<JudgedStream, Hop>;
}

interface Case {
  readonly finding: Finding;
  readonly streams: readonly JudgedStream[];
}

/** The findings of a hold. None when every stream was ended by verify and answered to the end. */
export function judge(input: JudgeInput): Judgement {
  const forgotten = judgeForgotten(input);
  const isForgotten = new Set(forgotten.flatMap(({ streams }) => streams));
  const left = { ...input, streams: input.streams.filter((stream) => !isForgotten.has(stream)) };
  const cuts = left.streams.filter((stream): stream is Cut => stream.end?.bySelf === false && !fellSilent(stream));
  const others =
    cuts.length > 0 ? judgeCuts(cuts, left) : [...judgeUnopened(left), ...judgeFrozen(left), ...judgeHeartbeat(left)];
  const cases = [...forgotten, ...others];
  const blamed = new Map<JudgedStream, Hop>(
    cases.flatMap(({ finding, streams }) => streams.map((stream) => [stream, finding.hop] as const)),
  );
  return { findings: cases.map(({ finding }) => finding), blamed };
}

function judgeCuts(cuts: readonly Cut[], input: JudgeInput): Case[] {
  const bySession = Map.groupBy(cuts, ({ session }) => session);
  return [...bySession.values()].map((own) => {
    const not = ruledOut(own, input.streams);
    const seen = { saw: sightOf(own, input.streams), not };
    return { finding: findingOf(rootOf(culpritOf(own, input), input), seen, citationsOf(own, input)), streams: own };
  });
}

/** Pings that are set, and do not come, would have kept the stream from the timer that cut it. */
function rootOf(culprit: Culprit, input: JudgeInput): Culprit {
  const missing = isFor(culprit, input) ? missingHeartbeat(input) : undefined;
  return missing ? { ...culprit, ...missing, remedy: CODES[missing.code].remedy } : culprit;
}

/** Nothing was cut, and yet no ping came. */
function judgeHeartbeat(input: JudgeInput): Case[] {
  const missing = missingHeartbeat(input);
  if (!missing) return [];
  const saw = missing.evidence?.[0]?.text ?? '';
  return [{ finding: { ...findingOf(missing, { saw }, []), severity: 'warn' }, streams: [] }];
}

/** Streams that were dead when they spoke again after a silence. */
function judgeForgotten({ streams }: JudgeInput): Case[] {
  const found = forgottenAmong(streams);
  if (!found) return [];
  const { culprit, saw } = found;
  return [{ finding: findingOf(culprit, { saw }, [itself(saw)]), streams: found.streams }];
}

/** Streams that never opened though the probes before them did; not those that verify itself gave up. */
function judgeUnopened(input: JudgeInput): Case[] {
  const unopened = input.streams.filter(({ end, isAbandoned }) => end === undefined && !isAbandoned);
  return unopened.map((stream) => {
    const { opening, vantage, mode } = stream;
    const saw = `the ${mode} stream did not open at the ${vantage} vantage: ${opening.failure ?? opening.stage}`;
    const culprit =
      goneOnTheWay(vantage, input) ?? besideAnother(stream, input.streams) ?? blameFor(opening, { vantage });
    return { finding: findingOf(culprit, { saw }, [itself(saw)]), streams: [stream] };
  });
}

/** A service on the way of a vantage point that ended during the run. */
function goneOnTheWay(vantage: Vantage, input: JudgeInput): Culprit | undefined {
  const way: readonly (readonly [string, Code])[] = [
    ...(vantage === 'public' ? ([['ingress', 'CF-TRAEFIK-STOPPED']] as const) : []),
    ...(vantage === 'rfb' ? [] : ([['gateway', 'CF-GATEWAY-GONE']] as const)),
    ['runner', 'CF-RUNNER-GONE'],
  ];
  for (const [service, code] of way) {
    const ended = serviceEnded(service, input);
    if (ended) return { code, confidence: 'proven', evidence: [ended.evidence] };
  }
  return undefined;
}

/** Nobody ended it: verify gave it up, for its pings were not answered any more and no byte came. */
function fellSilent({ end }: JudgedStream): boolean {
  return end?.how === 'timeout' && !end.bySelf;
}

/** Streams that were open and gave no picture, or no answer at all: the innermost that is frozen is to blame. */
function judgeFrozen({ streams }: JudgeInput): Case[] {
  const frozen = streams.filter((stream) => stream.answeredAtEnd === false || fellSilent(stream));
  const bySession = Map.groupBy(frozen, ({ session }) => session);
  return [...bySession.values()].map((own) => {
    const at = [...new Set(own.map(({ vantage }) => vantage))];
    const others = streams.filter(
      ({ session, answeredAtEnd }) => session === own[0]!.session && answeredAtEnd === true,
    );
    const alive = [...new Set(others.map(({ vantage }) => vantage))];
    const saw = `no picture, or no answer to pings, came any more, at: ${at.join(', ')}; it came at: ${alive.join(', ') || 'none'}`;
    return { finding: findingOf(frozenAt(at, alive, own), { saw }, [itself(saw)]), streams: own };
  });
}

/** Pings are answered by the gateway, pictures by the runner. */
function frozenAt(at: readonly Vantage[], alive: readonly Vantage[], own: readonly JudgedStream[]): Culprit {
  const afters = own.flatMap((stream) => stream.after ?? []);
  if (afters.length > 0 && afters.every(isUnanswered)) return { code: 'CF-NETWORK-VANISHED', confidence: 'likely' };
  if (at.includes('rfb')) return { code: 'CF-RUNNER-FROZEN', confidence: 'proven' };
  if (at.includes('gateway') && alive.includes('rfb')) return { code: 'CF-GATEWAY-SILENT', confidence: 'proven' };
  const isDeaf = own.some((stream) => fellSilent(stream));
  if (at.includes('gateway')) return { code: isDeaf ? 'CF-GATEWAY-SILENT' : 'CF-RUNNER-FROZEN', confidence: 'likely' };
  const after = own.find((stream) => stream.after)?.after;
  // The same way opens anew: this one connection is dead between here and the ingress.
  const isDead = after?.stage === 'open';
  if (alive.includes('gateway'))
    return { code: isDead ? 'CF-NETWORK-VANISHED' : 'CF-TRAEFIK-SILENT', confidence: 'likely' };
  if (!isDeaf) return { code: 'CF-RUNNER-FROZEN', confidence: 'likely' };
  if (isDead || !after) return { code: 'CF-NETWORK-VANISHED', confidence: 'possible' };
  return { code: blameFor(after, { vantage: 'public' }).code, confidence: 'likely' };
}

function itself(saw: string): EvidenceRef {
  return { file: 'report.json', text: `streams: ${saw}` };
}
