import { randomInt } from 'node:crypto';
import type { Stage } from '../stage.js';
import { type Namespace, openNamespace } from './namespace.js';

/** A network namespace with an address. */
export interface Host extends Namespace {
  readonly address: string;
}

/** Client, router and server, each with a network of its own; the router forwards. */
export interface Network {
  readonly client: Host;
  readonly server: Host;
  /** Its address is that towards the server. */
  readonly router: Host;
  /** The router's interfaces. */
  readonly toClient: string;
  readonly toServer: string;
  /** Loads rules of nftables into one of them. */
  filter(host: Host, rules: string): Promise<void>;
}

/** Two pairs of virtual cables, client to router and router to server. It needs root. */
export async function startNetwork(stage: Stage): Promise<Network> {
  const number = await stage.port();
  const [one, other] = [randomInt(1, 255), randomInt(1, 255)];
  const host = async (role: string, address: string): Promise<Host> => ({
    ...(await openNamespace(stage, `vnc-${number}${role}`)),
    address,
  });
  const client = await host('c', `10.${one}.${other}.2`);
  const router = await host('r', `10.${one}.${other}.129`);
  const server = await host('s', `10.${one}.${other}.130`);
  const [toClient, toServer] = ['toclient', 'toserver'];
  await client.ip('link', 'add', 'wire', 'type', 'veth', 'peer', 'name', toClient, 'netns', router.name);
  await server.ip('link', 'add', 'wire', 'type', 'veth', 'peer', 'name', toServer, 'netns', router.name);
  for (const [at, device, address] of [
    [client, 'wire', client.address],
    [router, toClient, `10.${one}.${other}.1`],
    [router, toServer, router.address],
    [server, 'wire', server.address],
  ] as const) {
    await at.ip('addr', 'add', `${address}/25`, 'dev', device);
    await at.ip('link', 'set', device, 'up');
  }
  await client.ip('route', 'add', 'default', 'via', `10.${one}.${other}.1`);
  await server.ip('route', 'add', 'default', 'via', router.address);
  await router.run('sysctl', '-q', '-w', 'net.ipv4.ip_forward=1');
  return {
    client,
    router,
    server,
    toClient,
    toServer,
    filter: async (at, rules) =>
      at.run('nft', '-f', await stage.file(`rules-${at.name}.nft`, `${rules.replaceAll(/[;{}]/g, '$&\n')}\n`)),
  };
}
