import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { errorText } from '../../core/index.js';
import { findProgram } from '../../processes/index.js';
import type { Run } from '../evidence/index.js';
import { type Counters, gained, parseCounters } from './counters.js';
import { type PathProcess, describeProcesses, pathProcesses } from './processes.js';

const run = promisify(execFile);

export interface MomentOptions {
  /** A filter of pcap-filter(7) that names the ports of the path. */
  readonly ports: string;
  /** PATH on which ss, nsenter and docker are looked for. */
  readonly path: string | undefined;
  /** Network namespaces whose sockets are wanted as well: those that packets are recorded in. */
  readonly namespaces?: readonly NamedNamespace[];
}

interface NamedNamespace {
  readonly file: string;
  readonly name: string;
}

/** Waits for a failure. */
export interface Moment {
  /** Takes it all down, once: the first failure counts, what comes later are its consequences. Never throws. */
  take(into: Run, why: string): Promise<void>;
  /** When what was begun is in the run. */
  readonly done: () => Promise<void>;
}

/** A program that says nothing for so long is not waited for: its evidence is a convenience, the verdict is not. */
const PROGRAM_MS = 2_000;
/** Of what a program says: thousands of sockets, hundreds of containers. */
const MAX_OUTPUT = 4_194_304;
/** From so long before the run on events of containers are asked for. */
const EVENTS_BEFORE_S = 60;

/** Notes the counters and processes as they are before anything has failed. */
export async function openMoment(options: MomentOptions): Promise<Moment> {
  const since = Math.floor(Date.now() / 1_000) - EVENTS_BEFORE_S;
  const [counters, processes] = await Promise.all([countersNow(), pathProcesses()]);
  let taken: Promise<void> | undefined;
  return {
    take: (into, why) => (taken ??= take(into, why, { ...options, since, counters, processes })),
    done: async () => taken,
  };
}

interface Before extends MomentOptions {
  readonly since: number;
  readonly counters: Counters;
  readonly processes: readonly PathProcess[];
}

async function take(into: Run, why: string, before: Before): Promise<void> {
  const at = new Date().toISOString();
  const [counters, processes, sockets, containers] = await Promise.all([
    countersNow(),
    pathProcesses(),
    socketsNow(before),
    containersNow(before),
  ]);
  const lines = [
    `taken at ${at}: ${why}`,
    ...section('processes of a path on this host', describeProcesses(before.processes, processes)),
    ...section(
      'counters of the kernel, gained since the run began',
      gained(before.counters, counters).map(([name, by]) => `${name} +${by}`),
    ),
    ...sockets.flatMap(({ where, lines: found }) =>
      section(`TCP sockets of the ports of the path${where} (ss -ti)`, found),
    ),
    ...section('containers', containers),
  ];
  await into.write('moment.txt', 'text', `${lines.join('\n')}\n`);
  into.note({ what: 'moment.txt', status: 'ok', because: why });
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return ['', `== ${title}`, ...(lines.length === 0 ? ['none'] : lines)];
}

async function countersNow(): Promise<Counters> {
  const texts = ['snmp', 'netstat'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')); // not a Linux host
  return parseCounters((await Promise.all(texts)).join('\n'));
}

interface SocketsSeen {
  readonly where: string;
  readonly lines: readonly string[];
}

async function socketsNow({ ports, path, namespaces = [] }: Before): Promise<readonly SocketsSeen[]> {
  if (ports === '') return [{ where: '', lines: ['no port is known'] }];
  const args = ['-H', '-t', '-i', '-n', '-O', '-a', socketFilter(ports)];
  const own = said('ss', args, path).then((lines): SocketsSeen => ({ where: '', lines }));
  const others = namespaces.map(async ({ file, name }): Promise<SocketsSeen> => {
    const lines = await said('nsenter', [`--net=${file}`, '--', 'ss', ...args], path);
    return { where: ` in namespace ${name}`, lines };
  });
  return Promise.all([own, ...others]);
}

/** A filter for packets, said for ss(8): `port 443 or portrange 5900-5999`. */
export function socketFilter(ports: string): string {
  return ports
    .split(' or ')
    .map((part) => {
      const [, from = '', to] = /^port(?:range)? (\d+)(?:-(\d+))?$/.exec(part) ?? [];
      return ['sport', 'dport']
        .map((side) => (to === undefined ? `${side} = :${from}` : `( ${side} >= :${from} and ${side} <= :${to} )`))
        .join(' or ');
    })
    .join(' or ');
}

async function containersNow({ path, since }: Before): Promise<readonly string[]> {
  const list = ['ps', '--all', '--format', '{{.Names}}  {{.State}}  {{.Status}}  {{.Image}}'];
  const until = String(Math.floor(Date.now() / 1_000));
  const happened = '{{.Time}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}';
  const events = [
    'events',
    '--since',
    String(since),
    '--until',
    until,
    '--filter',
    'type=container',
    '--format',
    happened,
  ];
  const [now, then] = await Promise.all([said('docker', list, path), said('docker', events, path)]);
  return [...now, ...(then.length > 0 ? ['-- events (time, what, name, exit code)', ...then] : [])];
}

/** The lines that a program says; why there are none, when there are none. */
async function said(program: string, args: readonly string[], path: string | undefined): Promise<readonly string[]> {
  const file = findProgram(program, path);
  if (file === undefined) return [`${program} is not installed`];
  try {
    const { stdout } = await run(file, args, { timeout: PROGRAM_MS, maxBuffer: MAX_OUTPUT, killSignal: 'SIGKILL' });
    return stdout.split('\n').filter((line) => line !== '');
  } catch (error) {
    return [`${program} did not answer: ${errorText(error).split('\n').at(-1) ?? ''}`];
  }
}
