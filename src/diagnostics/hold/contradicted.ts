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

/** Words of a close frame for a pong that was not waited for any longer; they count beside what was measured, never alone. */
const OF_PINGS = /\b(?:ping|pong|keep[\s_-]?alive|heartbeat)/i;

/**
 * The gateway ended streams to which pictures flowed to the end, and pings waited behind them: its deadline for pongs is
 * shorter than the queue of a thin line. That they waited is known from our own pings, or, where a stream ended before one
 * came back, from streams beside it that asked for less, answered the same pings and grew older.
 */
export function outrun(cuts: readonly Cut[], streams: readonly JudgedStream[]): Culprit | undefined {
  const slow = cuts.filter((cut) => isFlowingTo(cut) && (isQueued(cut) || isOutlivedByQuiet(cut, streams)));
  const raw = streams.filter(({ vantage }) => vantage === 'rfb');
  const isInnocent =
    raw.length > 0 ? raw.some(({ end }) => end?.bySelf === true) : slow.every(({ after }) => after?.stage === 'open');
  if (slow.length === 0 || !isInnocent) return undefined;
  const slowest = Math.max(...slow.map(({ pingRttMs }) => pingRttMs ?? 0));
  const text =
    slowest > 0
      ? `streams: pictures came to the end, and a ping took ${Math.round(slowest)} ms there and back`
      : 'streams: pictures came to the end; streams beside them that asked for less answered the same pings and grew older';
  return { code: 'CF-GATEWAY-PONG', confidence: 'likely', evidence: [{ file: 'report.json', text }] };
}

function isFlowingTo({ end, vantage, readings }: Cut): boolean {
  const isFlowing = (readings?.clocks.serverBytes.runningMs ?? Infinity) < FLOWING_MS;
  return vantage !== 'rfb' && end.how === 'close_frame' && end.code === ABNORMAL && isFlowing;
}

function isQueued({ pingRttMs, opening }: Cut): boolean {
  const openedMs = Math.max(opening.tcp?.tookMs ?? 0, opening.http?.tookMs ?? 0);
  return (pingRttMs ?? 0) >= QUEUED_MS && (pingRttMs ?? 0) >= QUEUED_TRIPS * openedMs;
}

function isOutlivedByQuiet({ end, vantage, readings }: Cut, streams: readonly JudgedStream[]): boolean {
  const ageMs = readings?.ageMs ?? Infinity;
  return (
    OF_PINGS.test(end.reason) &&
    streams.some((one) => {
      const isQuiet = one.traffic !== 'viewing' && one.vantage === vantage;
      return isQuiet && one.readings !== undefined && one.readings.ageMs > ageMs;
    })
  );
}

/** What servers end a socket with whose pong did not come. */
const ABNORMAL = 1011;
