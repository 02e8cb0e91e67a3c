import type { CreateSession } from '../api/index.js';
import type { RunnerConfig } from '../settings/index.js';
import type { SessionPlan } from './plan.js';

/** The requests that bring the prewarmed sessions up to the configured numbers, as far as there is room. */
export function prewarmNeeds(
  config: Pick<RunnerConfig, 'prewarmHeadless' | 'prewarmVnc'>,
  have: readonly Pick<SessionPlan, 'headless'>[],
  room: number,
): CreateSession[] {
  const headless = have.filter((plan) => plan.headless).length;
  const wanted: CreateSession[] = [
    ...repeat(config.prewarmVnc - (have.length - headless), { headless: false }),
    ...repeat(config.prewarmHeadless - headless, { headless: true }),
  ];
  return wanted.slice(0, Math.max(0, room));
}

function repeat(times: number, request: CreateSession): CreateSession[] {
  return Array.from({ length: Math.max(0, times) }, () => request);
}
