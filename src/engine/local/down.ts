import { isSame, stopGroup } from '../../processes/index.js';
import type { FleetPaths } from '../../topology/index.js';
import { type FleetRecord, readRecord } from './record.js';
import { sweep } from './supervisor.js';

export interface DownReport {
  readonly was: 'running' | 'leftovers' | 'not running';
  /** How the supervisor ended. */
  readonly how: 'graceful' | 'forced' | 'already';
  readonly stops: FleetRecord['stops'];
}

const POLL_MS = 100;

/** Stops the fleet of a folder: asks its supervisor, waits, then forces; sweeps what is left. */
export async function takeDown(
  paths: FleetPaths,
  graceMs: number,
  kill: (pid: number, signal: NodeJS.Signals) => void,
): Promise<DownReport> {
  const record = await readRecord(paths);
  if (!record) return { was: 'not running', how: 'already', stops: [] };
  if (!isSame(record.supervisor)) {
    const stops = await sweep(paths);
    return {
      was: record.state === 'stopped' || stops.length === 0 ? 'not running' : 'leftovers',
      how: 'already',
      stops: record.state === 'stopped' ? [] : stops,
    };
  }
  kill(record.supervisor.pid, 'SIGTERM');
  const ended = await hasEnded(record, graceMs);
  if (!ended) await stopGroup(record.supervisor.pid, 0);
  return { was: 'running', how: ended ? 'graceful' : 'forced', stops: await sweep(paths) };
}

async function hasEnded(record: FleetRecord, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (isSame(record.supervisor)) {
    if (performance.now() >= deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}
