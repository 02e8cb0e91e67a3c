import type { DownOptions, DownReport, ServiceStop } from '../engine.js';
import { type Container, containersOf } from './containers.js';
import type { Project } from './up.js';

/** On top of the time that services have, for Docker itself. */
const MARGIN_MS = 60_000;
const KILLED = 137;

/**
 * Stops the gateway first, so that viewers hear from it why their screen goes, then everything, and removes it. Networks go
 * as well; volumes only when asked for.
 */
export async function composeDown(
  { name, docker }: Pick<Project, 'name' | 'docker'>,
  { timeoutMs, volumes, onStop }: DownOptions,
): Promise<DownReport> {
  const before = await containersOf(docker, name);
  const running = before.filter(({ pid }) => pid !== 0);
  const grace = ['--timeout', String(Math.ceil(timeoutMs / 1000))];
  const patience = { timeoutMs: timeoutMs + MARGIN_MS };
  const stops: ServiceStop[] = [];
  const stop = async (services: readonly string[]): Promise<void> => {
    const began = performance.now();
    await docker.compose(['--project-name', name, 'stop', ...grace, ...services], patience);
    const tookMs = Math.round(performance.now() - began);
    for (const one of await containersOf(docker, name)) {
      if (!services.includes(one.name) || !running.some(({ id }) => id === one.id)) continue;
      const report = { service: one.instance ?? one.name, how: howOf(one), tookMs };
      stops.push(report);
      onStop(report);
    }
  };
  for (const service of ['gateway', 'traefik', 'control', 'runner'])
    if (running.some((one) => one.name === service)) await stop([service]);
  await docker.compose(
    ['--project-name', name, 'down', '--remove-orphans', ...(volumes ? ['--volumes'] : [])],
    patience,
  );
  if (before.length === 0) return { was: 'not running', how: 'already', stops };
  return { was: 'running', how: stops.every(({ how }) => how === 'graceful') ? 'graceful' : 'forced', stops };
}

function howOf({ lastEnd }: Container): string {
  return lastEnd?.includes(`code ${KILLED}`) ? 'forced' : 'graceful';
}
