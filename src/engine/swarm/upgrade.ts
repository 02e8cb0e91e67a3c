import { CamofleetError } from '../../core/index.js';
import type { EngineDeps, Replaced, UpgradeOptions } from '../engine.js';
import type { Stack } from './stack.js';
import { servicesOf } from './tasks.js';
import { swarmUp } from './up.js';

/**
 * A new deployment: Swarm replaces what differs, a gateway by one that is started first. It cannot keep the runners of a stack
 * whose image has changed, so that they must be asked for.
 */
export async function swarmUpgrade(
  stack: Stack & { readonly node: string },
  deps: EngineDeps,
  { runners, timeoutMs, onReplaced }: UpgradeOptions,
  signal: AbortSignal,
): Promise<readonly Replaced[]> {
  const before = await servicesOf(stack.docker, stack.name);
  if (before.length === 0) throw new CamofleetError('CF_FLEET_NOT_RUNNING', 'this stack is not deployed');
  if (!runners)
    throw new CamofleetError(
      'CF_USAGE',
      'Swarm replaces the runners of a stack with it, and sessions end: say --runners',
    );
  const began = deps.clock.monotonic();
  await swarmUp(stack, deps, { timeoutMs, scale: {}, onStep: () => {} }, signal);
  const tookMs = Math.round(deps.clock.monotonic() - began);
  const old = new Set(before.flatMap(({ tasks }) => tasks));
  const done = (await servicesOf(stack.docker, stack.name)).map(({ name, tasks }): Replaced => {
    const isNew = !tasks.some((task) => old.has(task));
    return {
      service: name,
      how: isNew ? 'replaced' : 'kept',
      because: isNew ? '' : 'nothing of it has changed',
      tookMs,
    };
  });
  for (const one of done) onReplaced(one);
  return done;
}
