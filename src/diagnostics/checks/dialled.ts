import type { Hop } from '../../core/index.js';
import type { Check, Verdict } from '../check.js';
import { type Dials, blameAmong } from '../inward.js';
import { type DialFacts, STAGES, type Stage } from '../probe/facts.js';
import { VANTAGES, type Vantage } from '../subjects/index.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';

interface FrontCheck {
  readonly id: string;
  readonly hop: Hop;
  readonly title: string;
  readonly needs: readonly string[];
  readonly applies?: (context: CheckContext) => boolean;
  /** Judges the dial of the front, which got at least as far as the needs say. */
  readonly judge: (facts: DialFacts, context: CheckContext, vantage: Vantage) => Verdict | Promise<Verdict>;
}

/** A check of the dial at the outermost vantage point that is known. */
export function frontCheck({ judge, ...rest }: FrontCheck): Check<CheckContext> {
  return {
    applies: ({ front }) => front !== undefined,
    ...rest,
    budgetMs: DIAL_BUDGET_MS,
    run: async (context) => {
      const { front } = context;
      if (!front) return { status: 'skip', because: 'no way in is known' };
      const { facts } = await front.dial();
      return judge(facts, context, front.vantage);
    },
  };
}

/** Whether a dial got past a stage. */
export function isPast({ stage }: DialFacts, wanted: Stage): boolean {
  return STAGES.indexOf(stage) > STAGES.indexOf(wanted);
}

/** A dial that stopped, as a failure with the hop to blame, in the light of what was seen from further inside. */
export function failed(facts: DialFacts, want: string, vantage: Vantage, inside: Dials = {}): Verdict {
  const blame = blameAmong({ ...inside, [vantage]: facts }, vantage);
  return { status: 'fail', saw: sawIn(facts), want, ...blame, wsKey: facts.http?.key };
}

/** The failure, with the words of the refusal's own problem document where it has one. */
export function sawIn({ failure = 'nothing', http, stage }: DialFacts): string {
  if (stage !== 'http' || !http) return failure;
  const [, code] = /"code":\s*"([a-z_]+)"/.exec(http.body) ?? [];
  const [, detail] = /"detail":\s*"([^"\\]+)"/.exec(http.body) ?? [];
  return [failure, code, detail].filter((part) => part !== undefined).join(': ');
}

/** Why what lies behind the security types cannot be looked at; undefined when the dial did not stop for that. */
export function lockedOut({ stage, rfb }: DialFacts): string | undefined {
  if (stage !== 'security' || rfb?.noCommonSecurity === undefined) return undefined;
  return rfb.noCommonSecurity === 'password'
    ? 'the RFB server wants a password, and none is known here; pass --password-file'
    : `verify speaks none of the security types on offer: ${rfb.types?.join(', ') ?? ''}`;
}

/** What the same session shows from further inside than a vantage point, where anybody can look there. */
export async function insideOf({ subject, dial }: CheckContext, vantage: Vantage): Promise<Dials> {
  const further = VANTAGES.slice(VANTAGES.indexOf(vantage) + 1).filter((one) => subject?.targets[one]);
  const seen = await Promise.all(further.map(async (one) => [one, (await dial(subject!, one)).facts] as const));
  return Object.fromEntries(seen);
}

export function ms(value: number | undefined): string {
  return value === undefined ? '?' : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
