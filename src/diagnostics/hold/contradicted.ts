import { CODES } from '../codes.js';
import type { Culprit, Cut, JudgedStream } from './judged.js';

/** Words of a close frame that lay the end to what is behind the gateway. */
const LAYS_IT_INSIDE =
  /\b(?:upstream|downstream|backend|target|server|runner|vnc)[\s_-]*(?:has |was |is )?(?:clos|end|lost|gone|disconnect|fail)/i;
/** Close codes of our gateway that say the same. */
const INSIDE_CODES: ReadonlySet<number> = new Set([4502, 4504]);

/**
 * The close frame lays the end to the runner, and the cut was that of a timer of the gateway itself, while the runner's
 * own stream lived on: the reason is not true. What the gateway is called for otherwise stays in the remedy.
 */
export function contradicted(cuts: readonly Cut[], timed: Culprit | undefined, rfbLives: boolean): Culprit | undefined {
  if (!rfbLives || !timed?.code.startsWith('CF-GATEWAY-')) return undefined;
  const liar = cuts.find(({ end }) => INSIDE_CODES.has(end.code ?? 0) || LAYS_IT_INSIDE.test(end.reason));
  if (!liar || !liar.end.how.startsWith('close')) return undefined;
  const { remedy } = CODES['CF-GATEWAY-REASON'];
  const { end } = liar;
  const text = `streams: the close frame ${end.code ?? ''} says ${JSON.stringify(end.reason)}; the raw stream of the session lived on`;
  return {
    ...timed,
    code: 'CF-GATEWAY-REASON',
    remedy: `${remedy}; and what ended it: ${timed.remedy ?? CODES[timed.code].remedy}`,
    evidence: [...(timed.evidence ?? []), { file: 'report.json', text }],
  };
}

/** A round trip of pings that takes so long, over a way that opened faster, waited behind a picture. */
const QUEUED_MS = 500;
const QUEUED_TRIPS = 10;
/** A stream that is cut while something comes all the time was not idle. */
const FLOWING_MS = 3_000;

/**
 * The gateway ended streams to which pictures flowed to the end and whose pings, both ways, waited behind them: its
 * deadline for pongs is shorter than the queue of a thin line.
 */
export function outrun(cuts: readonly Cut[], streams: readonly JudgedStream[]): Culprit | undefined {
  const slow = cuts.filter(isOutrun);
  const raw = streams.filter(({ vantage }) => vantage === 'rfb');
  const isInnocent =
    raw.length > 0 ? raw.some(({ end }) => end?.bySelf === true) : slow.every(({ after }) => after?.stage === 'open');
  if (slow.length === 0 || !isInnocent) return undefined;
  const slowest = Math.max(...slow.map(({ pingRttMs }) => pingRttMs ?? 0));
  const text = `streams: pictures came to the end, and a ping took ${Math.round(slowest)} ms there and back`;
  return { code: 'CF-GATEWAY-PONG', confidence: 'likely', evidence: [{ file: 'report.json', text }] };
}

function isOutrun({ end, vantage, pingRttMs, opening, readings }: Cut): boolean {
  const openedMs = Math.max(opening.tcp?.tookMs ?? 0, opening.http?.tookMs ?? 0);
  const isQueued = (pingRttMs ?? 0) >= QUEUED_MS && (pingRttMs ?? 0) >= QUEUED_TRIPS * openedMs;
  const isFlowing = (readings?.clocks.serverBytes.runningMs ?? Infinity) < FLOWING_MS;
  return vantage !== 'rfb' && end.how === 'close_frame' && end.code === ABNORMAL && isQueued && isFlowing;
}

/** What servers end a socket with whose pong did not come. */
const ABNORMAL = 1011;
