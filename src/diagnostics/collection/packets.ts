import { basename } from 'node:path';
import { errorText } from '../../core/index.js';
import type { Topology } from '../../topology/index.js';
import { type CaptureOutcome, startCapture } from '../capture/index.js';
import type { Run } from '../evidence/index.js';
import type { PacketFact } from '../hold/index.js';
import { readCapture } from '../pcap/index.js';

interface PacketOptions {
  /** auto, off, or an interface. */
  readonly capture: string;
  /** A capture to read instead of recording one. */
  readonly pcap: string | undefined;
  readonly url: URL | undefined;
  readonly gateway: URL | undefined;
  readonly rfb: { readonly port: number } | undefined;
}

interface PacketDeps {
  readonly topology: Topology | undefined;
  readonly path: string | undefined;
  readonly isRoot: boolean;
  readonly signal: AbortSignal;
}

/** The packets that ended flows, and the file that they are in. */
export interface Packets {
  readonly file: string;
  readonly ends: readonly PacketFact[];
}

const CAPTURE_FILE = 'vnc.tcpdump.pcap';

/** Starts recording, unless a capture is given; a reason against it is noted as a skip. */
export async function startPackets(run: Run, options: PacketOptions, deps: PacketDeps): Promise<CaptureOutcome> {
  if (options.pcap !== undefined) return { skipped: `${options.pcap} is read instead` };
  const outcome = await startCapture({
    mode: options.capture,
    ports: deps.topology ? portsOf(deps.topology) : portsGiven(options),
    file: `${run.dir}/${CAPTURE_FILE}`,
    path: deps.path,
    isRoot: deps.isRoot,
    signal: deps.signal,
  });
  if (outcome.skipped !== undefined) run.note({ what: 'packets', status: 'skip', because: outcome.skipped });
  return outcome;
}

/** Ends the recording and reads what was recorded, or the capture that was given. */
export async function collectPackets(run: Run, pcap: string | undefined, capture: CaptureOutcome): Promise<Packets> {
  await endCapture(run, capture);
  if (pcap !== undefined) return { file: basename(pcap), ends: await read(run, pcap) };
  if (capture.skipped !== undefined) return { file: CAPTURE_FILE, ends: [] };
  run.adopt(CAPTURE_FILE, 'pcap', capture.redactions());
  return { file: CAPTURE_FILE, ends: await read(run, `${run.dir}/${CAPTURE_FILE}`) };
}

async function endCapture(run: Run, capture: CaptureOutcome): Promise<void> {
  const summary = await capture.stop?.();
  if (!summary) return;
  const { problem, droppedByKernel } = summary;
  if (problem !== undefined) run.note({ what: 'packets', status: 'failed', because: problem });
  if (droppedByKernel)
    run.note({ what: 'packets', status: 'partial', because: `${droppedByKernel} more were dropped by the kernel` });
}

async function read(run: Run, file: string): Promise<readonly PacketFact[]> {
  try {
    const { packets, handshakes, banners, ends, problem } = await readCapture(file);
    const because = `${packets} packets, ${handshakes} TCP handshakes, ${banners} RFB banners, ${ends.length} flows ended`;
    run.note({ what: 'packets', status: 'ok', because });
    if (problem) run.note({ what: 'packets', status: 'partial', because: problem.text });
    return ends;
  } catch (error) {
    run.note({ what: 'packets', status: 'failed', because: errorText(error) });
    return [];
  }
}

function portsOf({ public: publicSide, gateway, runner }: Topology): string {
  return `port ${publicSide.port} or port ${gateway.port} or portrange ${runner.rfbPorts.min}-${runner.rfbPorts.max}`;
}

function portsGiven({ url, gateway, rfb }: PacketOptions): string {
  const ports = [url, gateway].flatMap((one) => (one ? [one.port || (one.protocol === 'wss:' ? '443' : '80')] : []));
  return [...ports, ...(rfb ? [String(rfb.port)] : [])].map((port) => `port ${port}`).join(' or ');
}
