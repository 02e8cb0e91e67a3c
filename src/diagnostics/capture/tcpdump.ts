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

export interface CaptureOptions {
  readonly place: CapturePlace;
  /** A filter of pcap-filter(7) that names the ports; empty when none is known. */
  readonly ports: string;
  readonly file: string;
  /** PATH on which tcpdump, setpriv and nsenter are looked for. */
  readonly path: string | undefined;
  readonly isRoot: boolean;
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
/** tcpdump is given this long to write what it has when it is stopped. */
const STOP_MS = 2_000;
/** Packets take a moment from the wire to the file: it is quiet when none came for so long. */
const QUIET_MS = 120;
const SETTLE_MS = 1_000;
/** The last of what tcpdump says is kept up to here. */
const MAX_SAID = 4_096;

/** Starts tcpdump with its output going through the redactor; resolves when it listens. Never throws. */
export async function startCapture(options: CaptureOptions): Promise<CaptureOutcome> {
  if (options.ports === '') return { skipped: 'no port is known to capture' };
  const tcpdump = findProgram('tcpdump', options.path);
  if (tcpdump === undefined)
    return { skipped: 'tcpdump is not installed; install it, for example: apt-get install tcpdump' };
  const outside = namespaceProblem(options);
  if (outside !== undefined) return { skipped: outside };
  const child = launch(tcpdump, options);
  const said = { text: '' };
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said.text = (said.text + text).slice(-MAX_SAID);
  });
  const why = await startProblem(child, said, options.signal);
  if (why !== undefined) {
    child.kill('SIGKILL');
    return { skipped: explain(why, said.text, tcpdump, options) };
  }
  return record(child, said, options);
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

function launch(tcpdump: string, { place, ports, path, isRoot }: CaptureOptions): Tcpdump {
  const args = ['-i', place.device ?? EVERY_INTERFACE, '-U', '-n', '-s', String(SNAPSHOT_BYTES)];
  args.push('-B', String(RING_KIB), '--immediate-mode', '-w', '-');
  // A change of user would undo the promise that tcpdump ends with us.
  const setpriv = findProgram('setpriv', path);
  if (setpriv !== undefined && isRoot) args.push('-Z', 'root');
  args.push(`tcp and (${ports})`);
  const enter = place.namespace ? [findProgram('nsenter', path)!, `--net=${place.namespace.file}`, '--'] : [];
  const end = setpriv === undefined ? [] : [setpriv, '--pdeathsig', 'KILL', '--'];
  const [file, ...rest] = [...enter, ...end, tcpdump, ...args] as [string, ...string[]];
  // In a group of its own: a Ctrl-C on the terminal must not end it before what follows was seen.
  return spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
}

/** Undefined when it listens. */
async function startProblem(
  child: Tcpdump,
  said: { readonly text: string },
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
  return withTimeout(outcome, START_MS, () => `not listening after ${START_MS / 1_000} s`);
}

function explain(why: string, said: string, tcpdump: string, { place, isRoot }: CaptureOptions): string {
  const words = said
    .split('\n')
    .map((line) => line.replace(/^.*tcpdump: /, '').trim())
    .filter((line) => line !== '' && !line.startsWith('data link type'))
    .at(-1);
  if (/permission|Operation not permitted|EPERM/i.test(said) || (!isRoot && words === undefined))
    return `needs CAP_NET_RAW; run with sudo, or once: sudo setcap cap_net_raw+ep ${tcpdump}`;
  return `tcpdump did not start on ${placeText(place)}: ${words ?? why}`;
}

function record(child: Tcpdump, said: { readonly text: string }, options: CaptureOptions): Capture {
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
      await withTimeout(exited, STOP_MS, () => void child.kill('SIGKILL'));
      await exited;
    }
    await written;
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
