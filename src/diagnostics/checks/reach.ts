import type { Hop } from '../../core/index.js';
import { hopOfStage } from '../blame.js';
import type { Check, Verdict } from '../check.js';
import type { DialFacts, Stage } from '../probe/facts.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';

/** A certificate with less left than this is a warning. */
const SOON_DAYS = 7;
const DAY_MS = 86_400_000;

export const reachChecks: readonly Check<CheckContext>[] = [
  publicCheck(
    'dns.resolves',
    'dns',
    'the public name resolves',
    [],
    'dns',
    ({ dns }) => dns?.addresses.join(', ') ?? '',
    ({ dns }) => dns?.tookMs,
  ),
  publicCheck(
    'network.connects',
    'network',
    'the public port accepts TCP',
    ['dns.resolves'],
    'tcp',
    ({ tcp }) => tcp?.address ?? '',
    ({ tcp }) => tcp?.tookMs,
  ),
  {
    ...publicCheck(
      'tls.trusted',
      'tls',
      'the certificate is trusted and covers the name',
      ['network.connects'],
      'tls',
      ({ tls }) => `${tls?.protocol}, ${tls?.subject}`,
      ({ tls }) => tls?.tookMs,
    ),
    run: async (context) => {
      const target = context.subject?.targets.public;
      if (target?.kind !== 'socket') return { status: 'skip', because: 'no public URL is known' };
      if (target.url.protocol === 'ws:') return { status: 'skip', because: 'the public URL is ws://, without TLS' };
      const { facts } = await context.dial(context.subject!, 'public');
      if (facts.stage === 'tls') return failed(facts, 'a trusted certificate that covers the name');
      const { tls } = facts;
      if (!tls) return { status: 'unknown', because: 'TLS was not reached' };
      const days = Math.floor((Date.parse(tls.validTo) - context.now()) / DAY_MS);
      const saw = `${tls.protocol}, ${days} days left${tls.authorized ? '' : `, not trusted: ${tls.problem}`}`;
      if (!tls.authorized)
        return { status: 'warn', saw, want: 'a trusted certificate', code: 'CF-TLS-TRUST', confidence: 'proven' };
      return days < SOON_DAYS
        ? { status: 'warn', saw, want: `more than ${SOON_DAYS} days`, code: 'CF-TLS-EXPIRED', confidence: 'proven' }
        : { status: 'pass', saw, tookMs: tls.tookMs };
    },
  },
];

/** A check that passes when the public dial got past a stage. */
export function publicCheck(
  id: string,
  hop: Hop,
  title: string,
  needs: readonly string[],
  stage: Stage,
  saw: (facts: DialFacts) => string,
  tookMs: (facts: DialFacts) => number | undefined,
): Check<CheckContext> {
  return {
    id,
    hop,
    title,
    needs: ['control.sessions', ...needs],
    budgetMs: DIAL_BUDGET_MS,
    run: async (context) => {
      if (!context.subject?.targets.public) return { status: 'skip', because: 'no public URL is known' };
      const { facts } = await context.dial(context.subject, 'public');
      return facts.stage === stage
        ? failed(facts, 'an answer')
        : { status: 'pass', saw: saw(facts), tookMs: tookMs(facts) };
    },
  };
}

/** A dial that stopped, as a failure with the hop to blame. */
export function failed(facts: DialFacts, want: string): Verdict {
  const { code, hop, confidence } = hopOfStage(facts);
  return { status: 'fail', saw: facts.failure ?? 'nothing', want, code, hop, confidence };
}

export function ms(value: number | undefined): string {
  return value === undefined ? '?' : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
