import type { SessionPlan } from './plan.js';

/** The prewarmed sessions that are missing, as far as there is room. */
export function missingPlans(
  wanted: readonly SessionPlan[],
  have: readonly SessionPlan[],
  room: number,
): readonly SessionPlan[] {
  const left = [...have];
  const missing = wanted.filter((plan) => {
    const at = left.findIndex((candidate) => fits(candidate, plan));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  return missing.slice(0, Math.max(0, room));
}

const SAME = ['kind', 'browser', 'picture', 'headless', 'resolution', 'startUrl'] as const;

/** Whether a session that is ready is what a request asks for. */
export function fits(have: SessionPlan, want: SessionPlan): boolean {
  return SAME.every((key) => have[key] === want[key]);
}
