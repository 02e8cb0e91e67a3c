import type { Check } from '../check.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';
import { lockedOut } from './dialled.js';

/** Skips do not count: without this a run that was kept from every picture, though nothing is broken, would be a pass. */
export const pictureCheck: Check<CheckContext> = {
  id: 'picture.seen',
  hop: 'runner',
  title: 'a picture was seen',
  needs: [],
  budgetMs: DIAL_BUDGET_MS,
  run: async ({ prepared, subject, front }) => {
    if (!subject)
      return prepared.problem?.kind === 'full'
        ? { status: 'unknown', because: `there is no session to look at: no free slot: ${prepared.problem.saw}` }
        : { status: 'skip', because: 'there is no session to look at' };
    if (!front) return { status: 'unknown', because: 'no way in is known' };
    const { facts } = await front.dial();
    if (facts.stage === 'open') return { status: 'pass', saw: `${facts.rfb?.width}x${facts.rfb?.height}`, tookMs: 0 };
    const because = lockedOut(facts);
    return because === undefined
      ? { status: 'skip', because: 'the dial did not get so far' }
      : { status: 'unknown', because };
  },
};
