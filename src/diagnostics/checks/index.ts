/** Every check, in path order. A check is a value; the engine that runs it knows none. */
import type { Check } from '../check.js';
import type { CheckContext } from './context.js';
import { controlChecks } from './control.js';
import { pageChecks } from './page.js';
import { reachChecks } from './reach.js';
import { rfbChecks } from './rfb.js';
import { topologyChecks } from './topology.js';
import { upgradeChecks } from './upgrade.js';
import { vantageChecks } from './vantages.js';

export type { CheckContext } from './context.js';

/** The catalogue; an id that is there twice is a bug. */
export function catalogue(): readonly Check<CheckContext>[] {
  const checks = [
    ...topologyChecks,
    ...controlChecks,
    ...reachChecks,
    ...pageChecks,
    ...upgradeChecks,
    ...rfbChecks,
    ...vantageChecks,
  ];
  const twice = checks.find(({ id }, index) => checks.findIndex((other) => other.id === id) !== index);
  if (twice) throw new Error(`check ${twice.id} is there twice`);
  return checks;
}
