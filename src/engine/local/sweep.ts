import { isSame, stopGroup } from '../../processes/index.js';
import type { FleetPaths } from '../../topology/index.js';
import { swept } from './events.js';
import { type ServiceStop, readRecord, writeRecord } from './record.js';

/** Services notice by themselves that their supervisor is gone; this is for what does not. */
const SWEEP_GRACE_MS = 5_000;

/** Ends what a supervisor that is gone left running, by pid and start time; says how each of them went. */
export async function sweep(paths: FleetPaths): Promise<ServiceStop[]> {
  const record = await readRecord(paths);
  if (!record || isSame(record.supervisor) || record.state === 'stopped') return [];
  const sweeping = record.services.toReversed().map(async ({ name, identity }) => {
    if (!identity || !isSame(identity)) return [];
    swept.publish({ service: name, pid: identity.pid });
    return [{ service: name, ...(await stopGroup(identity.pid, SWEEP_GRACE_MS)) }];
  });
  const stops = (await Promise.all(sweeping)).flat();
  const services = record.services.map((service) => ({
    ...service,
    state: 'stopped' as const,
    identity: null,
    nextTryAt: null,
  }));
  await writeRecord(paths, { ...record, state: 'stopped', services, stops: [...record.stops, ...stops] });
  return stops;
}
