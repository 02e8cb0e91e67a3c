import { hopOfStage } from '../blame.js';
import type { Check } from '../check.js';
import type { Vantage } from '../subjects.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';
import { ms } from './reach.js';

function vantageCheck(id: string, hop: 'gateway' | 'runner', title: string, vantage: Vantage): Check<CheckContext> {
  return {
    id,
    hop,
    title,
    needs: ['control.sessions'],
    budgetMs: DIAL_BUDGET_MS,
    run: async (context) => {
      const subject = context.subject;
      if (!subject?.targets[vantage])
        return { status: 'skip', because: `the ${vantage} vantage is not known; pass --${vantage}` };
      const { facts } = await context.dial(subject, vantage);
      if (facts.stage === 'open')
        return { status: 'pass', saw: `a frame after ${ms(facts.frame?.tookMs)}`, tookMs: facts.frame?.tookMs };
      const noPassword = facts.stage === 'security' && facts.failure?.includes('password');
      if (noPassword)
        return {
          status: 'skip',
          because: 'the RFB password is not known here: what lies behind the security types was not looked at',
        };
      const blamed = hopOfStage(facts);
      const refused = facts.stage === 'tcp';
      const code = refused ? (hop === 'gateway' ? 'CF-TRAEFIK-BACKEND' : 'CF-RUNNER-REFUSED') : blamed.code;
      return {
        status: 'fail',
        saw: facts.failure ?? 'no frame',
        want: title,
        code,
        hop: refused ? hop : blamed.hop,
        confidence: blamed.confidence,
      };
    },
  };
}

export const vantageChecks: readonly Check<CheckContext>[] = [
  vantageCheck('gateway.direct', 'gateway', 'a frame comes from the gateway itself', 'gateway'),
  vantageCheck('runner.rfb', 'runner', 'a frame comes from the runner itself', 'rfb'),
];
