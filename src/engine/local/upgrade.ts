import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { CamofleetError, errorText, randomId } from '../../core/index.js';
import { type FleetPaths, type Topology, listenerPorts } from '../../topology/index.js';
import type { Replaced, UpgradeOptions } from '../engine.js';
import { ask } from './ask.js';
import { type UpgradeRecord, runningRecord } from './record.js';
import { type Service, firstLine } from './service.js';
import type { PlanInput, ServicePlan } from './services.js';

/** The signal that asks a supervisor for an upgrade; what is wanted lies in a file, for its user alone. */
export const UPGRADE_SIGNAL = 'SIGUSR2';
/** In `accepts` of the record. */
export const UPGRADES = 'upgrade';

const POLL_MS = 100;
/** A supervisor takes a request up at once. */
const TAKEN_MS = 5_000;
/** On top of what services have: drains, and the supervisor's own work. */
const MARGIN_MS = 120_000;

const requestSchema = z.object({
  id: z.string(),
  runners: z.boolean(),
  timeoutMs: z.int().min(1),
  /** Node and bin/run.js of the camofleet that asks: what is started is its version. */
  self: z.object({ execPath: z.string(), entryPoint: z.string() }),
});
export type UpgradeRequest = z.output<typeof requestSchema>;

const requestFile = ({ run }: FleetPaths): string => join(run, 'upgrade.json');

/** Asks the supervisor of a fleet and waits for its word; throws CF_FLEET_NOT_RUNNING, or what the supervisor says. */
export async function askForUpgrade(
  paths: FleetPaths,
  { execPath, entryPoint }: UpgradeRequest['self'],
  { runners, timeoutMs, onReplaced }: UpgradeOptions,
  signal: AbortSignal,
): Promise<readonly Replaced[]> {
  const record = await runningRecord(paths);
  if (record?.state !== 'up') throw new CamofleetError('CF_FLEET_NOT_RUNNING', 'the fleet of this folder is not up');
  if (!record.accepts.includes(UPGRADES))
    throw new CamofleetError('CF_UPGRADE', 'the supervisor is of a version that cannot: camofleet down, camofleet up');
  if (record.upgrade?.state === 'running') throw new CamofleetError('CF_UPGRADE', 'an upgrade goes on already');
  const request: UpgradeRequest = { id: randomId(), runners, timeoutMs, self: { execPath, entryPoint } };
  await writeFile(`${requestFile(paths)}.new`, JSON.stringify(request), { mode: 0o600 });
  await rename(`${requestFile(paths)}.new`, requestFile(paths));
  process.kill(record.supervisor.pid, UPGRADE_SIGNAL);
  const { state, because, replaced } = await followUpgrade(paths, request, onReplaced, signal);
  if (state === 'failed') throw new CamofleetError('CF_UPGRADE', because);
  return replaced;
}

async function followUpgrade(
  paths: FleetPaths,
  { id, timeoutMs }: UpgradeRequest,
  onReplaced: (replaced: Replaced) => void,
  signal: AbortSignal,
): Promise<UpgradeRecord> {
  const began = performance.now();
  let told = 0;
  for (;;) {
    const record = await runningRecord(paths);
    if (!record) throw new CamofleetError('CF_FLEET_NOT_RUNNING', 'the supervisor ended during the upgrade');
    const upgrade = record.upgrade?.id === id ? record.upgrade : undefined;
    for (const one of upgrade?.replaced.slice(told) ?? []) onReplaced(one);
    told = upgrade?.replaced.length ?? 0;
    if (upgrade && upgrade.state !== 'running') return upgrade;
    const limitMs = upgrade ? 3 * timeoutMs + MARGIN_MS : TAKEN_MS;
    if (performance.now() - began > limitMs)
      throw new CamofleetError(
        'CF_UPGRADE',
        `the supervisor has not ${upgrade ? 'ended' : 'begun'} it within ${limitMs / 1000} s`,
      );
    await pause(POLL_MS, undefined, { signal });
  }
}

/** What is asked for. */
export async function readUpgradeRequest(paths: FleetPaths): Promise<UpgradeRequest> {
  return requestSchema.parse(JSON.parse(await readFile(requestFile(paths), 'utf8')));
}

interface UpgradeDeps {
  readonly services: readonly Service[];
  /** The topology that runs. */
  readonly running: Topology;
  /** The one that is in the file now. */
  readonly topology: Topology;
  readonly plan: (self: PlanInput['self']) => Promise<readonly ServicePlan[]>;
  /** A runner's sessions, warm ones that nobody has asked for aside. */
  readonly sessions: () => Promise<number>;
  readonly monotonic: () => number;
  /** Told of each service as it is done with. */
  readonly onReplaced: (replaced: Omit<Replaced, 'service'> & { readonly service: Service['name'] }) => void;
}

/** From the viewers inwards, so that each new version meets those behind it as they were. */
const ORDER = ['gateway', 'control', 'runner'] as const;

/** Replaces gateway, control and runners that are empty; the ingress holds the viewers' sockets and stays. */
export async function upgradeServices(request: UpgradeRequest, deps: UpgradeDeps, signal: AbortSignal): Promise<void> {
  refuseMoved(deps.running, deps.topology);
  const plans = await deps.plan(request.self);
  for (const name of ORDER) {
    const service = deps.services.find((one) => one.name === name)!;
    const began = deps.monotonic();
    const tell = (how: Replaced['how'], because: string): void =>
      deps.onReplaced({ service: name, how, because, tookMs: Math.round(deps.monotonic() - began) });
    const why = name === 'runner' && !request.runners ? await occupied(deps.sessions) : undefined;
    if (why !== undefined) {
      tell('kept', why);
      continue;
    }
    try {
      await service.replace(plans.find((plan) => plan.name === name)!, request.timeoutMs, signal);
    } catch (error) {
      tell('failed', firstLine(error));
      throw error;
    }
    tell('replaced', '');
  }
}

async function occupied(sessions: UpgradeDeps['sessions']): Promise<string | undefined> {
  try {
    const count = await sessions();
    return count === 0
      ? undefined
      : `it has ${count} ${count === 1 ? 'session' : 'sessions'}, which would end; --runners replaces it all the same`;
  } catch (error) {
    return `its sessions are unknown: ${errorText(error)}`;
  }
}

/** Listeners that move need everybody who dials them to move at once. */
function refuseMoved(running: Topology, topology: Topology): void {
  const now = new Map(listenerPorts(topology).map(({ setting, port }) => [setting, port]));
  const moved = listenerPorts(running).filter(({ setting, port }) => now.get(setting) !== port);
  if (moved.length > 0)
    throw new CamofleetError(
      'CF_UPGRADE',
      `${moved.map(({ setting }) => setting).join(', ')} changed in camofleet.yaml: that needs camofleet down and camofleet up`,
    );
}

const healthSchema = z.object({ sessions: z.int() });

/** How many sessions a runner has, as it says. */
export async function sessionsOf(url: string, key: string): Promise<number> {
  const headers = { authorization: `Bearer ${key}` };
  const { status, body } = await ask(new URL('/health', url), { headers, signal: AbortSignal.timeout(POLL_MS * 50) });
  if (status !== 200) throw new Error(`it answered ${status}`);
  return healthSchema.parse(JSON.parse(body)).sessions;
}
