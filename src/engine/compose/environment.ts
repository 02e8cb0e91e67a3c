import { stat } from 'node:fs/promises';
import { CamofleetError, errorText } from '../../core/index.js';
import { PROFILES, type Topology } from '../../topology/index.js';

const USUAL = '/var/run/docker.sock';

type Env = Readonly<Record<string, string | undefined>>;

/** What the Compose file of a topology asks of its host, by name. Throws CF_FILES where Docker has no socket here. */
export async function composeEnvironment(topology: Topology, env: Env): Promise<Record<string, string>> {
  return {
    ...(topology.runner.hosts.length > 0 && { COMPOSE_PROFILES: PROFILES.main }),
    ...(topology.ingress.provider === 'docker' && (await dockerAccess(env))),
  };
}

/** How a container reaches the Docker that is spoken to. */
async function dockerAccess(env: Env): Promise<Record<string, string>> {
  const host = env['DOCKER_HOST'] || `unix://${USUAL}`;
  const socket = /^unix:\/\/(\/.+)$/.exec(host)?.[1];
  const wanted = 'ingress.provider: docker wants the socket of a Docker on this host';
  if (socket === undefined) throw new CamofleetError('CF_FILES', `${wanted}, and DOCKER_HOST is ${host}`);
  const { gid } = await stat(socket).catch((cause: unknown) => {
    throw new CamofleetError('CF_FILES', `${wanted}: ${errorText(cause)}`, { file: socket }, { cause });
  });
  return { CAMOFLEET_DOCKER_SOCKET: socket, CAMOFLEET_DOCKER_GROUP: String(gid) };
}
