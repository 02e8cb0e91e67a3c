import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { promisify } from 'node:util';
import type { Stage } from '../stage.js';

const run = promisify(execFile);
/** `ip`, `nft` and `sysctl` answer at once, or something is wrong with them. */
const TIMEOUT_MS = 10_000;

/** A network namespace with an address. */
export interface Host {
  /** The namespace. */
  readonly name: string;
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
  /** Runs a program in one of the namespaces. */
  run(host: Host, program: string, ...args: readonly string[]): Promise<void>;
  /** Loads rules of nftables into one of them. */
  filter(host: Host, rules: string): Promise<void>;
}

/** Two pairs of virtual cables, client to router and router to server. It needs root. */
export async function startNetwork(stage: Stage): Promise<Network> {
  const number = await stage.port();
  const [one, other] = [randomInt(1, 255), randomInt(1, 255)];
  const host = (role: string, address: string): Host => ({ name: `vnc-${number}${role}`, address });
  const client = host('c', `10.${one}.${other}.2`);
  const router = host('r', `10.${one}.${other}.129`);
  const server = host('s', `10.${one}.${other}.130`);
  const [toClient, toServer] = ['toclient', 'toserver'];
  const ip = async (...args: readonly string[]): Promise<void> =>
    void (await run(stage.program('ip'), args, { timeout: TIMEOUT_MS }));
  const inside: Network['run'] = (at, program, ...args) =>
    ip('netns', 'exec', at.name, stage.program(program), ...args);

  for (const { name } of [client, router, server]) {
    await ip('netns', 'add', name);
    stage.defer(() => ip('netns', 'del', name));
    await ip('-n', name, 'link', 'set', 'lo', 'up');
  }
  await ip('-n', client.name, 'link', 'add', 'wire', 'type', 'veth', 'peer', 'name', toClient, 'netns', router.name);
  await ip('-n', server.name, 'link', 'add', 'wire', 'type', 'veth', 'peer', 'name', toServer, 'netns', router.name);
  for (const [name, device, address] of [
    [client.name, 'wire', client.address],
    [router.name, toClient, `10.${one}.${other}.1`],
    [router.name, toServer, router.address],
    [server.name, 'wire', server.address],
  ] as const) {
    await ip('-n', name, 'addr', 'add', `${address}/25`, 'dev', device);
    await ip('-n', name, 'link', 'set', device, 'up');
  }
  await ip('-n', client.name, 'route', 'add', 'default', 'via', `10.${one}.${other}.1`);
  await ip('-n', server.name, 'route', 'add', 'default', 'via', router.address);
  await inside(router, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=1');
  return {
    client,
    router,
    server,
    toClient,
    toServer,
    run: inside,
    filter: async (at, rules) =>
      inside(at, 'nft', '-f', await stage.file(`rules-${at.name}.nft`, `${rules.replaceAll(/[;{}]/g, '$&\n')}\n`)),
  };
}
