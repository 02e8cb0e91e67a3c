import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { CamofleetError, errorText, urlHost } from '../core/index.js';

export interface Listening {
  readonly host: string;
  readonly port: number;
}

/**
 * Binds a server; throws CF_PORT_TAKEN with the setting's name when it cannot. With `reusePort` another process of this user
 * that asks for it too may listen there as well (SO_REUSEPORT); `exclusive`: the workers of a cluster do not share it.
 */
export async function listen(
  server: NetServer,
  host: string,
  port: number,
  setting: string,
  { reusePort = false, exclusive = false }: { readonly reusePort?: boolean; readonly exclusive?: boolean } = {},
): Promise<Listening> {
  server.listen({ host, port, reusePort, exclusive });
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new CamofleetError(
      'CF_PORT_TAKEN',
      `cannot listen on ${urlHost(host)}:${port} (${setting}): ${errorText(cause)}`,
      { host, port, setting },
      { cause },
    );
  }
  return { host, port: (server.address() as AddressInfo).port };
}

/** Stops listening and ends every connection that is left. */
export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return server.closeAllConnections(); // it has left its port before
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

/** Stops listening; connections of a plain TCP server are their owner's to end. */
export async function closeListener(server: NetServer): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await closed;
}
