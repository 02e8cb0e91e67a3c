import type { Confidence } from '../../report/index.js';
import type { Code } from '../codes.js';
import { VANTAGES, type Vantage } from '../subjects/index.js';
import type { Culprit, Cut, JudgeInput, JudgedStream } from './judged.js';
import { edgeRemedy, gatewayRemedy } from './remedies.js';
import { socketClosed } from './testimony.js';
import { type Hypothesis, beyondLimit, hasLived, isMeasured, outlivedOf, weighed } from './theories.js';
import { type Counted, type Timer, timerOf } from './timers.js';

const AT_EDGE: Readonly<Record<Exclude<Counted, 'event'>, Code>> = {
  wire: 'CF-EDGE-IDLE',
  messages: 'CF-EDGE-IDLE',
  lifetime: 'CF-EDGE-LIFETIME',
  bytes: 'CF-EDGE-BYTES',
};

const AT_GATEWAY: Readonly<Record<Exclude<Counted, 'event'>, Code>> = {
  wire: 'CF-GATEWAY-IDLE',
  messages: 'CF-GATEWAY-IDLE',
  lifetime: 'CF-GATEWAY-LIFETIME',
  bytes: 'CF-GATEWAY-CUT',
};

/**
 * Whose timer it was, when one theory explains the cuts. A stream further in that outlived the same limit acquits
 * everybody behind it. Seen from outside alone, what the timer counts tells: a proxy counts bytes and leaves without a
 * close frame; who counts messages speaks WebSocket. A gateway that heard a goodbye of the viewer, who is verify and said
 * none, is acquitted as well, and so is who is behind a proxy that says that its timer ran out. Undefined when no theory stands, or the way has not opened again.
 */
export function timedCulprit(cuts: readonly Cut[], input: JudgeInput): Culprit | undefined {
  const { streams } = input;
  if (cuts.some(({ after }) => after !== undefined && after.stage !== 'open')) return undefined;
  const at = outermost(cuts);
  const timer = timerOf(streams.filter(({ vantage }) => vantage === at));
  if (!timer || timer.counted === 'event') return undefined;
  const { counted } = timer;
  const isAcquitted = (vantage: Vantage): boolean => streams.some((one) => acquits(one, vantage, timer));
  const isInside = at === 'gateway' || cuts.some(({ vantage }) => vantage === 'gateway');
  const isSpokenFor = cuts.some((cut) => socketClosed(cut, input)?.line.facts['cause'] === 'viewer_closed');
  if (!isInside && (isAcquitted('gateway') || isSpokenFor)) return edge(timer, counted, 'proven');
  const said = wordOfProxies(cuts, input);
  if (!isInside && said === 'timer') return edge(timer, counted, 'proven');
  if (!isInside && said === 'server') return gateway(timer, counted, 'likely'); // it came from behind that proxy
  if (isInside) return gateway(timer, counted, isAcquitted('rfb') ? 'proven' : 'likely');
  const isOrderly = cuts.some(({ end }) => end.how === 'close_frame');
  if (counted === 'messages' || (isOrderly && counted !== 'wire')) return gateway(timer, counted, 'likely');
  return edge(timer, counted, isOrderly && !cuts.some(isThroughCdn) ? 'possible' : 'likely');
}

/** Lines of a proxy lie so near to the cut that they tell of; some logs have whole seconds. */
const SAME_CUT_MS = 1_200;

/** Whether a proxy of the path says that a timer of its own ended it, or, and none says that, that what is behind it did. */
function wordOfProxies(cuts: readonly Cut[], { logs }: JudgeInput): 'timer' | 'server' | undefined {
  const said = (logs.proxies ?? [])
    .filter(({ endedAtMs }) => cuts.some(({ end }) => Math.abs(end.at - endedAtMs) <= SAME_CUT_MS))
    .flatMap(({ end }) => end?.by ?? []);
  return (['timer', 'server'] as const).find((by) => said.includes(by));
}

/** Headers by which a hop in front that speaks HTTP says that it is there (RFC 9110 section 7.6.3, and what CDNs add). */
const OF_CDN = ['via', 'cf-ray', 'x-cache', 'x-served-by', 'x-amz-cf-id', 'x-azure-ref', 'x-iinfo'];

function isThroughCdn({ opening }: Cut): boolean {
  return OF_CDN.some((name) => opening.http?.headers[name] !== undefined);
}

/** Every explanation of the cuts, with the streams that speak for and against it. */
export function weighedFor(cuts: readonly Cut[], { streams }: JudgeInput): readonly Hypothesis[] {
  const at = outermost(cuts);
  return weighed(streams.filter(isMeasured).filter(({ vantage }) => vantage === at));
}

function outermost(cuts: readonly Cut[]): Vantage {
  return VANTAGES.find((one) => cuts.some(({ vantage }) => vantage === one)) ?? 'public';
}

function acquits(stream: JudgedStream, vantage: Vantage, { best }: Timer): boolean {
  if (stream.vantage !== vantage || !isMeasured(stream) || !hasLived(stream)) return false;
  return outlivedOf(best.theory, stream) > beyondLimit(best);
}

function edge(timer: Timer, counted: Exclude<Counted, 'event'>, confidence: Confidence): Culprit {
  return culprit(AT_EDGE[counted], timer, confidence, edgeRemedy(timer));
}

function gateway(timer: Timer, counted: Exclude<Counted, 'event'>, confidence: Confidence): Culprit {
  return culprit(AT_GATEWAY[counted], timer, confidence, gatewayRemedy(timer));
}

/** Where cuts are few, or several kinds of timer explain them, one step less is claimed. */
function culprit(code: Code, timer: Timer, confidence: Confidence, remedy: string | undefined): Culprit {
  const weaker = confidence === 'proven' ? 'likely' : 'possible';
  return {
    code,
    confidence: timer.isSure ? confidence : weaker,
    timer,
    ...(remedy !== undefined && { remedy }),
    ...(timer.settle !== undefined && { settle: timer.settle }),
  };
}
