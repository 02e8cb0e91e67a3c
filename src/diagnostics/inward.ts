import { type Blame, blameFor, hopOf, problemIn } from './blame.js';
import type { Code } from './codes.js';
import type { DialFacts } from './probe/facts.js';
import { STAGES } from './probe/facts.js';
import type { Vantage } from './subjects/index.js';

/** What dials of one session saw, by vantage point; absent where nobody can look. */
export type Dials = Readonly<Partial<Record<Vantage, DialFacts>>>;

/** A dial within a network is answered, or refused, in less; what takes longer waited for somebody. */
const AT_ONCE_MS = 900;

/**
 * Who is to blame for the dial at a vantage point that stopped: the innermost hop that stopped as well, and where what
 * lies behind a hop is well, that hop or the way between the two.
 */
export function blameAmong(dials: Dials, vantage: Vantage): Blame {
  const facts = dials[vantage]!;
  if (vantage === 'public') return blamePublic(facts, dials);
  return vantage === 'gateway' ? blameGateway(facts, dials.rfb) : blameFor(facts, { vantage });
}

function blamePublic(facts: DialFacts, { gateway, rfb }: Dials): Blame {
  // Whoever said 101 is a gateway that is there: that we cannot dial it past the ingress says nothing.
  const isElsewhere = gateway !== undefined && isBehindUpgrade(facts) && !reached(gateway, 'http');
  if (!gateway || isElsewhere)
    return isOfGateway(facts, rfb) ? blameGateway(facts, rfb) : blameFor(facts, { vantage: 'public' });
  const innerOpens = opens(gateway);
  const isSame = !innerOpens && reached(facts, 'http') && saysTheSame(facts, gateway);
  return isSame ? blameGateway(gateway, rfb) : blameFor(facts, { vantage: 'public', innerOpens });
}

/** Who answered is not seen past the ingress: a relayed opening, a document about a dial, or a runner that is ill too. */
function isOfGateway(facts: DialFacts, rfb: DialFacts | undefined): boolean {
  if (isBehindUpgrade(facts) || OF_DIAL.has(problemIn(facts) ?? '')) return true;
  const status = facts.http?.status ?? 0;
  return (status === 403 || status >= 500) && rfb !== undefined && !opens(rfb) && !isUnseen(rfb);
}

/** The gateway was asked and stopped as the public way did: as far as its stage, or with the same status. */
function saysTheSame(outer: DialFacts, inner: DialFacts): boolean {
  if (!reached(inner, 'http')) return isOfInside(outer);
  return isOfInside(outer) || outer.http?.status === inner.http?.status;
}

/** It may come from what is behind: an answer about a backend, none at all, or an RFB opening that is relayed. */
function isOfInside(facts: DialFacts): boolean {
  return isBehindUpgrade(facts) || (facts.stage === 'http' && (facts.http?.status ?? 500) >= 500);
}

function isBehindUpgrade({ stage }: DialFacts): boolean {
  return reached({ stage }, 'greeting');
}

function reached({ stage }: Pick<DialFacts, 'stage'>, wanted: DialFacts['stage']): boolean {
  return STAGES.indexOf(stage) >= STAGES.indexOf(wanted);
}

/** It shows a picture, or would to somebody with the password. */
export function opens({ stage, rfb }: DialFacts): boolean {
  return stage === 'open' || (stage === 'security' && rfb?.noCommonSecurity !== undefined);
}

/** The dial stopped at the gateway, or at a public address that leads there. */
function blameGateway(facts: DialFacts, rfb: DialFacts | undefined): Blame {
  const own = blameFor(facts, { vantage: 'gateway' });
  if (!reached(facts, 'http') || facts.stage === 'upgrade' || isOwnMatter(facts)) return own;
  if (rfb && !opens(rfb) && !isUnseen(rfb)) return agreed(blameFor(rfb, { vantage: 'rfb' }), own);
  const beside = rfb && opens(rfb) ? rfb : undefined;
  const code = reached(facts, 'greeting') ? relayedCode(facts, beside) : answeredCode(facts, beside);
  if (code === undefined) return rfb && !beside ? blameFor(rfb, { vantage: 'rfb' }) : own;
  return { code, hop: hopOf(code), confidence: beside && code !== 'CF-NETWORK-BLOCKED' ? 'proven' : 'likely' };
}

