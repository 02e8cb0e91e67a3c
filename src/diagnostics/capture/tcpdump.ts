import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText, withTimeout } from '../../core/index.js';
import { findProgram } from '../../processes/index.js';
import { type CapturePlace, placeText } from './place.js';
import { PacketRedactor } from './redactor.js';
import { RING, type RingSize, Ring } from './ring.js';
import { SIDECAR_USER, sidecarOf } from './sidecar.js';

export interface CaptureOptions {
  readonly place: CapturePlace;
  /** A filter of pcap-filter(7) that names the ports; empty when none is known. */
  readonly ports: string;
  readonly file: string;
  /** PATH on which tcpdump, setpriv and nsenter are looked for. */
  readonly path: string | undefined;
  readonly isRoot: boolean;
  /** The image that holds tcpdump for containers. */
  readonly image: string;
  /** How long the run may take. */
  readonly longestMs: number;
  readonly ring?: RingSize;
  /** Ends a start that has not finished; a running capture is ended by `stop`. */
  readonly signal?: AbortSignal;
}

export interface CaptureSummary {
  readonly packets: number;
  readonly bytes: number;
  /** Null where tcpdump did not say. */
  readonly droppedByKernel: number | null;
  readonly redactions: number;
  /** Packets of the middle that had to go; the beginning, the end, and what opens or ends a flow are there. */
  readonly leftOut: number;
  /** Why the file is not whole: the disk is full, tcpdump ended early. */
  readonly problem: string | undefined;
}

/** A capture that runs. */
export interface Capture {
  readonly skipped?: undefined;
  /** Values overwritten so far. */
  redactions(): number;
  /** Ends it with all packets up to now in the file. Never throws; again it gives the same. */
  stop(): Promise<CaptureSummary>;
}

/** Why there is no capture, and the way to one. */
export interface CaptureSkip {
  readonly skipped: string;
  readonly redactions?: undefined;
  readonly stop?: undefined;
}

export type CaptureOutcome = Capture | CaptureSkip;

type Tcpdump = ChildProcessByStdio<null, Readable, Readable>;

const EVERY_INTERFACE = 'any';
/** What the kernel hands over of a packet: the head of a request with its token. Of pictures more would only be cut again. */
const SNAPSHOT_BYTES = 4_096;
/** The kernel's ring, in KiB, has room for 4096 such packets: a busy screen must not overrun it while Node collects garbage. */
const RING_KIB = 16_384;
const START_MS = 3_000;
/** A container is made first. */
const CONTAINER_START_MS = 20_000;
/** tcpdump is given this long to write what it has when it is stopped. */
const STOP_MS = 2_000;
const CONTAINER_STOP_MS = 6_000;
/** Packets take a moment from the wire to the file: it is quiet when none came for so long. */
const QUIET_MS = 120;
const SETTLE_MS = 1_000;
/** The last of what tcpdump says is kept up to here. */
const MAX_SAID = 4_096;

/** Starts tcpdump with its output going through the redactor; resolves when it listens. Never throws. */
export async function startCapture(options: CaptureOptions): Promise<CaptureOutcome> {
  if (options.ports === '') return { skipped: 'no port is known to capture' };
  const way =
    options.place.container === undefined ? ofThisHost(options) : ofContainer(options.place.container, options);
  if ('skipped' in way) return way;
  // In a group of its own: a Ctrl-C on the terminal must not end it before what follows was seen.
  const child: Tcpdump = spawn(way.file, [...way.args], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const said = { text: '' };
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.text = (said.text + text).slice(-MAX_SAID);
  });
  const why = await startProblem(child, said, way.startMs, options.signal);
  if (why !== undefined) {
    child.kill('SIGKILL');
    await way.clear();
    return { skipped: way.explain(why, said.text) };
  }
  return record(child, said, way, options);
}

/** How tcpdump is started at a place, and what that takes. */
interface Way {
  readonly file: string;
  readonly args: readonly string[];
  readonly startMs: number;
  readonly stopMs: number;
  /** Takes away what is left when the process was killed. Never throws. */
  clear(): Promise<void>;
  /** Why it did not start, from what was said. */
  explain(why: string, said: string): string;
}

function ofThisHost(options: CaptureOptions): Way | CaptureSkip {
  const { place, path, isRoot } = options;
  const tcpdump = findProgram('tcpdump', path);
  if (tcpdump === undefined)
    return { skipped: 'tcpdump is not installed; install it, for example: apt-get install tcpdump' };
  const outside = namespaceProblem(options);
  if (outside !== undefined) return { skipped: outside };
  // A change of user would undo the promise that tcpdump ends with us.
  const setpriv = findProgram('setpriv', path);
  const asRoot = setpriv !== undefined && isRoot;
  const enter = place.namespace ? [findProgram('nsenter', path)!, `--net=${place.namespace.file}`, '--'] : [];
  const end = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];
  const [file, ...args] = [...enter, ...end, tcpdump, ...argumentsOf(options, asRoot ? 'root' : undefined)] as [
    string,
    ...string[],
  ];
  return {
    file,
    args,
    startMs: START_MS,
    stopMs: STOP_MS,
    clear: async () => {},
    explain: (why, said) => explain(why, said, tcpdump, options),
  };
}

