import type { Check } from '../check.js';
import { LATE_MS, isLate } from '../host/index.js';
import type { DialFacts } from '../probe/facts.js';
import { type CheckContext, DIAL_BUDGET_MS } from './context.js';
import { ms } from './dialled.js';

/** Two dials that are late for one reason wait as long, or longer where one has to wait for the other. */
const ALIKE = 0.75;

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
    const waitedMs = waitedIn(isRaw ? (await front.dial()).facts : await silent());
    const seen = `${saw}; another dial waited ${ms(waitedMs)}`;
    // Once may be a moment of a busy host.
    if (waitedMs < LATE_MS || waitedMs < greetingMs * ALIKE) return { status: 'unknown', because: seen };
    const want = `less than ${ms(LATE_MS)}`;
    return { status: 'fail', saw: seen, want, code: 'CF-RUNNER-LATE', confidence: 'likely' };
  },
};

/** Until the greeting, from the upgrade on: a gateway may hear the greeting before it answers 101. */
function waitedIn(facts: DialFacts | undefined): number {
  return (facts?.http?.tookMs ?? 0) + (facts?.rfb?.greetingMs ?? 0);
}

function answeredMs({ http, tcp }: DialFacts): number | undefined {
  return http?.tookMs ?? tcp?.tookMs;
}
