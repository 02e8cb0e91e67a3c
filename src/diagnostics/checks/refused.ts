import { hopOf } from '../blame.js';
import type { Verdict } from '../check.js';
import type { DialFacts } from '../probe/facts.js';
import type { Vantage } from '../subjects/index.js';
import type { CheckContext } from './context.js';
import { failed, insideOf, sawIn } from './dialled.js';

/** A dial of the front that was refused: whose refusal it is, by second looks where they tell, else by what is known. */
export async function refused(
  facts: DialFacts,
  want: string,
  context: CheckContext,
  vantage: Vantage,
): Promise<Verdict> {
  const refuser = await context.refuser();
  if (!refuser) return failed(facts, want, vantage, await insideOf(context, vantage));
  const { code, confidence, because, remedy } = refuser;
  return {
    status: 'fail',
    saw: `${sawIn(facts)}; ${because}`,
    want,
    code,
    hop: hopOf(code),
    confidence,
    wsKey: facts.http?.key,
    ...(remedy !== undefined && { remedy }),
  };
}
