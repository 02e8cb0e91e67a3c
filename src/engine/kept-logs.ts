import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Evidence, EvidenceLog } from './engine.js';

/** Where what a service says is kept; Traefik's own words are beside its access log, which is a file already. */
const KEPT: Readonly<Record<string, EvidenceLog>> = { gateway: 'gateway', runner: 'runner', control: 'control' };
/** A line is in the file so long after it was said. */
const QUIET_MS = 300;
const SETTLE_MS = 2_000;

type Said = AsyncGenerator<{ readonly service: string; readonly text: string }>;

export interface KeptLogs extends Pick<Evidence, 'logs' | 'settled'>, AsyncDisposable {}

/** Follows what containers say into files of their own, in a folder below `run` that goes with it. */
export async function keepLogs(run: string, follow: (signal: AbortSignal) => Said): Promise<KeptLogs> {
  await mkdir(run, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(run, 'evidence-'));
  const following = new AbortController();
  const files = Object.fromEntries(Object.values(KEPT).map((log) => [log, join(folder, `${log}.log`)]));
  const streams = new Map(
    Object.entries(files).map(([log, file]) => [log, createWriteStream(file, { mode: 0o600 })] as const),
  );
  await Promise.all([...streams.values()].map((stream) => once(stream, 'open')));
  let lastAt = performance.now();
  const done = keep(follow(following.signal), (service, text) => {
    lastAt = performance.now();
    streams.get(KEPT[service] ?? '')?.write(`${text}\n`);
  });
  return {
    logs: files,
    settled: async () => {
      const asked = performance.now();
      while (performance.now() - Math.max(asked, lastAt) < QUIET_MS && performance.now() - asked < SETTLE_MS)
        await pause(QUIET_MS / 4);
    },
    [Symbol.asyncDispose]: async () => {
      following.abort();
      await done;
      for (const stream of streams.values()) stream.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Never throws: a log that cannot be followed is one that stays empty, and its absence is said where it is read. */
async function keep(lines: Said, write: (service: string, text: string) => void): Promise<void> {
  try {
    for await (const { service, text } of lines) write(service, text);
  } catch {
    // The follower was stopped, or Docker went away.
  }
}
