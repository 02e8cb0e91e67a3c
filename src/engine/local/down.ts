import { isSame, stopProcess } from '../../processes/index.js';
import type { FleetPaths } from '../../topology/index.js';
import { type ServiceStop, readRecord } from './record.js';
import { sweep } from './sweep.js';

export interface DownReport {
  readonly was: 'running' | 'killed' | 'not running';
  /** How the supervisor ended. */
  readonly how: 'already' | 'graceful' | 'forced' | 'survived';
  readonly stops: readonly ServiceStop[];
}

const POLL_MS = 100;

/** Stops the fleet of a folder: asks its supervisor, waits, then forces; sweeps what is left. */
export async function takeDown(
  paths: FleetPaths,
  graceMs: number,
  onStop: (stop: ServiceStop) => void,
): Promise<DownReport> {
  const record = await readRecord(paths);
  if (!record || (record.state === 'stopped' && !isSame(record.supervisor)))
    return { was: 'not running', how: 'already', stops: [] };
  const was = isSame(record.supervisor) ? 'running' : 'killed';
  const stops: ServiceStop[] = [];
  const catchUp = async (): Promise<void> => {
    const news = (await readRecord(paths))?.stops.slice(stops.length) ?? [];
    stops.push(...news);
    for (const stop of news) onStop(stop);
  };
  const stopping = stopProcess(record.supervisor, graceMs);
  while (!(await isDone(stopping))) await catchUp();
  await sweep(paths);
  await catchUp();
  return { was, how: (await stopping).how, stops };
}

/** Whether it is settled after a moment. */
function isDone(work: Promise<unknown>): Promise<boolean> {
  const later = new Promise<boolean>((resolve) => setTimeout(resolve, POLL_MS, false));
  return Promise.race([work.then(() => true), later]);
}
