import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClockReport } from '../../report/index.js';
import { type FleetPaths, serviceLog } from '../../topology/index.js';
import type { Run } from '../evidence/index.js';
import {
  type AccessLine,
  type EdgeLine,
  type IngressError,
  type LogMark,
  type ServiceLine,
  linesWith,
  markLog,
  parseAccessLog,
  parseEdgeLog,
  parseIngressErrors,
  parseServiceLog,
  partsSince,
  sizeOf,
} from '../logs/index.js';
import type { FleetEvidence } from '../options.js';
import type { OwnSocket } from './own-sockets.js';
import { timedAccess, timedEdge, timedService } from './timed.js';

type Name =
  | 'traefik-access.log'
  | 'websockify.log'
  | 'runner.log'
  | 'supervisor.log'
  | 'control.log'
  | `proxy-${string}`;

interface LogSource {
  readonly file: string;
  /** Its name in the folder of the run. */
  readonly as: Name;
  /** Where reading begins: where the run began, or 0. */
  readonly from: LogMark | 0;
  /** Where it ended when the run began. */
  readonly began: LogMark;
}

/** Logs that flags name: those of known services, and those of any proxy. */
export interface GivenLogs extends Readonly<Record<'traefik' | 'gateway' | 'runner', string | undefined>> {
  readonly proxies?: readonly string[];
  readonly control?: string | undefined;
}

/** What our own sockets were, and when the run began. */
interface OwnEvents {
  readonly publicKeys: readonly string[];
  readonly sinceMs: number;
  readonly sockets?: readonly OwnSocket[];
}

/** What the logs of a run say; empty where a log could not be had. */
export interface CollectedLogs {
  readonly access: readonly AccessLine[];
  /** What Traefik could not do, where its own log is in the same file as its access log, or in that of a proxy. */
  readonly ingressErrors?: readonly (IngressError & { readonly file: string })[];
  readonly gateway: readonly ServiceLine[];
  readonly runner: readonly ServiceLine[];
  /** The log of a runner that is none of ours, as it stands. */
  readonly runnerText?: readonly string[];
  /** The log of a gateway, ours or not, as it stands. */
  readonly gatewayText?: readonly string[];
  readonly supervisor: readonly ServiceLine[];
  /** The log of a control plane, as it stands. */
  readonly controlText?: readonly string[];
  /** Of other proxies of the path, each in its file. */
  readonly proxies?: readonly (EdgeLine & { readonly file: string })[];
  /** Clocks that could be compared with ours; the times of all lines are on ours. */
  readonly clocks?: readonly ClockReport[];
}

/** Traefik writes a socket's line about 10 ms after its end; a busy host needs more. */
const ACCESS_LINE_MS = 2_000;
const ACCESS_LOOK_MS = 50;
/** A line that was half written at the last look lies within so many bytes. */
const HALF_LINE_BYTES = 65_536;

/** The log of a proxy may have whole seconds. */
const PROXY_SLACK_MS = 2_000;

const FLAGS: Readonly<Partial<Record<Name, string>>> = {
  'traefik-access.log': '--traefik-log',
  'websockify.log': '--gateway-log',
};

/** The logs that are known, those of the fleet from where they end now; a file that a flag names is read whole. */
export async function logSources(
  given: GivenLogs,
  paths: FleetPaths | undefined,
  own: FleetEvidence['logs'] | undefined = paths && logsBelow(paths),
): Promise<readonly LogSource[]> {
  const candidates: readonly (readonly [Name, string | undefined, string | undefined])[] = [
    ['traefik-access.log', given.traefik, own?.traefik],
    ['websockify.log', given.gateway, own?.gateway],
    ['runner.log', given.runner, own?.runner],
    ['control.log', given.control, own?.control],
    ['supervisor.log', undefined, own?.supervisor],
  ];
  const sources = await Promise.all(
    candidates.map(async ([as, named, own]): Promise<LogSource | undefined> => {
      const file = named ?? own;
      if (file === undefined) return undefined;
      const began = await markLog(file);
      return { file, as, from: named === undefined ? began : 0, began };
    }),
  );
  return [...sources.filter((source) => source !== undefined), ...(await proxySources(given.proxies ?? []))];
}

function logsBelow(paths: FleetPaths): FleetEvidence['logs'] {
  return {
    traefik: paths.accessLog,
    gateway: serviceLog(paths, 'gateway'),
    runner: serviceLog(paths, 'runner'),
    control: serviceLog(paths, 'control'),
    supervisor: serviceLog(paths, 'supervisor'),
  };
}

