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
    return { was: stops.length > 0 ? 'leftovers' : 'not running', how: 'already', stops };
  }
  kill(record.supervisor.pid, 'SIGTERM');
  const seen = await waitForEnd(record, paths, graceMs);
  if (!isSame(record.supervisor)) return { was: 'running', how: 'graceful', stops: [...seen, ...(await sweep(paths))] };
  await stopGroup(record.supervisor.pid, 0);
  return { was: 'running', how: 'forced', stops: [...seen, ...(await sweep(paths))] };
}

/** Waits for the supervisor, and keeps what it wrote of its stops. */
async function waitForEnd(record: FleetRecord, paths: FleetPaths, graceMs: number): Promise<FleetRecord['stops']> {
  const deadline = performance.now() + graceMs;
  let stops: FleetRecord['stops'] = [];
  while (isSame(record.supervisor) && performance.now() < deadline) {
    stops = (await readRecord(paths))?.stops ?? stops;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return stops;
}
