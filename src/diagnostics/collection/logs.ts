import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type FleetPaths, serviceLog } from '../../topology/index.js';
import type { Run } from '../evidence/index.js';
import { type AccessLine, type ServiceLine, parseAccessLog, parseServiceLog, readLogSince } from '../logs/index.js';

type Name = 'traefik-access.log' | 'websockify.log' | 'runner.log' | 'supervisor.log';

interface LogSource {
  readonly file: string;
  /** Its name in the folder of the run. */
  readonly as: Name;
  /** Bytes that it had when the run began. */
  readonly from: number;
}

/** What the logs of a run say; empty where a log could not be had. */
export interface CollectedLogs {
  readonly access: readonly AccessLine[];
  readonly gateway: readonly ServiceLine[];
  readonly runner: readonly ServiceLine[];
  /** The log of a runner that is none of ours, as it stands. */
  readonly runnerText?: readonly string[];
  readonly supervisor: readonly ServiceLine[];
}

/** Traefik writes a socket's line about 10 ms after its end; a busy host needs more. */
const ACCESS_LINE_MS = 2_000;
const ACCESS_LOOK_MS = 50;
/** What is read of a log while its last lines are waited for: more than a run of many sockets writes. */
const MAX_LOOK_BYTES = 4_194_304;

const FLAGS: Readonly<Partial<Record<Name, string>>> = {
  'traefik-access.log': '--traefik-log',
  'websockify.log': '--gateway-log',
};

/** The logs that are known, those of the fleet from where they end now; a file that a flag names is read whole. */
export async function logSources(
  given: Readonly<Record<'traefik' | 'gateway' | 'runner', string | undefined>>,
  paths: FleetPaths | undefined,
): Promise<readonly LogSource[]> {
  const candidates: readonly (readonly [Name, string | undefined, string | undefined])[] = [
    ['traefik-access.log', given.traefik, paths?.accessLog],
    ['websockify.log', given.gateway, paths && serviceLog(paths, 'gateway')],
    ['runner.log', given.runner, paths && serviceLog(paths, 'runner')],
    ['supervisor.log', undefined, paths && serviceLog(paths, 'supervisor')],
  ];
  const sources = await Promise.all(
    candidates.map(async ([as, named, own]): Promise<LogSource | undefined> => {
      if (named !== undefined) return { file: named, as, from: 0 };
      return own === undefined ? undefined : { file: own, as, from: await sizeOf(own) };
    }),
  );
  return sources.filter((source) => source !== undefined);
}

/** Copies the logs into the run, once the lines of our own sockets are there or have been waited for. */
export async function collectLogs(
  run: Run,
  sources: readonly LogSource[],
  { publicKeys, sinceMs }: { readonly publicKeys: readonly string[]; readonly sinceMs: number },
): Promise<CollectedLogs> {
  const access = sources.find(({ as }) => as === 'traefik-access.log');
  if (access) await socketsLogged(access, publicKeys);
  const lines = new Map<Name, readonly string[]>();
  for (const { file, as, from } of sources) lines.set(as, await run.collectLog(file, as, from));
  for (const [what, flag] of Object.entries(FLAGS))
    if (!sources.some(({ as }) => as === what)) run.note({ what, status: 'skip', because: `not given; pass ${flag}` });
  const service = (as: Name): readonly ServiceLine[] => since(sinceMs, parseServiceLog(lines.get(as) ?? []));
  return {
    access: parseAccessLog(lines.get('traefik-access.log') ?? []),
    gateway: service('websockify.log'),
    runner: service('runner.log'),
    runnerText: lines.get('runner.log') ?? [],
    supervisor: service('supervisor.log'),
  };
}

/** Our sockets have ended; their lines come a moment later. */
async function socketsLogged({ file, from }: LogSource, keys: readonly string[]): Promise<void> {
  const deadline = performance.now() + ACCESS_LINE_MS;
  const missing = new Set(keys);
  const start = from > 0 ? from : Math.max(0, (await sizeOf(file)) - MAX_LOOK_BYTES);
  for (let seen = -1; missing.size > 0 && performance.now() < deadline; await sleep(ACCESS_LOOK_MS)) {
    const size = await sizeOf(file);
    if (size === seen) continue;
    seen = size;
    for await (const { text } of readLogSince(file, start, MAX_LOOK_BYTES))
      for (const key of missing) if (text.includes(key)) missing.delete(key);
  }
}

/** A file that was given may hold older runs: what they say is no evidence of this one. */
function since(sinceMs: number, lines: readonly ServiceLine[]): readonly ServiceLine[] {
  return lines.filter(({ time }) => !(Date.parse(time) < sinceMs));
}

function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0, // not written yet
  );
}
