import { isSame } from '../../processes/index.js';
import type { FleetPaths } from '../../topology/index.js';
import { type FleetRecord, readRecord } from './record.js';

/** `killed`: its supervisor is gone without having stopped it. */
export type FleetStatus =
  | { readonly state: 'not running' }
  | (Omit<FleetRecord, 'state'> & { readonly state: FleetRecord['state'] | 'killed' });

/** What of a fleet runs, as its supervisor says, or said last. */
export async function fleetStatus(paths: FleetPaths): Promise<FleetStatus> {
  const record = await readRecord(paths);
  if (!record) return { state: 'not running' };
  if (record.state === 'stopped' || isSame(record.supervisor)) return record;
  const services = record.services.map((service) =>
    service.identity && isSame(service.identity) ? service : { ...service, state: 'stopped' as const, identity: null },
  );
  return { ...record, state: 'killed', services };
}
