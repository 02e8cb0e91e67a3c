import type { DialFacts } from '../probe/facts.js';
import type { Refusal, Refuser } from './judge.js';

/** Answers of a gateway that does not know a session, whatever else is well. */
const UNKNOWN: ReadonlySet<number> = new Set([401, 403, 404, 410]);
/** What our own gateway says of a token that opens once. */
const USED = '"token_used"';
/** Close codes by which a gateway says so behind a 101. */
const UNKNOWN_CODES: ReadonlySet<number> = new Set([1008, 4401, 4403, 4404, 4410]);

/** Refusals without which a mixture is no pattern. */
const MIN_UNKNOWN = 2;

/** One attempt to open a session, and the server behind the ingress that it went to, where a log says it. */
export interface Attempt {
  readonly facts: DialFacts;
  readonly server?: string | undefined;
}

/** Equal handshakes that were answered differently: some servers are gone, or do not know the session. */
export function judgeAttempts(attempts: readonly Attempt[]): Refuser | undefined {
  return judgeLost(attempts) ?? judgeUnknown(attempts);
}

/**
 * Some handshakes went to a server that is not there any more, others opened: those that are dealt out do not all live.
 * That the last ones alone failed may have another cause: then nothing is said.
 */
function judgeLost(attempts: readonly Attempt[]): Refuser | undefined {
  const lost = attempts.filter(({ facts }) => isLost(facts));
  const opened = attempts.filter(({ facts }) => opens(facts));
  if (lost.length === 0 || opened.length === 0) return undefined;
  const [gone, alive] = [serversOf(lost), serversOf(opened)];
  const follows = gone.length > 0 && alive.length > 0 && gone.every((server) => !alive.includes(server));
  const came = attempts.findIndex(({ facts }) => isLost(facts)) < attempts.findLastIndex(({ facts }) => opens(facts));
  if (!follows && !came) return undefined;
  const counts = `${lost.length} of ${lost.length + opened.length} equal handshakes within seconds were answered ${answersOf(lost)}, the others opened`;
  const where = follows ? `: ${gone.join(', ')} is gone, ${alive.join(', ')} lives` : '';
  return { code: 'CF-CONTROL-ROLLOUT', confidence: follows ? 'proven' : 'likely', because: `${counts}${where}` };
}

/** The ingress could not reach the server that it chose; a gateway's own document is another matter. */
export function isLost({ http }: DialFacts): boolean {
  return http !== undefined && (http.status === 502 || http.status === 504) && !http.body.trimStart().startsWith('{');
}

/** The very same handshake was taken by one and refused by another: servers behind the ingress that do not know the same sessions. */
function judgeUnknown(attempts: readonly Attempt[]): Refuser | undefined {
  const opened = attempts.filter(({ facts }) => opens(facts));
  const unknown = attempts.filter(({ facts }) => isUnknown(facts));
  if (opened.length === 0 || unknown.length === 0) return undefined;
  const knowing = serversOf(opened);
  const others = serversOf(unknown);
  const follows = others.length > 0 && knowing.length > 0 && others.every((server) => !knowing.includes(server));
  if (!follows && unknown.length < MIN_UNKNOWN) return undefined; // once may be a limit, or a moment
  const counts = `${opened.length} of ${opened.length + unknown.length} equal attempts opened, the others were answered ${answersOf(unknown)}`;
  const where = follows ? `: the session is known at ${knowing.join(', ')}, unknown at ${others.join(', ')}` : '';
  return { code: 'CF-TRAEFIK-STICKY', confidence: follows ? 'proven' : 'likely', because: `${counts}${where}` };
}

/** The refusal and its repetitions. */
export function judgeAgain({ facts, seen, line }: Refusal): Refuser | undefined {
  const again = seen.filter(({ what }) => what === 'again');
  return judgeAttempts([{ facts, server: line?.serviceAddr }, ...again]);
}

function opens(facts: DialFacts): boolean {
  const { stage, http, rfb } = facts;
  if (isUnknownCode(facts)) return false;
  return http?.status === 101 && (stage === 'open' || stage === 'upgrade' || rfb?.version !== undefined);
}

function isUnknownCode({ closeCode }: DialFacts): boolean {
  return closeCode !== undefined && UNKNOWN_CODES.has(closeCode);
}

/** It says that it knows no such session, or not us. */
export function isUnknown(facts: DialFacts): boolean {
  if (facts.http?.body.includes(USED)) return false; // it opens once, and did
  return facts.http !== undefined && (UNKNOWN.has(facts.http.status) || isUnknownCode(facts));
}

function serversOf(attempts: readonly Attempt[]): string[] {
  return [...new Set(attempts.flatMap(({ server }) => server ?? []))];
}

function answersOf(attempts: readonly Attempt[]): string {
  return [...new Set(attempts.map(({ facts }) => String(facts.closeCode ?? facts.http?.status)))].join(', ');
}
