import { hopOf } from '../blame.js';
import type { Check } from '../check.js';
import { judgeAttempts } from '../looks/index.js';
import type { CheckContext } from './context.js';
import { frontCheck } from './dialled.js';

/** Servers that are dealt in turn and do not know the same sessions show in equal attempts alone. */
export const againCheck: Check<CheckContext> = frontCheck({
  id: 'upgrade.again',
  hop: 'traefik',
  title: 'the same URL opens every time',
  needs: ['upgrade.status'],
  applies: ({ front }) => front?.vantage === 'public',
  judge: async (_facts, context) => {
    const attempts = await context.again();
    const mixed = judgeAttempts(attempts);
    if (!mixed) return { status: 'pass', saw: `${attempts.length} attempts` };
    const { code, confidence, because } = mixed;
    const refused = attempts.find(({ facts }) => facts.stage !== 'open')?.facts.http?.key;
    return { status: 'fail', saw: because, want: 'equal answers', code, hop: hopOf(code), confidence, wsKey: refused };
  },
});
