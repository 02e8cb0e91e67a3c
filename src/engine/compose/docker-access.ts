import { stat } from 'node:fs/promises';
import { CamofleetError, errorText } from '../../core/index.js';

const USUAL = '/var/run/docker.sock';

/** How a container reaches Docker, by the names that the Compose file knows. */
export interface DockerAccess {
  readonly [name: string]: string;
  readonly CAMOFLEET_DOCKER_SOCKET: string;
  readonly CAMOFLEET_DOCKER_GROUP: string;
}

/** Looks at the socket of the Docker that is spoken to. Throws CF_FILES where it is none of this host. */
export async function dockerAccess(env: Readonly<Record<string, string | undefined>>): Promise<DockerAccess> {
  const host = env['DOCKER_HOST'] || `unix://${USUAL}`;
  const socket = /^unix:\/\/(\/.+)$/.exec(host)?.[1];
  const wanted = 'ingress.provider: docker wants the socket of a Docker on this host';
  if (socket === undefined) throw new CamofleetError('CF_FILES', `${wanted}, and DOCKER_HOST is ${host}`);
  const { gid } = await stat(socket).catch((cause: unknown) => {
    throw new CamofleetError('CF_FILES', `${wanted}: ${errorText(cause)}`, { file: socket }, { cause });
  });
  return { CAMOFLEET_DOCKER_SOCKET: socket, CAMOFLEET_DOCKER_GROUP: String(gid) };
}
