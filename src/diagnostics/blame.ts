import { HOPS, type Hop } from '../core/index.js';
import type { Confidence } from '../report/index.js';
import type { Code } from './codes.js';
import type { DialFacts } from './probe/facts.js';
import type { Vantage } from './subjects/index.js';

export interface Blame {
  readonly hop: Hop;
  readonly code: Code;
  readonly confidence: Confidence;
}

/** What is known beside the dial itself. */
export interface Surroundings {
  readonly vantage: Vantage;
  /** Whether the same session opened past the ingress; undefined where nobody looked. */
  readonly innerOpens?: boolean | undefined;
}

type Guess = Omit<Blame, 'hop'>;

/** The code of a problem document that was the answer. */
export function problemIn({ http }: Pick<DialFacts, 'http'>): string | undefined {
  return http && /"code":\s*"([a-z_]+)"/.exec(http.body)?.[1];
}

/** Codes of the gateway's own problem documents, every one of them (spec section 5). */
const GATEWAY_PROBLEMS: Readonly<Record<string, Code>> = {
  id_missing: 'CF-GATEWAY-ID',
  id_malformed: 'CF-GATEWAY-ID',
  unknown_id: 'CF-GATEWAY-ID',
  not_found: 'CF-GATEWAY-ID',
  upgrade_required: 'CF-GATEWAY-UPGRADE',
  method_refused: 'CF-GATEWAY-UPGRADE',
  body_refused: 'CF-GATEWAY-UPGRADE',
  subprotocol_refused: 'CF-GATEWAY-UPGRADE',
  request_malformed: 'CF-GATEWAY-UPGRADE',
  token_invalid: 'CF-GATEWAY-TOKEN',
  token_expired: 'CF-GATEWAY-TOKEN',
  token_foreign: 'CF-GATEWAY-TOKEN',
  token_used: 'CF-GATEWAY-TOKEN',
  target_refused: 'CF-GATEWAY-TARGET',
  origin_refused: 'CF-GATEWAY-ORIGIN',
  too_many_failures: 'CF-GATEWAY-LIMIT',
  at_capacity: 'CF-GATEWAY-FULL',
  draining: 'CF-GATEWAY-DRAINING',
  internal: 'CF-GATEWAY-FAULT',
  viewer_left: 'CF-GATEWAY-FAULT',
  rights_revoked: 'CF-CONTROL-REVOKED',
  session_ended: 'CF-CONTROL-RELEASED',
  control_unreachable: 'CF-CONTROL-API',
  runner_refused: 'CF-RUNNER-REFUSED',
  runner_unreachable: 'CF-RUNNER-REFUSED',
  runner_reset: 'CF-RUNNER-CLOSED',
  runner_not_rfb: 'CF-RUNNER-NOT-RFB',
  runner_auth: 'CF-RUNNER-AUTH',
  runner_timeout: 'CF-RUNNER-SILENT',
  greeting_timeout: 'CF-RUNNER-SILENT',
};

/** The host is there and says that nothing listens. */
const REFUSED = new Set(['ECONNREFUSED', 'ECONNRESET']);
/** A router, or this host, says that it does not carry the packets. */
const UNREACHABLE = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'EACCES', 'EPERM', 'EADDRNOTAVAIL']);

/** Who is to blame for a dial that stopped at a stage, as far as one dial and its surroundings can tell. */
export function blameFor(facts: DialFacts, around: Surroundings): Blame {
  const guess = guessFor(facts, around);
  return { ...guess, hop: hopOf(guess.code) };
}

/** The hop that a code carries in its name. */
export function hopOf(code: Code): Hop {
  const name = code.split('-')[1]!.toLowerCase();
  return HOPS.find((hop) => hop === name) ?? 'control';
}

function guessFor(facts: DialFacts, around: Surroundings): Guess {
  switch (facts.stage) {
    case 'dns':
      return { code: 'CF-DNS-NAME', confidence: 'proven' };
    case 'tcp':
      return tcpGuess(facts, around.vantage);
    case 'tls':
      return tlsGuess(facts);
    case 'http':
      return upgradeGuess(facts, around);
    case 'upgrade':
      return { code: 'CF-GATEWAY-UPGRADE', confidence: 'likely' };
    case 'greeting':
      return greetingGuess(facts, around.vantage);
    case 'security':
      return securityGuess(facts);
    case 'serverInit':
    case 'frame':
    case 'open':
      // Whoever ends at that point, with the handshake well, has somebody else.
      if (facts.stop === 'ended' && around.vantage !== 'public')
        return { code: 'CF-RUNNER-SHARED', confidence: 'likely' };
      return { code: facts.stop === 'malformed' ? 'CF-RUNNER-NOT-RFB' : 'CF-RUNNER-FRAME', confidence: 'likely' };
  }
}

