import { errorText } from '../core/index.js';
import type { Entry } from './catalogue.js';
import { look } from './look.js';
import { type Row, judged, unjudged } from './score.js';
import type { StageDeps } from './stage.js';

/** Looks at a fault and at its twin, and judges what verify said. What cannot be started is wrong, with the reason. */
export async function scoreEntry(entry: Entry, twins: boolean, deps: StageDeps): Promise<Row> {
  const { fault, because, answer } = entry;
  if (!fault) return unjudged(entry, answer, 'notHostable', because ?? 'one machine cannot host it');
  if (because !== undefined) return unjudged(entry, answer, 'skipped', because);
  try {
    const broken = await look(fault, 'broken', deps);
    return judged(entry, answer, broken, twins ? await look(fault, 'healthy', deps) : undefined);
  } catch (error) {
    deps.signal.throwIfAborted();
    return unjudged(entry, answer, 'wrong', errorText(error));
  }
}
