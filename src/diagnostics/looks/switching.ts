import { type Refusal, type Refuser, isTaken, lookOf } from './judge.js';
import { isOfTraefik } from './redirect.js';

/** Plain requests come through to the gateway, the switch of protocols does not: something wraps the answer on the way. */
export function judgeSwitch(refusal: Refusal): Refuser | undefined {
  const { http } = refusal.facts;
  const plain = lookOf(refusal, 'plain')?.facts.http;
  const inner = lookOf(refusal, 'inner');
  if (!lookOf(refusal, 'made-up') || !http || !plain) return undefined; // not in front of an ingress
  if ((http.status !== 500 && http.status !== 501) || plain.status >= 500) return undefined;
  if (inner ? !isTaken(inner) : !isOfTraefik(http)) return undefined;
  const beside = inner ? ', and past the ingress the gateway answers it 101' : '';
  return {
    code: 'CF-TRAEFIK-SWITCH',
    confidence: inner ? 'proven' : 'likely',
    because: `a plain request to the same path is answered ${plain.status}, only the upgrade fails${beside}`,
  };
}
