import type { Check } from '../check.js';
import { isUnseen, opens } from '../inward.js';
import type { Vantage } from '../subjects/index.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';
import { failed, insideOf, lockedOut, ms } from './dialled.js';

function vantageCheck(id: string, hop: 'gateway' | 'runner', title: string, vantage: Vantage): Check<CheckContext> {
  return {
    id,
    hop,
    title,
    needs: ['control.sessions'],
    budgetMs: DIAL_BUDGET_MS,
    run: async (context) => {
      const { subject } = context;
      if (!subject?.targets[vantage])
        return { status: 'skip', because: `the ${vantage} vantage is not known; pass --${vantage}` };
      const { facts } = await context.dial(subject, vantage);
      if (facts.stage === 'open')
        return { status: 'pass', saw: `a frame after ${ms(facts.frame?.tookMs)}`, tookMs: facts.frame?.tookMs };
      if (isUnseen(facts) && (await opensInFront(context, vantage)))
        return {
          status: 'skip',
          because: `the picture comes in front; the ${vantage} vantage does not answer from here`,
        };
      const because = lockedOut(facts);
      if (because !== undefined) return { status: 'skip', because };
      return failed(facts, title, vantage, await insideOf(context, vantage));
    },
  };
}

export const vantageChecks: readonly Check<CheckContext>[] = [
  vantageCheck('gateway.direct', 'gateway', 'a frame comes from the gateway itself', 'gateway'),
  vantageCheck('runner.rfb', 'runner', 'a frame comes from the runner itself', 'rfb'),
];

/** A firewall may well keep strangers, and us, from what is behind it. */
async function opensInFront({ front }: CheckContext, vantage: Vantage): Promise<boolean> {
  return front !== undefined && front.vantage !== vantage && opens((await front.dial()).facts);
}
