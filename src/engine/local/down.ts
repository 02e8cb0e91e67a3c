import { execFile as execFileWithCallback } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { isSame, stopProcess } from '../../processes/index.js';
import type { FleetPaths } from '../../topology/index.js';
import type { DownReport } from '../engine.js';
import { type ServiceStop, readRecord } from './record.js';
import { sweep } from './sweep.js';

const POLL_MS = 100;
const execFile = promisify(execFileWithCallback);

export interface DownDeps {
  readonly onStop: (stop: ServiceStop) => void;
  /** Node and bin/run.js, to have a runner sweep behind one that was killed. */
  readonly self: { readonly execPath: string; readonly entryPoint: string };
}

/** Stops the fleet of a folder: asks its supervisor, waits, then forces; sweeps what is left. */
export async function takeDown(paths: FleetPaths, graceMs: number, { onStop, self }: DownDeps): Promise<DownReport> {
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
  const { how } = await stopping;
  await sweep(paths);
  await catchUp();
  if (was === 'killed' || how === 'forced') await sweepSessions(paths, self);
  return { was, how, stops };
}

const SWEEP_MS = 20_000;

/** Displays, X locks and browsers of a runner that was killed with its supervisor: runners know their own. */
async function sweepSessions(paths: FleetPaths, { execPath, entryPoint }: DownDeps['self']): Promise<void> {
  if (!existsSync(paths.runnerState)) return;
  await execFile(execPath, [entryPoint, 'runner', '--sweep', paths.runnerState], { env: {}, timeout: SWEEP_MS });
}

/** Whether it is settled after a moment. */
function isDone(work: Promise<unknown>): Promise<boolean> {
  const later = new Promise<boolean>((resolve) => setTimeout(resolve, POLL_MS, false));
  return Promise.race([work.then(() => true), later]);
}
