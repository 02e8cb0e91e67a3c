import { platform } from 'node:os';
import { join } from 'node:path';
import { COMPOSE_STATE } from '../../topology/index.js';
import type { EngineDeps, Evidence } from '../engine.js';
import { keepLogs } from '../kept-logs.js';
import { containersOf } from './containers.js';
import { composeLogs } from './logs.js';
import type { Project } from './up.js';

const NETWORK = 'edge';
/** Digits of an id, as Docker shows it. */
const SHORT_ID = 12;

/** Follows the logs of the containers into files from now on, and tells where they are. */
export async function composeEvidence({ name, topology, docker }: Project, deps: EngineDeps): Promise<Evidence> {
  const since = new Date(deps.clock.now()).toISOString();
  const { logs, ...kept } = await keepLogs(deps.paths.run, (signal) =>
    composeLogs(docker, { sources: [], lines: 0, follow: true, since }, signal),
  );
  const containers = await containersOf(docker, name);
  const gateways = containers.filter((one) => one.name === 'gateway' && one.pid !== 0);
  const host = gateways[0]?.addresses[`${name}_${NETWORK}`];
  // Only where containers are processes of this host are their addresses ours to dial.
  const isHost = platform() === 'linux';
  return {
    ...kept,
    logs: { ...logs, traefik: join(deps.paths.root, COMPOSE_STATE.logs, 'traefik-access.log') },
    reachesRunners: isHost,
    gateway: host && isHost ? { host, port: topology.gateway.port } : undefined,
    // Root enters a namespace; everybody else, and every Docker in a machine of its own, has a container do it.
    capture:
      gateways
        .map(({ pid, id }) => (isHost && deps.self.isRoot ? `pid:${pid}` : `container:${id.slice(0, SHORT_ID)}`))
        .join(',') || 'auto',
    services: () => containersOf(docker, name),
  };
}
