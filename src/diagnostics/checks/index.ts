/** Every check, in path order. A check is a value; the engine that runs it knows none. */
import type { Check } from '../check.js';
import type { CheckContext } from './context.js';
import { controlChecks } from './control.js';
import { healthCheck } from './health.js';
import { mixedCheck, pageChecks } from './page.js';
import { pictureCheck } from './picture.js';
import { reachChecks } from './reach.js';
import { rfbChecks } from './rfb.js';
import { topologyChecks } from './topology.js';
import { habitChecks } from './habits.js';
import { upgradeChecks } from './upgrade.js';
import { vantageChecks } from './vantages.js';

export type { CheckContext } from './context.js';

/** The catalogue; an id that is there twice, and a need that does not come before, is a bug. */
export function catalogue(): readonly Check<CheckContext>[] {
  const checks = [
    ...topologyChecks,
    mixedCheck,
    ...reachChecks,
    ...controlChecks,
    ...pageChecks,
    ...upgradeChecks,
    ...rfbChecks,
    ...habitChecks,
    ...vantageChecks,
    healthCheck,
    pictureCheck,
  ];
  const twice = checks.find(({ id }, index) => checks.findIndex((other) => other.id === id) !== index);
  if (twice) throw new Error(`check ${twice.id} is there twice`);
  for (const [index, { id, needs }] of checks.entries())
    for (const need of needs)
      if (!checks.slice(0, index).some((earlier) => earlier.id === need))
        throw new Error(`check ${id} needs ${need}, which does not come before it`);
  return checks;
}