const REFUSING: Readonly<Record<Vantage, Code>> = {
  public: 'CF-TRAEFIK-DOWN',
  gateway: 'CF-GATEWAY-DOWN',
  rfb: 'CF-RUNNER-REFUSED',
};

function tcpGuess({ errorCode = '' }: DialFacts, vantage: Vantage): Guess {
  if (REFUSED.has(errorCode)) return { code: REFUSING[vantage], confidence: 'likely' };
  return { code: UNREACHABLE.has(errorCode) ? 'CF-NETWORK-UNREACHABLE' : 'CF-NETWORK-SILENT', confidence: 'likely' };
}

function tlsGuess({ tls, errorCode = '' }: DialFacts): Guess {
  if (errorCode.includes('UNRECOGNIZED_NAME')) return { code: 'CF-TLS-NAME', confidence: 'proven' };
  if (tls === undefined) return { code: 'CF-TLS-HANDSHAKE', confidence: 'likely' };
  if (tls.problem?.includes('EXPIRED')) return { code: 'CF-TLS-EXPIRED', confidence: 'proven' };
  return { code: tls.problem?.includes('ALTNAME') ? 'CF-TLS-NAME' : 'CF-TLS-TRUST', confidence: 'proven' };
}

/** A refusal before the 101: the gateway's own document says it; else status and surroundings tell whose answer it is. */
function upgradeGuess({ http, errorCode }: DialFacts, { vantage, innerOpens }: Surroundings): Guess {
  if (!http) return unansweredGuess(errorCode, { vantage, innerOpens });
  const problem = problemIn({ http });
  const known = problem === undefined ? undefined : GATEWAY_PROBLEMS[problem];
  if (known) return { code: known, confidence: 'proven' };
  const { status } = http;
  const inFront = vantage === 'public';
  if (status === 429)
    return inFront
      ? { code: 'CF-TRAEFIK-LIMIT', confidence: innerOpens ? 'proven' : 'likely' }
      : { code: 'CF-GATEWAY-FULL', confidence: 'likely' };
  if (status === 401 || status === 403 || status === 407)
    return { code: 'CF-TRAEFIK-AUTH', confidence: innerOpens ? 'proven' : 'possible' };
  if (status === 502 || status === 503 || status === 504)
    return innerOpens
      ? { code: 'CF-TRAEFIK-BACKEND', confidence: 'proven' }
      : { code: 'CF-GATEWAY-DOWN', confidence: 'likely' };
  if (inFront && (status < 400 || status === 404 || status === 421))
    return { code: 'CF-TRAEFIK-ROUTE', confidence: innerOpens ? 'proven' : 'likely' };
  return { code: 'CF-GATEWAY-UPGRADE', confidence: 'likely' };
}

/** TCP, and TLS where there is one, were accepted; then came nothing, or an end, instead of an answer. */
function unansweredGuess(errorCode: string | undefined, { vantage, innerOpens }: Surroundings): Guess {
  if (vantage === 'public' && innerOpens) return { code: 'CF-TRAEFIK-SILENT', confidence: 'likely' };
  if (errorCode !== undefined) return { code: 'CF-GATEWAY-UPGRADE', confidence: 'possible' };
  return { code: 'CF-GATEWAY-SILENT', confidence: vantage === 'public' ? 'possible' : 'likely' };
}

/** The greeting did not come: a relay that answers 101 before it dials ends the socket when the runner refuses. */
function greetingGuess({ stop }: DialFacts, vantage: Vantage): Guess {
  if (stop === 'malformed') return { code: 'CF-RUNNER-NOT-RFB', confidence: 'likely' };
  if (stop !== 'ended') return { code: 'CF-RUNNER-SILENT', confidence: 'likely' };
  return { code: vantage === 'rfb' ? 'CF-RUNNER-CLOSED' : 'CF-RUNNER-REFUSED', confidence: 'likely' };
}

function securityGuess({ stop, rfb }: DialFacts): Guess {
  if (stop === 'silence') return { code: 'CF-RUNNER-SILENT', confidence: 'likely' };
  if (stop === 'malformed') return { code: 'CF-RUNNER-NOT-RFB', confidence: 'likely' };
  if (stop !== 'ended') return { code: 'CF-RUNNER-AUTH', confidence: 'likely' };
  // It greeted and was gone before it offered anything: a viewer that comes is too much for it.
  return { code: rfb?.types === undefined ? 'CF-RUNNER-ONE-SHOT' : 'CF-RUNNER-CLOSED', confidence: 'likely' };
}
