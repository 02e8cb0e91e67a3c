import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { errorText } from '../../core/index.js';
import { findProgram } from '../../processes/index.js';
import { PacketRedactor } from './redactor.js';

/** A capture that runs, or why there is none. */
export interface CaptureOutcome {
  readonly skipped?: string;
  readonly redactions?: () => number;
  /** Ends the capture with all packets up to now in the file. */
  readonly stop?: () => Promise<void>;
}

export interface CaptureOptions {
  /** `auto`, `off`, or an interface. */
  readonly mode: string;
  /** A filter of pcap-filter(7) that names the ports. */
  readonly ports: string;
  readonly file: string;
  readonly path: string | undefined;
  readonly isRoot: boolean;
}

/** Bytes of a packet that tcpdump hands us: a request with its token, and no more. */
const SNAPSHOT_BYTES = 2_048;
const START_MS = 2_000;
/** Packets take a moment from the wire to tcpdump. */
const SETTLE_MS = 250;
const LOOPBACK = 'lo';

/** Starts tcpdump with its output going through the redactor; resolves when it listens. Never throws. */
export async function startCapture(options: CaptureOptions): Promise<CaptureOutcome> {
  if (options.mode === 'off') return { skipped: 'switched off with --capture off' };
  const tcpdump = findProgram('tcpdump', options.path);
  if (tcpdump === undefined)
    return { skipped: 'tcpdump is not installed; install it, for example: apt-get install tcpdump' };
  if (options.ports === '') return { skipped: 'no port is known to capture' };
  const device = options.mode === 'auto' ? LOOPBACK : options.mode;
  const args = [
    '-i',
    device,
    '-U',
    '-n',
    '-s',
    String(SNAPSHOT_BYTES),
    '--immediate-mode',
    '-w',
    '-',
    `tcp and (${options.ports})`,
  ];
  const child = spawn(tcpdump, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const listening = new Promise<boolean>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('listening on')) resolve(true);
    });
    child.once('exit', () => resolve(false));
    child.once('error', (error) => {
      said += errorText(error);
      resolve(false);
    });
    setTimeout(() => resolve(false), START_MS);
  });
  if (!(await listening)) {
    child.kill('SIGKILL');
    const right = options.isRoot
      ? ''
      : `; it needs CAP_NET_RAW: sudo setcap cap_net_raw+ep ${tcpdump}, or run verify as root`;
    return { skipped: `tcpdump did not start on ${device}: ${said.trim().split('\n')[0] ?? 'no word'}${right}` };
  }
  const redactor = new PacketRedactor();
  const written = pipeline(child.stdout, redactor, createWriteStream(options.file, { mode: 0o600 })).catch(
    () => undefined,
  ); // told by what the file holds
  return {
    redactions: () => redactor.masked,
    stop: async () => {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      const exited = once(child, 'exit');
      if (child.exitCode === null) {
        child.kill('SIGTERM');
        await exited;
      }
      await written;
    },
  };
}
