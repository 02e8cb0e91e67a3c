import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'regular' | 'last-resort' }) => void;

/** V8's own full collection; `last-resort` lets go of compiled code that is not in use as well. */
export function collectGarbage(flavor: 'regular' | 'last-resort'): void {
  setFlagsFromString('--expose-gc'); // seen by contexts that are made from now on
  const collect = runInNewContext('gc') as Collect;
  collect({ type: 'major', execution: 'sync', flavor });
}

/**
 * From the next full collection on the heap may double until the one behind it. By itself V8 would collect everything again
 * when the first viewers have come: 40 ms, in which their pictures wait. Not earlier than needed: what a start leaves is
 * given back less well.
 */
export function leaveRoom(): void {
  setFlagsFromString('--heap-growing-percent=100');
}
