import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { CamofleetError, errorText } from '../../core/index.js';
import type { EngineDeps, Replaced, UpgradeOptions } from '../engine.js';
import { ask } from '../local/ask.js';
import { type Container, containersOf } from './containers.js';
import { type Project, prepare, requireImages } from './up.js';

/** Between two looks at containers that start. */
const LOOK_MS = 250;
/** For Docker itself, on top of what a service takes to stop or start. */
const DOCKER_MS = 60_000;
const NETWORK = 'edge';

/**
 * Gateways first: new ones start beside those that run, and then these stop, which tells their viewers to come back. Then
 * control; then runners that are empty, or all. Traefik stays: it holds the viewers' sockets.
 */
export async function composeUpgrade(
  project: Project,
  deps: EngineDeps,
  { runners, timeoutMs, onReplaced }: UpgradeOptions,
  signal: AbortSignal,
): Promise<readonly Replaced[]> {
  const running = await runningOf(project);
  if (!running.some(({ name }) => name === 'gateway'))
    throw new CamofleetError('CF_FLEET_NOT_RUNNING', 'no gateway of this fleet runs');
  await prepare(deps, project.topology);
  await requireImages(project.docker);
  const done: Replaced[] = [];
  const tell = (service: string, began: number, how: Replaced['how'], because = ''): void => {
    const one = { service, how, because, tookMs: Math.round(deps.clock.monotonic() - began) };
    done.push(one);
    onReplaced(one);
  };
  const replace = async (service: string, work: () => Promise<void>): Promise<void> => {
    const began = deps.clock.monotonic();
    try {
      await work();
    } catch (error) {
      tell(service, began, 'failed', errorText(error));
      throw error;
    }
    tell(service, began, 'replaced');
  };
  const start = { ...project, timeoutMs, signal };
  await replace('gateway', () => replaceGateways(start, ofService(running, 'gateway')));
  await replace('control', () => recreate(start, 'control', ofService(running, 'control').length));
  const busy = runners ? undefined : await occupied(project, deps);
  if (busy === undefined) await replace('runner', () => recreate(start, 'runner', ofService(running, 'runner').length));
  else tell('runner', deps.clock.monotonic(), 'kept', busy);
  return done;
}

interface Start extends Project {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

async function replaceGateways(start: Start, old: readonly Container[]): Promise<void> {
  const { docker, topology, timeoutMs, signal } = start;
  const before = new Set(old.map(({ id }) => id));
  const fresh = async (): Promise<readonly Container[]> =>
    ofService(await runningOf(start), 'gateway').filter(({ id }) => !before.has(id));
  try {
    await docker.compose(
      ['up', '--detach', '--no-deps', '--no-build', '--no-recreate', '--scale', `gateway=${2 * old.length}`, 'gateway'],
      { signal, timeoutMs: DOCKER_MS },
    );
    const ends = performance.now() + timeoutMs;
    for (
      let news = await fresh();
      news.length < old.length || news.some(({ state }) => state !== 'ready');
      news = await fresh()
    ) {
      if (performance.now() > ends) throw notReady(news, timeoutMs);
      await pause(LOOK_MS, undefined, { signal });
    }
  } catch (error) {
    for (const { id } of await fresh()) await docker.run(['rm', '--force', id]);
    throw error;
  }
  const graceMs = topology.gateway.shutdownGraceMs + DOCKER_MS;
  // All at once: a viewer of one that came back to another would be told a second time.
  await Promise.all(
    old.map(async ({ id }) => {
      await docker.run(['stop', '--time', String(Math.ceil(graceMs / 1000)), id], { timeoutMs: graceMs + DOCKER_MS });
      await docker.run(['rm', id]);
    }),
  );
}

function notReady(news: readonly Container[], timeoutMs: number): CamofleetError {
  const said = news.map(({ instance, state, lastEnd }) => `${instance} is ${state}${lastEnd ? `: ${lastEnd}` : ''}`);
  const what = said.join('; ') || 'none was started';
  return new CamofleetError('CF_UPGRADE', `the new gateways are not ready within ${timeoutMs / 1000} s: ${what}`);
}

async function recreate({ docker, timeoutMs, signal }: Start, service: string, count: number): Promise<void> {
  const wait = ['--wait', '--wait-timeout', String(Math.ceil(timeoutMs / 1000))];
  await docker.compose(
    ['up', '--detach', '--no-deps', '--no-build', ...wait, '--scale', `${service}=${count}`, service],
    { signal, timeoutMs: timeoutMs + DOCKER_MS },
  );
}

async function runningOf({ docker, name }: Project): Promise<readonly Container[]> {
  return (await containersOf(docker, name)).filter(({ pid }) => pid !== 0);
}

function ofService(containers: readonly Container[], service: string): readonly Container[] {
  return containers.filter(({ name }) => name === service);
}

const workersSchema = z.array(z.object({ name: z.string(), sessions: z.int().nullable() }));

/** Why runners are not to be replaced; undefined when none of them has a session. */
async function occupied(project: Project, { paths }: EngineDeps): Promise<string | undefined> {
  try {
    const [control] = ofService(await runningOf(project), 'control');
    const host = control?.addresses[`${project.name}_${NETWORK}`];
    if (!host) throw new Error('control has no address');
    const key = (await readFile(paths.operatorKey, 'utf8')).trim();
    const { status, body } = await ask(new URL(`http://${host}:${project.topology.control.port}/workers`), {
      headers: { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(DOCKER_MS),
    });
    if (status !== 200) throw new Error(`control answered ${status}`);
    const busy = workersSchema.parse(JSON.parse(body)).filter(({ sessions }) => sessions !== 0);
    if (busy.length === 0) return undefined;
    const said = busy.map(({ name, sessions }) => `${name}: ${sessions ?? 'unknown'}`).join(', ');
    return `sessions would end (${said}); --runners replaces them all the same`;
  } catch (error) {
    return `their sessions are unknown: ${errorText(error)}`;
  }
}
