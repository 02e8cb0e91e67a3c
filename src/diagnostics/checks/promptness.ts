import type { Check } from '../check.js';
import { LATE_MS, isLate } from '../host/index.js';
import type { DialFacts } from '../probe/facts.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';
import { ms } from './dialled.js';

/** Two greetings that are late for one reason are late by the same time, give or take this share of it. */
const ALIKE = 0.25;

/** A greeting that comes late, each time by as much: of the runner where it is asked itself, else behind a 101 that came at once. */
export const promptnessCheck: Check<CheckContext> = {
  id: 'rfb.promptness',
  hop: 'runner',
  title: 'the RFB greeting comes promptly',
  needs: ['rfb.greeting'],
  applies: ({ front }) => front !== undefined,
  budgetMs: DIAL_BUDGET_MS,
  run: async ({ subject, front, dial, silent }) => {
    if (!front) return { status: 'skip', because: 'no way in is known' };
    const isRaw = subject?.targets.rfb !== undefined;
    const { facts } = isRaw ? await dial(subject, 'rfb') : await front.dial();
    const greetingMs = facts.rfb?.greetingMs;
    if (greetingMs === undefined) return { status: 'skip', because: 'no greeting came from the runner itself' };
    const saw = `${ms(greetingMs)} after ${isRaw ? 'TCP' : 'the 101'}, which took ${ms(answeredMs(facts))}`;
    if (!isLate(facts)) return { status: 'pass', saw };
    const again = isRaw ? (await front.dial()).facts : await silent();
    const isSteady = again !== undefined && isLate(again) && isAlike(greetingMs, again.rfb?.greetingMs ?? 0);
    const confidence = isRaw || isSteady ? 'likely' : 'possible';
    const seen = isSteady ? `${saw}; the next time ${ms(again.rfb?.greetingMs)}` : saw;
    return { status: 'fail', saw: seen, want: `less than ${ms(LATE_MS)}`, code: 'CF-RUNNER-LATE', confidence };
  },
};

function answeredMs({ http, tcp }: DialFacts): number | undefined {
  return http?.tookMs ?? tcp?.tookMs;
}

function isAlike(one: number, other: number): boolean {
  return Math.abs(one - other) <= ALIKE * Math.max(one, other);
}
