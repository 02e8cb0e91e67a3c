import { setTimeout as pause } from 'node:timers/promises';
import type { Daemon } from '../compose/docker.js';
import type { DownOptions, DownReport, ServiceStop } from '../engine.js';
import type { Stack } from './stack.js';
import { servicesOf } from './tasks.js';

const LOOK_MS = 300;
/** On top of the time that services have, for networks and Swarm itself. */
const MARGIN_MS = 30_000;
const NAMESPACE = 'com.docker.stack.namespace';

/**
 * Stops the gateways first, so that viewers hear from them why their screen goes, then everything, and removes it. Swarm
 * gives each service its own grace.
 */
export async function swarmDown(
  { name, docker }: Pick<Stack, 'name' | 'docker'>,
  { timeoutMs, onStop }: DownOptions,
): Promise<DownReport> {
  const before = await servicesOf(docker, name);
  if (before.length === 0) return { was: 'not running', how: 'already', stops: [] };
  const stops: ServiceStop[] = [];
  const end = performance.now() + timeoutMs + MARGIN_MS;
  const gone = async (services: readonly string[], began: number): Promise<void> => {
    const left = new Set(services);
    while (left.size > 0 && performance.now() < end) {
      const containers = await containersLeft(docker, name);
      for (const service of left) {
        if (containers.includes(`${name}_${service}`)) continue;
        left.delete(service);
        const stop = { service, how: 'graceful', tookMs: Math.round(performance.now() - began) };
        stops.push(stop);
        onStop(stop);
      }
      if (left.size > 0) await pause(LOOK_MS);
    }
    for (const service of left) stops.push({ service, how: 'survived', tookMs: Math.round(performance.now() - began) });
  };
  const names = before.map((service) => service.name);
  if (names.includes('gateway')) {
    const began = performance.now();
    await docker.run(['service', 'rm', `${name}_gateway`]);
    await gone(['gateway'], began);
  }
  const began = performance.now();
  await docker.run(['stack', 'rm', name], { timeoutMs: timeoutMs + MARGIN_MS });
  await gone(
    names.filter((service) => service !== 'gateway'),
    began,
  );
  while ((await networksLeft(docker, name)) && performance.now() < end) await pause(LOOK_MS);
  return { was: 'running', how: stops.every(({ how }) => how === 'graceful') ? 'graceful' : 'survived', stops };
}

/** The services whose containers are still on this node, by their full names. */
async function containersLeft(docker: Daemon, stack: string): Promise<readonly string[]> {
  const format = '{{.Label "com.docker.swarm.service.name"}}';
  return (await docker.run(['ps', '--all', '--filter', `label=${NAMESPACE}=${stack}`, '--format', format])).split('\n');
}

async function networksLeft(docker: Daemon, stack: string): Promise<boolean> {
  return (await docker.run(['network', 'ls', '--quiet', '--filter', `label=${NAMESPACE}=${stack}`])).trim() !== '';
}