/** Whoever may talk to Docker needs no more: a container joins the network of the one that is looked at. */
function ofContainer(container: string, options: CaptureOptions): Way | CaptureSkip {
  const { path, image, longestMs, place } = options;
  const docker = findProgram('docker', path);
  if (docker === undefined)
    return { skipped: 'docker is not on PATH, and packets of a container are recorded with it' };
  const sidecar = sidecarOf(container, { docker, image, tcpdump: argumentsOf(options, SIDECAR_USER), longestMs });
  // The docker command passes SIGTERM on to tcpdump, which then ends.
  const setpriv = findProgram('setpriv', path);
  const end = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'TERM', '--'];
  const [file, ...args] = [...end, docker, ...sidecar.args] as [string, ...string[]];
  return {
    file,
    args,
    startMs: CONTAINER_START_MS,
    stopMs: CONTAINER_STOP_MS,
    clear: () => sidecar.remove(),
    explain: (why, said) =>
      /Unable to find image|No such image/.test(said)
        ? `this Docker has no ${image}; make it with: camofleet images build capture`
        : `tcpdump did not start on ${placeText(place)}: ${lastWords(said) ?? why}`,
  };
}

/** Why the namespace of a place cannot be entered; undefined when it can, or when there is none. */
function namespaceProblem({ place, path, isRoot }: CaptureOptions): string | undefined {
  if (!place.namespace) return undefined;
  const { file, name } = place.namespace;
  if (!isRoot) return `namespace ${name} can be entered by root only; run with sudo`;
  if (!existsSync(file)) return `there is no namespace ${name}: ${file} does not exist`;
  if (findProgram('nsenter', path) === undefined)
    return 'nsenter is not installed; install it, for example: apt-get install util-linux';
  return undefined;
}

/** `user`: whom tcpdump becomes when it has opened its socket; its own choice where none is given. */
function argumentsOf({ place, ports }: CaptureOptions, user: string | undefined): readonly string[] {
  return [
    ...['-i', place.device ?? EVERY_INTERFACE, '-U', '-n', '-s', String(SNAPSHOT_BYTES)],
    ...['-B', String(RING_KIB), '--immediate-mode', '-w', '-'],
    ...(user === undefined ? [] : ['-Z', user]),
    `tcp and (${ports})`,
  ];
}

/** Undefined when it listens. */
async function startProblem(
  child: Tcpdump,
  said: { readonly text: string },
  startMs: number,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const outcome = new Promise<string | undefined>((resolve) => {
    const look = (): void => {
      if (said.text.includes('listening on')) resolve(undefined);
    };
    child.stderr.on('data', look);
    child.once('exit', () => resolve('exited'));
    child.once('error', (error) => resolve(errorText(error)));
    if (signal?.aborted) resolve('interrupted');
    signal?.addEventListener('abort', () => resolve('interrupted'), { once: true });
  });
  return withTimeout(outcome, startMs, () => `not listening after ${startMs / 1_000} s`);
}

function explain(why: string, said: string, tcpdump: string, { place, isRoot }: CaptureOptions): string {
  const words = lastWords(said);
  if (/permission|Operation not permitted|EPERM/i.test(said) || (!isRoot && words === undefined))
    return `needs CAP_NET_RAW; run with sudo, or once: sudo setcap cap_net_raw+ep ${tcpdump}`;
  return `tcpdump did not start on ${placeText(place)}: ${words ?? why}`;
}

function lastWords(said: string): string | undefined {
  return said
    .split('\n')
    .map((line) => line.replace(/^.*tcpdump: /, '').trim())
    .filter((line) => line !== '' && !line.startsWith('data link type'))
    .at(-1);
}

function record(child: Tcpdump, said: { readonly text: string }, way: Way, options: CaptureOptions): Capture {
  const redactor = new PacketRedactor();
  const ring = new Ring(options.file, options.ring ?? RING);
  const problems: string[] = [];
  let isStopping = false;
  const exited = once(child, 'exit').then(() => {
    if (!isStopping) problems.push(`tcpdump ended by itself: ${said.text.trim().split('\n').at(-1) ?? ''}`);
  });
  const written = pipeline(child.stdout, redactor, (records) => ring.writeAll(records)).catch((error: unknown) => {
    problems.push(errorText(error));
    child.kill('SIGKILL'); // its packets have nowhere to go
  });
  const finish = async (): Promise<CaptureSummary> => {
    await settled(redactor);
    isStopping = true;
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGINT');
      await withTimeout(exited, way.stopMs, () => void child.kill('SIGKILL'));
      await exited;
    }
    await written;
    if (child.signalCode === 'SIGKILL') await way.clear();
    const dropped = /(\d+) packets? dropped by kernel/.exec(said.text)?.[1];
    return {
      packets: redactor.packets,
      bytes: redactor.bytes,
      droppedByKernel: dropped === undefined ? null : Number(dropped),
      redactions: redactor.masked,
      leftOut: ring.leftOut,
      problem: problems[0],
    };
  };
  let stopped: Promise<CaptureSummary> | undefined;
  return { redactions: () => redactor.masked, stop: () => (stopped ??= finish()) };
}

/** Waits until packets that are on their way have come. */
async function settled(redactor: PacketRedactor): Promise<void> {
  const deadline = performance.now() + SETTLE_MS;
  for (let last = -1; last !== redactor.packets && performance.now() < deadline; ) {
    last = redactor.packets;
    await sleep(QUIET_MS);
  }
}
