import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { checkPorts } from '../../src/engine/local/ports.ts';
import { type Topology, listenerPorts, parseTopology } from '../../src/topology/index.ts';

async function listen(host: string): Promise<{ port: number } & AsyncDisposable> {
  const server = createServer();
  server.listen({ host, port: 0 });
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** Ports that were free a moment ago, for every listener. */
async function freeTopology(change: (topology: Topology) => void): Promise<Topology> {
  const parsed = parseTopology('version: 1\n');
  if (!('topology' in parsed)) throw new Error('the smallest topology is not valid');
  const topology = structuredClone(parsed.topology);
  const held = await Promise.all(listenerPorts(topology).map(() => listen('127.0.0.1')));
  const [one, two, three, four, five, six, seven] = held.map(({ port }) => port);
  for (const server of held) await server[Symbol.asyncDispose]();
  topology.public = { ...topology.public, port: one! };
  topology.gateway = { ...topology.gateway, port: two!, internalPort: three! };
  topology.runner = { ...topology.runner, port: four!, internalPort: five! };
  topology.control = { ...topology.control, port: six!, internalPort: seven! };
  change(topology);
  return topology;
}

describe('the ports of a topology', () => {
  test('are all free', async () => {
    await expect(checkPorts(await freeTopology(() => {}))).resolves.toBeUndefined();
  });

  test('that are taken are named together, each with its holder and its setting', async () => {
    await using first = await listen('127.0.0.1');
    await using second = await listen('127.0.0.1');
    const topology = await freeTopology((made) => {
      made.gateway.port = first.port;
      made.control.internalPort = second.port;
    });
    const failure: Error = await checkPorts(topology).then(
      () => new Error('no failure'),
      (error: Error) => error,
    );
    expect(failure).toMatchObject({ code: 'CF_PORT_TAKEN', exit: 3 });
    const holder = new RegExp(`held by process ${process.pid} \\(.+\\)`);
    const [one, two, ...more] = failure.message.split('\n');
    expect(one).toMatch(new RegExp(`^port ${first.port} is ${holder.source}; setting: gateway\\.port in camofleet`));
    expect(two).toMatch(new RegExp(`^port ${second.port} is ${holder.source}; setting: control\\.internalPort in `));
    expect(more).toEqual([]);
  });

  test('on an address that is not ours are a matter of public.bind', async () => {
    const topology = await freeTopology((made) => {
      made.public.bind = '192.0.2.1';
    });
    await expect(checkPorts(topology)).rejects.toThrow('192.0.2.1 is no address of this host; setting: public.bind');
  });
});
