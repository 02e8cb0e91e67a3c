import type { Hop } from '../core/index.js';
import type { Code } from './codes.js';
import type { DialFacts } from './probe/index.js';

export interface Blame {
  readonly hop: Hop;
  readonly code: Code;
  readonly confidence: 'proven' | 'likely' | 'possible';
}

const GATEWAY_CODES: Readonly<Record<string, Code>> = {
  token_invalid: 'CF-GATEWAY-TOKEN',
  token_expired: 'CF-GATEWAY-TOKEN',
  token_foreign: 'CF-GATEWAY-TOKEN',
  token_used: 'CF-GATEWAY-TOKEN',
  id_missing: 'CF-GATEWAY-TOKEN',
  id_malformed: 'CF-GATEWAY-TOKEN',
  unknown_id: 'CF-GATEWAY-TOKEN',
  origin_refused: 'CF-GATEWAY-UPGRADE',
  target_refused: 'CF-GATEWAY-TOKEN',
  too_many_failures: 'CF-GATEWAY-TOKEN',
  at_capacity: 'CF-GATEWAY-FULL',
  draining: 'CF-GATEWAY-DRAINING',
  session_ended: 'CF-CONTROL-RELEASED',
  runner_refused: 'CF-RUNNER-REFUSED',
  runner_unreachable: 'CF-RUNNER-REFUSED',
  runner_reset: 'CF-RUNNER-CLOSED',
  runner_not_rfb: 'CF-RUNNER-NOT-RFB',
  runner_auth: 'CF-RUNNER-AUTH',
  runner_timeout: 'CF-RUNNER-SILENT',
  greeting_timeout: 'CF-RUNNER-SILENT',
};

const HOP_OF: Readonly<Record<string, Hop>> = {
  VIEWER: 'viewer',
  DNS: 'dns',
  NETWORK: 'network',
  TLS: 'tls',
  TRAEFIK: 'traefik',
  EDGE: 'edge',
  GATEWAY: 'gateway',
  RUNNER: 'runner',
  BROWSER: 'browser',
  CONTROL: 'control',
  TOPOLOGY: 'control',
};

/** The hop in a code's own name; a code of Traefik's about the gateway keeps its entry's hop. */
function hopIn(code: Code): Hop {
  return code === 'CF-TRAEFIK-BACKEND' ? 'gateway' : (HOP_OF[code.split('-')[1]!] ?? 'control');
}

/** Who is to blame for a dial that stopped at a stage, as far as one dial can tell. */
export function hopOfStage(facts: DialFacts): Blame {
  const { code, confidence } = codeOf(facts);
  return { hop: hopIn(code), code, confidence };
}

function codeOf(facts: DialFacts): { code: Code; confidence: Blame['confidence'] } {
  switch (facts.stage) {
    case 'dns':
      return { code: 'CF-DNS-NAME', confidence: 'proven' };
    case 'tcp':
      return {
        code: facts.errorCode === 'ECONNREFUSED' ? 'CF-NETWORK-REFUSED' : 'CF-NETWORK-SILENT',
        confidence: 'likely',
      };
    case 'tls':
      if (facts.tls === undefined) return { code: 'CF-TLS-HANDSHAKE', confidence: 'likely' };
      return { code: facts.tls.problem?.includes('EXPIRED') ? 'CF-TLS-EXPIRED' : 'CF-TLS-TRUST', confidence: 'proven' };
    case 'http':
      return refusalCode(facts);
    case 'greeting':
      return { code: 'CF-RUNNER-SILENT', confidence: 'likely' };
    case 'security':
      return { code: 'CF-RUNNER-AUTH', confidence: 'likely' };
    case 'serverInit':
    case 'frame':
    case 'open':
      return { code: 'CF-RUNNER-FRAME', confidence: 'likely' };
  }
}

/** A refusal before the 101: the gateway's own document says it; else the body tells whose answer it is. */
function refusalCode({ http }: DialFacts): { code: Code; confidence: Blame['confidence'] } {
  if (!http) return { code: 'CF-TRAEFIK-CUT', confidence: 'possible' };
  const problem = /"code":"([a-z_]+)"/.exec(http.body)?.[1];
  const known = problem === undefined ? undefined : GATEWAY_CODES[problem];
  if (known) return { code: known, confidence: 'proven' };
  if (http.status === 404) return { code: 'CF-TRAEFIK-ROUTE', confidence: 'likely' };
  if (http.status === 502 || http.status === 503 || http.status === 504)
    return { code: 'CF-TRAEFIK-BACKEND', confidence: 'likely' };
  return { code: 'CF-GATEWAY-UPGRADE', confidence: 'likely' };
}
