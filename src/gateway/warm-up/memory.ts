import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { type: 'major'; execution: 'sync'; flavor: 'regular' | 'last-resort' }) => void;

/** V8's own full collection; `last-resort` lets go of compiled code that is not in use as well. */
export function collectGarbage(flavor: 'regular' | 'last-resort'): void {
  setFlagsFromString('--expose-gc'); // seen by contexts that are made from now on
  const collect = runInNewContext('gc') as Collect;
  collect({ type: 'major', execution: 'sync', flavor });
}
