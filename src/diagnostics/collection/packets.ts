import { basename } from 'node:path';
import { errorText } from '../../core/index.js';
import { type Topology, imageName } from '../../topology/index.js';
import { type CaptureOutcome, captureFile, parsePlaces, placeText, startCapture } from '../capture/index.js';
import type { Run } from '../evidence/index.js';
import type { PacketFact } from '../hold/index.js';
import { type CaptureFacts, type TcpFlow, inRings, readCapture } from '../pcap/index.js';
import type { ClockReport } from '../../report/index.js';
import { onOurClock } from '../clocks.js';
import type { OwnSocket } from './own-sockets.js';
import { captureClock } from './timed.js';

interface PacketOptions {
  /** auto, off, or places with commas between them. */
  readonly capture: string;
  /** Captures to read instead of recording one. */
  readonly pcap: readonly string[];
  readonly url: URL | undefined;
  readonly gateway: URL | undefined;
  readonly rfb: { readonly port: number } | undefined;
  readonly durationMs: number;
}

interface PacketDeps {
  readonly topology: Topology | undefined;
  readonly path: string | undefined;
  readonly isRoot: boolean;
  /** Of camofleet, and of the image that records in containers. */
  readonly version: string;
  readonly signal: AbortSignal;
}

/** What packets show, and the file that most of it is in; what lies in another one says so. */
export interface Packets {
  readonly file: string;
  /** The first FIN or RST of each flow, with all its goodbyes in words; earliest first. */
  readonly ends: readonly PacketFact[];
  readonly flows: readonly (TcpFlow & { readonly file: string })[];
  /** Of captures in which our own sockets were found; the times of all ends are on our clock. */
  readonly clocks: readonly ClockReport[];
}

/** A recording, and what it is called in the folder of the run. */
interface Recording {
  readonly file: string;
  readonly place: string;
  readonly outcome: CaptureOutcome;
}

/** Starts recording at every place, unless captures are given; a reason against it is noted as a skip. */
export async function startPackets(run: Run, options: PacketOptions, deps: PacketDeps): Promise<readonly Recording[]> {
  if (options.pcap.length > 0) return [];
  const places = parsePlaces(options.capture);
  if (places.length === 0) run.note({ what: 'packets', status: 'skip', because: 'switched off with --capture off' });
  const ports = portsOfPath(options, deps.topology);
  return Promise.all(
    places.map(async (place, index): Promise<Recording> => {
      const file = captureFile(place, index);
      const { path, isRoot, signal, version } = deps;
      const outcome = await startCapture({
        place,
        ports,
        file: `${run.dir}/${file}`,
        path,
        isRoot,
        image: imageName('capture', version),
        longestMs: options.durationMs,
        signal,
      });
      if (outcome.skipped !== undefined) run.note({ what: 'packets', status: 'skip', because: outcome.skipped });
      return { file, place: placeText(place), outcome };
    }),
  );
}

/** Ends the recordings and reads them, or the captures that were given: those of one ring as one. */
export async function collectPackets(
  run: Run,
  given: readonly string[],
  recordings: readonly Recording[],
  own: readonly OwnSocket[] = [],
): Promise<Packets> {
  const rings = given.length > 0 ? await inRings(given) : await recorded(run, recordings);
  const read = await Promise.all(rings.map((files) => readRing(run, files, own)));
  return {
    file: basename(rings[0]?.[0] ?? captureFile({ device: undefined }, 0)),
    ends: read.flatMap(({ ends }) => ends).toSorted((a, b) => a.atMs - b.atMs),
    flows: read.flatMap(({ flows }) => flows),
    clocks: read.flatMap(({ clocks }) => clocks),
  };
}

async function recorded(run: Run, recordings: readonly Recording[]): Promise<string[][]> {
  const running = recordings.filter(({ outcome }) => outcome.skipped === undefined);
  await Promise.all(running.map((one) => endRecording(run, one)));
  return running.map(({ file }) => [`${run.dir}/${file}`]);
}

async function endRecording(run: Run, { file, place, outcome }: Recording): Promise<void> {
  const summary = await outcome.stop?.();
  if (!summary) return;
  run.adopt(file, 'pcap', summary.redactions);
  const note = (status: 'failed' | 'partial', because: string): void =>
    run.note({ what: 'packets', status, because: `${because} (${place})` });
  if (summary.problem !== undefined) note('failed', summary.problem);
  if (summary.droppedByKernel) note('partial', `${summary.droppedByKernel} more were dropped by the kernel`);
  if (summary.leftOut > 0)
    note('partial', `${summary.leftOut} of the middle were left out, none that opens or ends a flow`);
}

async function readRing(run: Run, files: readonly string[], own: readonly OwnSocket[]): Promise<Omit<Packets, 'file'>> {
  const name = files.map((file) => basename(file)).join(', ');
  try {
    const facts = await readCapture(files);
    const { packets, handshakes, banners, ends, problem } = facts;
    const because = `${packets} packets, ${handshakes} TCP handshakes, ${banners} RFB banners, ${ends.length} flows ended (${name})`;
    run.note({ what: 'packets', status: 'ok', because });
    if (problem) run.note({ what: 'packets', status: 'partial', because: `${name}: ${problem.text}` });
    const file = basename(files[0]!);
    const clock = captureClock(file, facts.flows, own);
    return {
      ends: ends.map((end) => ({
        ...end,
        ...placeOfPacket(facts, end.packet),
        atMs: onOurClock(end.atMs, clock),
      })),
      flows: facts.flows.map((flow) => ({ ...flow, file })),
      clocks: clock ? [clock] : [],
    };
  } catch (error) {
    run.note({ what: 'packets', status: 'failed', because: errorText(error) });
    return { ends: [], flows: [], clocks: [] };
  }
}

/** In a ring each file counts from 1, as in every other reader. */
function placeOfPacket({ files }: CaptureFacts, packet: number): { readonly file: string; readonly packet: number } {
  const { file, before } = files.findLast((one) => one.before < packet) ?? files[0]!;
  return { file: basename(file), packet: packet - before };
}

/** The ports of the path as a filter of pcap-filter(7); empty when none is known. */
export function portsOfPath(
  options: Pick<PacketOptions, 'url' | 'gateway' | 'rfb'>,
  topology: Topology | undefined,
): string {
  return topology ? portsOf(topology) : portsGiven(options);
}

function portsOf({ public: publicSide, gateway, runner }: Topology): string {
  return `port ${publicSide.port} or port ${gateway.port} or portrange ${runner.rfbPorts.min}-${runner.rfbPorts.max}`;
}

function portsGiven({ url, gateway, rfb }: Pick<PacketOptions, 'url' | 'gateway' | 'rfb'>): string {
  const ports = [url, gateway].flatMap((one) => (one ? [one.port || (one.protocol === 'wss:' ? '443' : '80')] : []));
  return [...ports, ...(rfb ? [String(rfb.port)] : [])].map((port) => `port ${port}`).join(' or ');
}
