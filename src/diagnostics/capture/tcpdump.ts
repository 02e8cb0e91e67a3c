import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorText, withTimeout } from '../../core/index.js';
import { findProgram } from '../../processes/index.js';
import { PacketRedactor } from './redactor.js';

export interface CaptureOptions {
  /** `auto` (every interface), `off`, or an interface. */
  readonly mode: string;
  /** A filter of pcap-filter(7) that names the ports; empty when none is known. */
  readonly ports: string;
  readonly file: string;
  /** PATH on which tcpdump and setpriv are looked for. */
  readonly path: string | undefined;
  readonly isRoot: boolean;
  /** Behind it only packets that open or end a flow are written. */
  readonly maxBytes?: number;
  /** Ends a start that has not finished; a running capture is ended by `stop`. */
  readonly signal?: AbortSignal;
}

export interface CaptureSummary {
  readonly packets: number;
  readonly bytes: number;
  /** Null where tcpdump did not say. */
  readonly droppedByKernel: number | null;
  readonly redactions: number;
  /** Why the file is not whole: the disk is full, tcpdump ended early, the bound was reached. */
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
/** Enough for hours of a moving screen: of most packets only 100 bytes are written. */
const MAX_BYTES = 268_435_456;
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
  if (options.mode === 'off') return { skipped: 'switched off with --capture off' };
  if (options.ports === '') return { skipped: 'no port is known to capture' };
  const tcpdump = findProgram('tcpdump', options.path);
  if (tcpdump === undefined)
    return { skipped: 'tcpdump is not installed; install it, for example: apt-get install tcpdump' };
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

function launch(tcpdump: string, { mode, ports, path, isRoot }: CaptureOptions): Tcpdump {
  const setpriv = findProgram('setpriv', path);
  const device = mode === 'auto' ? EVERY_INTERFACE : mode;
  const args = [
    '-i',
    device,
    '-U',
    '-n',
    '-s',
    String(SNAPSHOT_BYTES),
    '-B',
    String(RING_KIB),
    '--immediate-mode',
    '-w',
    '-',
  ];
  // A change of user would undo the promise that tcpdump ends with us.
  if (setpriv !== undefined && isRoot) args.push('-Z', 'root');
  args.push(`tcp and (${ports})`);
  const [file, ...rest] =
    setpriv === undefined ? [tcpdump, ...args] : [setpriv, '--pdeathsig', 'KILL', '--', tcpdump, ...args];
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

function explain(why: string, said: string, tcpdump: string, { mode, isRoot }: CaptureOptions): string {
  const words = said
    .split('\n')
    .map((line) => line.replace(/^.*tcpdump: /, '').trim())
    .filter((line) => line !== '' && !line.startsWith('data link type'))
    .at(-1);
  if (/permission|Operation not permitted|EPERM/i.test(said) || (!isRoot && words === undefined))
    return `needs CAP_NET_RAW; run with sudo, or once: sudo setcap cap_net_raw+ep ${tcpdump}`;
  const device = mode === 'auto' ? 'any interface' : `interface ${mode}`;
  return `tcpdump did not start on ${device}: ${words ?? why}`;
}

function record(child: Tcpdump, said: { readonly text: string }, options: CaptureOptions): Capture {
  const redactor = new PacketRedactor({ maxBytes: options.maxBytes ?? MAX_BYTES });
  const problems: string[] = [];
  let isStopping = false;
  const exited = once(child, 'exit').then(() => {
    if (!isStopping) problems.push(`tcpdump ended by itself: ${said.text.trim().split('\n').at(-1) ?? ''}`);
  });
  const written = pipeline(child.stdout, redactor, createWriteStream(options.file, { mode: 0o600 })).catch(
    (error: unknown) => {
      problems.push(errorText(error));
      child.kill('SIGKILL'); // its packets have nowhere to go
    },
  );
  const finish = async (): Promise<CaptureSummary> => {
    await settled(redactor);
    isStopping = true;
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGINT');
      await withTimeout(exited, STOP_MS, () => void child.kill('SIGKILL'));
      await exited;
    }
    await written;
    if (redactor.isFull) problems.push(`the bound of ${options.maxBytes ?? MAX_BYTES} bytes was reached`);
    const dropped = /(\d+) packets? dropped by kernel/.exec(said.text)?.[1];
    return {
      packets: redactor.packets,
      bytes: redactor.bytes,
      droppedByKernel: dropped === undefined ? null : Number(dropped),
      redactions: redactor.masked,
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