/** Nothing at all came back: it may be that only we cannot look there. */
export function isUnseen({ stage, errorCode }: DialFacts): boolean {
  return stage === 'dns' || (stage === 'tcp' && (errorCode === undefined || errorCode === 'ETIMEDOUT'));
}

/** What two places say of the same hop is surer than what one says. */
function agreed(inner: Blame, outer: Blame): Blame {
  if (inner.hop !== outer.hop) return inner;
  return inner.code === outer.code ? { ...inner, confidence: 'proven' } : inner;
}

/** Close codes that tell why, whatever is behind. */
const TELLING: Readonly<Record<number, Code>> = {
  1001: 'CF-GATEWAY-DRAINING',
  1008: 'CF-GATEWAY-ID',
  1012: 'CF-GATEWAY-DRAINING',
  1013: 'CF-GATEWAY-FULL',
};

/** Problem documents of our gateway that are about its dial. */
const OF_DIAL = new Set([
  'runner_refused',
  'runner_unreachable',
  'runner_timeout',
  'runner_not_rfb',
  'greeting_timeout',
]);

/** The gateway says why, and the reason is its own: no need to look behind it. */
function isOwnMatter(facts: DialFacts): boolean {
  const problem = problemIn(facts);
  return facts.stage === 'http' && problem !== undefined && !OF_DIAL.has(problem);
}

/** An answer of HTTP about a dial of the gateway, or one without any reason. */
function answeredCode(facts: DialFacts, rfb: DialFacts | undefined): Code | undefined {
  const { http } = facts;
  const problem = problemIn(facts);
  if (problem === 'runner_timeout' || problem === 'runner_unreachable') return 'CF-NETWORK-BLOCKED';
  if (problem === 'runner_not_rfb') return 'CF-GATEWAY-NOT-RFB';
  if (problem === 'runner_refused') return rfb && 'CF-GATEWAY-DIAL';
  if (problem !== undefined) return undefined;
  if (!http) return rfb && 'CF-GATEWAY-SILENT';
  if (http.status === 503 || http.status === 429) return 'CF-GATEWAY-FULL';
  if (http.status === 403 || http.status === 401)
    return http.tookMs < AT_ONCE_MS ? 'CF-GATEWAY-REFUSED' : 'CF-NETWORK-BLOCKED';
  if (http.status === 502) return http.tookMs < AT_ONCE_MS ? 'CF-GATEWAY-DIAL' : 'CF-NETWORK-BLOCKED';
  if (http.status === 504) return 'CF-NETWORK-BLOCKED';
  return http.status === 404 || http.status === 410 ? 'CF-GATEWAY-ID' : undefined;
}

/** A relay that says yes before it dials: how, and after how long, it ended tells why. */
function relayedCode(facts: DialFacts, rfb: DialFacts | undefined): Code | undefined {
  if (facts.closeCode !== undefined && TELLING[facts.closeCode]) return TELLING[facts.closeCode];
  if (facts.sentText) return 'CF-GATEWAY-SUBPROTOCOL';
  if (facts.brokeFrames) return 'CF-GATEWAY-FRAMES';
  if (facts.stage !== 'greeting') return rfb && facts.stop === 'silence' ? 'CF-GATEWAY-SILENT' : undefined;
  if (facts.stop === 'malformed') return 'CF-GATEWAY-NOT-RFB';
  if (facts.stop === 'silence') return rfb && 'CF-NETWORK-BLOCKED';
  return (facts.stoppedAfterMs ?? 0) < AT_ONCE_MS ? 'CF-GATEWAY-DIAL' : 'CF-NETWORK-BLOCKED';
}
