import type { Check, Verdict } from '../check.js';
import type { DialFacts } from '../probe/facts.js';
import type { CheckContext } from './context.js';
import { frontCheck, isPast } from './dialled.js';
import { unanswered } from './handed-out.js';
import { refused } from './refused.js';

/** A certificate with less left than this is a warning. */
const SOON_DAYS = 7;
const DAY_MS = 86_400_000;

export const reachChecks: readonly Check<CheckContext>[] = [
  frontCheck({
    id: 'dns.resolves',
    hop: 'dns',
    title: 'the name resolves',
    needs: [],
    judge: (facts, context, vantage) =>
      isPast(facts, 'dns')
        ? { status: 'pass', saw: facts.dns?.addresses.join(', ') ?? '', tookMs: facts.dns?.tookMs }
        : unanswered(facts, 'an address', vantage, context),
  }),
  frontCheck({
    id: 'network.connects',
    hop: 'network',
    title: 'the port accepts TCP',
    needs: ['dns.resolves'],
    judge: (facts, context, vantage) =>
      isPast(facts, 'tcp')
        ? { status: 'pass', saw: facts.tcp?.address ?? '', tookMs: facts.tcp?.tookMs }
        : unanswered(facts, 'a TCP connection', vantage, context),
  }),
  frontCheck({
    id: 'tls.trusted',
    hop: 'tls',
    title: 'the certificate is trusted and covers the name',
    needs: ['network.connects'],
    applies: ({ front }) => front?.target.kind === 'socket' && front.target.url.protocol === 'wss:',
    judge: (facts, context, vantage) =>
      isPast(facts, 'tls')
        ? certificate(facts, context.now())
        : refused(facts, 'a trusted certificate that covers the name', context, vantage),
  }),
];

/** With --insecure a certificate that is not trusted is dialled all the same, and still reported. */
function certificate({ tls }: DialFacts, nowMs: number): Verdict {
  if (!tls) return { status: 'unknown', because: 'TLS was not reached' };
  const days = Math.floor((Date.parse(tls.validTo) - nowMs) / DAY_MS);
  const left = Number.isNaN(days) ? 'no end is known' : `${days} ${days === 1 ? 'day' : 'days'} left`;
  const saw = `${tls.protocol}, ${left}`;
  if (!tls.authorized) {
    const seen = { status: 'warn', saw: `${saw}, not trusted: ${tls.problem}`, confidence: 'proven' } as const;
    if (tls.problem?.includes('EXPIRED'))
      return { ...seen, want: 'a certificate that is valid', code: 'CF-TLS-EXPIRED' };
    if (tls.problem?.includes('ALTNAME')) return { ...seen, want: 'one for this name', code: 'CF-TLS-NAME' };
    return { ...seen, want: 'a trusted certificate', code: 'CF-TLS-TRUST' };
  }
  if (!(days < SOON_DAYS)) return { status: 'pass', saw, tookMs: tls.tookMs };
  return { status: 'warn', saw, want: `more than ${SOON_DAYS} days`, code: 'CF-TLS-EXPIRED', confidence: 'proven' };
}