function proxySources(files: readonly string[]): Promise<LogSource[]> {
  const names = files.map((file) => basename(file).replaceAll(/[^A-Za-z0-9_.-]/g, '_'));
  return Promise.all(
    files.map(async (file, index): Promise<LogSource> => {
      const isTaken = names.indexOf(names[index]!) < index;
      const as = `proxy-${isTaken ? `${index + 1}-` : ''}${names[index]!}` as const;
      return { file, as, from: 0, began: await markLog(file) };
    }),
  );
}

/** Copies the logs into the run, once the lines of our own sockets are there or have been waited for. */
export async function collectLogs(
  run: Run,
  sources: readonly LogSource[],
  { publicKeys, sinceMs, sockets = [] }: OwnEvents,
): Promise<CollectedLogs> {
  const access = sources.find(({ as }) => as === 'traefik-access.log');
  if (access) noteMissing(run, await socketsLogged(access, publicKeys), publicKeys.length);
  const needles = [...new Set([...publicKeys, ...sockets.map(({ key }) => key)])];
  const lines = new Map<Name, readonly string[]>();
  for (const { file, as, from } of sources) lines.set(as, await run.collectLog(file, as, { from, needles }));
  for (const [what, flag] of Object.entries(FLAGS))
    if (!sources.some(({ as }) => as === what)) run.note({ what, status: 'skip', because: `not given; pass ${flag}` });
  const own = timedAccess('traefik-access.log', parseAccessLog(lines.get('traefik-access.log') ?? []), sockets);
  const service = (as: Name) => timedService(as, parseServiceLog(lines.get(as) ?? []), sockets);
  const [gateway, runner, supervisor] = [service('websockify.log'), service('runner.log'), service('supervisor.log')];
  const proxies = sources
    .filter(({ as }) => as.startsWith('proxy-'))
    .map(({ as }) => {
      const timed = timedEdge(as, parseEdgeLog(lines.get(as) ?? []), sockets);
      return { clock: timed.clock, lines: timed.lines.map((line) => ({ ...line, file: as })) };
    });
  return {
    access: own.lines,
    ingressErrors: [...lines]
      .filter(([as]) => as === 'traefik-access.log' || as.startsWith('proxy-'))
      .flatMap(([file, text]) => parseIngressErrors(text).map((error) => ({ ...error, file }))),
    gateway: since(sinceMs, gateway.lines),
    runner: since(sinceMs, runner.lines),
    runnerText: lines.get('runner.log') ?? [],
    gatewayText: lines.get('websockify.log') ?? [],
    supervisor: since(sinceMs, supervisor.lines),
    controlText: lines.get('control.log') ?? [],
    proxies: proxies.flatMap((one) => one.lines).filter(({ endedAtMs }) => !(endedAtMs < sinceMs - PROXY_SLACK_MS)),
    clocks: [own, gateway, ...proxies].flatMap(({ clock }) => clock ?? []),
  };
}

/** Our sockets have ended; their lines come a moment later. Gives the keys of which none came. */
async function socketsLogged({ file, began }: LogSource, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const deadline = performance.now() + ACCESS_LINE_MS;
  const missing = new Set(keys);
  const looked = new Map<string, number>();
  for (; missing.size > 0 && performance.now() < deadline; await sleep(ACCESS_LOOK_MS)) {
    for (const part of await partsSince(file, began)) {
      const end = (await sizeOf(part.file)) ?? 0;
      const start = Math.max(part.start, (looked.get(part.file) ?? 0) - HALF_LINE_BYTES);
      if (looked.get(part.file) === end) continue;
      looked.set(part.file, end);
      for await (const text of linesWith(part.file, { start, end }, [...missing]))
        for (const key of missing) if (text.includes(key)) missing.delete(key);
    }
  }
  return missing;
}

function noteMissing(run: Run, missing: ReadonlySet<string>, all: number): void {
  if (missing.size === 0) return;
  const because = `no line of ${missing.size} of our ${all} sockets came within ${ACCESS_LINE_MS / 1_000} s: the log keeps no Sec-WebSocket-Key, or a filter drops them, or they are still open at the ingress`;
  run.note({ what: 'traefik-access.log', status: 'partial', because });
}

/** A file that was given may hold older runs: what they say is no evidence of this one. */
function since(sinceMs: number, lines: readonly ServiceLine[]): readonly ServiceLine[] {
  return lines.filter(({ time }) => !(Date.parse(time) < sinceMs));
}
