import { join } from 'node:path';
import { z } from 'zod';
import { COMPOSE_STATE } from '../../topology/index.js';
import type { Daemon } from '../compose/docker.js';
import type { EngineDeps, Evidence } from '../engine.js';
import { keepLogs } from '../kept-logs.js';
import { swarmLogs } from './logs.js';
import type { Stack } from './stack.js';
import { servicesOf } from './tasks.js';

/** The bridge by which a node reaches the containers of its overlay networks. */
const BRIDGE = 'docker_gwbridge';
/** Digits of an id, as Docker shows it. */
const SHORT_ID = 12;
const bridgeSchema = z.array(
  z.object({ Containers: z.record(z.string(), z.object({ Name: z.string(), IPv4Address: z.string() })) }),
);

/** Follows the logs of the services into files from now on, and tells what of them this node can reach. */
export async function swarmEvidence(
  { name, topology, docker }: Stack,
  { paths, clock, self }: EngineDeps,
): Promise<Evidence> {
  const since = new Date(clock.now()).toISOString();
  const sources = ['gateway', 'runner', 'control'];
  const { logs, ...kept } = await keepLogs(paths.run, (signal) =>
    swarmLogs(docker, name, { sources, lines: 0, follow: true, since }, signal),
  );
  const gateways = (await servicesOf(docker, name)).find((service) => service.name === 'gateway')?.containers ?? [];
  const host = gateways[0] && (await addressOf(docker, gateways[0].id));
  return {
    ...kept,
    logs: { ...logs, traefik: join(paths.root, COMPOSE_STATE.logs, 'traefik-access.log') },
    gateway: host === undefined ? undefined : { host, port: topology.gateway.port },
    // An overlay network is a thing between containers.
    reachesRunners: false,
    capture:
      gateways.map(({ pid, id }) => (self.isRoot ? `pid:${pid}` : `container:${id.slice(0, SHORT_ID)}`)).join(',') ||
      'auto',
    services: async () => (await servicesOf(docker, name)).flatMap(({ replicas }) => replicas),
  };
}

/** Where this node reaches a container past every route; undefined when it runs on another one. */
async function addressOf(docker: Daemon, container: string): Promise<string | undefined> {
  const ask = (args: readonly string[]): Promise<string> => docker.run(args).catch(() => ''); // not of this node
  const sandbox = (await ask(['inspect', '--format', '{{.NetworkSettings.SandboxID}}', container])).trim();
  const bridge = await ask(['network', 'inspect', BRIDGE]);
  if (sandbox === '' || bridge === '') return undefined;
  const [found] = bridgeSchema.parse(JSON.parse(bridge));
  const end = Object.values(found?.Containers ?? {}).find(({ Name }) => Name === `gateway_${sandbox.slice(0, 12)}`);
  return end?.IPv4Address.split('/')[0];
}
