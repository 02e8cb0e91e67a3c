import type { DialFacts } from '../probe/facts.js';
import { type Refusal, type Refuser, isTaken, lookOf } from './judge.js';

/** The ingress took the handshake and says nothing, though it answers other requests at once: it waits for what is behind. */
export function judgeUnanswered(refusal: Refusal): Refuser | undefined {
  const { facts, beyond, line, isAlive } = refusal;
  if (facts.stage !== 'http' || facts.http || facts.errorCode !== undefined || !isAlive) return undefined;
  const waits = 'the ingress answers other requests at once, and waits for what is behind it';
  const at = line?.serviceAddr === undefined ? '' : ` (${line.serviceAddr})`;
  const inner = lookOf(refusal, 'inner');
  if (isTaken(inner))
    return unreachable(`${waits}${at}: the gateway takes the same handshake of whoever dials it directly`);
  if (inner) return undefined; // the dial of the gateway itself says more
  if (!beyond) return { code: 'CF-GATEWAY-SILENT', confidence: 'likely', because: `${waits}${at}` };
  if (beyond.http) return unreachable(`${waits}${at}, which answers others`);
  if (beyond.stage === 'tcp' && beyond.errorCode === undefined)
    return unreachable(`${waits}${at}, and nobody there answers TCP`);
  return isDeaf(beyond)
    ? {
        code: 'CF-GATEWAY-SILENT',
        confidence: 'likely',
        because: `${waits}${at}, which accepts TCP and answers nothing`,
      }
    : undefined;
}

function unreachable(because: string): Refuser {
  return { code: 'CF-TRAEFIK-UNREACHABLE', confidence: 'likely', because };
}

function isDeaf({ stage, http, errorCode }: DialFacts): boolean {
  return stage === 'http' && http === undefined && errorCode === undefined;
}
