import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { COMPOSE_STATE } from '../../topology/index.js';
import type { EngineDeps, Evidence, EvidenceLog } from '../engine.js';
import { containersOf } from './containers.js';
import { composeLogs } from './logs.js';
import type { Project } from './up.js';

/** Where what a service says is kept; Traefik's own words are beside its access log, which is a file already. */
const KEPT: Readonly<Record<string, EvidenceLog>> = { gateway: 'gateway', runner: 'runner', control: 'control' };
const NETWORK = 'edge';
/** A line is in the file so long after it was said. */
const QUIET_MS = 300;
const SETTLE_MS = 2_000;

/** Follows the logs of the containers into files from now on, and tells where they are. */
export async function composeEvidence({ name, topology, docker }: Project, deps: EngineDeps): Promise<Evidence> {
  await mkdir(deps.paths.run, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(deps.paths.run, 'evidence-'));
  const following = new AbortController();
  const files = Object.fromEntries(Object.values(KEPT).map((log) => [log, join(folder, `${log}.log`)]));
  const streams = new Map(
    Object.entries(files).map(([log, file]) => [log, createWriteStream(file, { mode: 0o600 })] as const),
  );
  await Promise.all([...streams.values()].map((stream) => once(stream, 'open')));
  const since = new Date(deps.clock.now()).toISOString();
  const lines = composeLogs(docker, { sources: [], lines: 0, follow: true, since }, following.signal);
  let lastAt = performance.now();
  const done = keep(lines, (service, text) => {
    lastAt = performance.now();
    streams.get(KEPT[service] ?? '')?.write(`${text}\n`);
  });
  const containers = await containersOf(docker, name);
  const gateways = containers.filter((one) => one.name === 'gateway' && one.pid !== 0);
  const host = gateways[0]?.addresses[`${name}_${NETWORK}`];
  return {
    logs: { ...files, traefik: join(deps.paths.root, COMPOSE_STATE.logs, 'traefik-access.log') },
    // Only where containers are processes of this host are their addresses ours to dial.
    gateway: host && platform() === 'linux' ? { host, port: topology.gateway.port } : undefined,
    capture: gateways.map(({ pid }) => `pid:${pid}`).join(',') || 'auto',
    settled: async () => {
      const asked = performance.now();
      while (performance.now() - Math.max(asked, lastAt) < QUIET_MS && performance.now() - asked < SETTLE_MS)
        await pause(QUIET_MS / 4);
    },
    services: () => containersOf(docker, name),
    [Symbol.asyncDispose]: async () => {
      following.abort();
      await done;
      for (const stream of streams.values()) stream.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Never throws: a log that cannot be followed is one that stays empty, and its absence is said where it is read. */
async function keep(
  lines: ReturnType<typeof composeLogs>,
  write: (service: string, text: string) => void,
): Promise<void> {
  try {
    for await (const { service, text } of lines) write(service, text);
  } catch {
    // The follower was stopped, or Docker went away.
  }
}
