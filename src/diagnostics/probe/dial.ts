import { type Connection, connect } from './connect.js';
import type { DialFacts } from './facts.js';
import { whyAborted } from './limit.js';
import { openRfb } from './opening.js';
import { Stream } from './stream.js';
import { upgrade } from './upgrade.js';
import { Wire } from './wire.js';

/** Pixels of the corner, wide and high: 16 kB. */
const CORNER_SIDE = 64;
/** Bytes that came no longer ago say that more are on their way. */
const FLOW_MS = 1_500;

/** Where a dial goes. */
export type DialTarget =
  | {
      readonly kind: 'socket';
      readonly url: URL;
      readonly origin: string | undefined;
      readonly headers: Readonly<Record<string, string>>;
      /** For a gateway that lets the viewer answer the runner's password. */
      readonly password?: string | undefined;
      /** What the viewer offers; by default `binary`. */
      readonly subprotocols?: readonly string[];
    }
  | { readonly kind: 'rfb'; readonly host: string; readonly port: number; readonly password: string | undefined };

export interface DialOptions {
  readonly ca: string | undefined;
  readonly insecure: boolean;
  readonly resolve: ReadonlyMap<string, string>;
  /** For the whole dial, to the first frame. */
  readonly timeoutMs: number;
  readonly keepPicture: boolean;
  /** The first picture is a corner so many pixels wide and high; by default all of it. */
  readonly firstSide?: number;
  readonly signal: AbortSignal;
}

export interface Dialled {
  readonly facts: DialFacts;
  /** Present when the first frame has come. */
  readonly stream: Stream | undefined;
}

/** Dials and goes as far as the first frame. Never throws: what was seen is in the facts. */
export async function dial(target: DialTarget, options: DialOptions): Promise<Dialled> {
  const facts: DialFacts = { stage: 'dns' };
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]);
  const connection = await connect({ ...options, ...endpointOf(target), signal }, facts);
  const head = connection && (await upgraded(connection, target, signal, facts));
  if (!head) return { facts, stream: undefined };
  const wire = new Wire(connection.socket, { framed: target.kind === 'socket', tap: connection.tap });
  const opened = await openRfb(wire, head, { password: target.password, signal }, facts);
  if (!opened) return { facts, stream: undefined };
  const stream = new Stream(wire, opened.init, { key: facts.http?.key, keepPicture: options.keepPicture });
  if (await firstFrame(stream, opened.takeRest(), { ...options, signal }, facts)) return { facts, stream };
  wire.drop();
  return { facts, stream: undefined };
}

/**
 * The same on any line: where a whole picture is on its way and does not come in time, a corner of it is asked for on a new
 * connection, and that is how far the dial came. Slow is not broken.
 */
export async function dialAnyLine(target: DialTarget, options: DialOptions): Promise<Dialled> {
  const first = await dial(target, options);
  const { flowing } = first.facts;
  if (!flowing || options.firstSide !== undefined || options.signal.aborted) return first;
  const second = await dial(target, { ...options, firstSide: CORNER_SIDE });
  if (second.facts.stage !== 'open') return first;
  second.facts.thin = { bytesPerSecond: Math.round((flowing.bytes * 1_000) / Math.max(1, flowing.forMs)) };
  return second;
}

/** Where a target is, and whether TLS is spoken there. */
export function endpointOf(target: DialTarget): {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
} {
  if (target.kind === 'rfb') return { host: target.host, port: target.port, tls: false };
  const { protocol, hostname, port } = target.url;
  const tls = protocol === 'wss:';
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (tls ? 443 : 80)), tls };
}

/** What came behind the 101; nothing yet on a bare socket. */
async function upgraded(
  { socket }: Connection,
  target: DialTarget,
  signal: AbortSignal,
  facts: DialFacts,
): Promise<Buffer | undefined> {
  return target.kind === 'rfb' ? Buffer.alloc(0) : upgrade(socket, { ...target, signal }, facts);
}

/** A frame is an update with pixels in it: one that only tells a new size, or nothing, shows no picture. */
async function firstFrame(
  stream: Stream,
  rest: Buffer,
  { signal, firstSide }: DialOptions,
  facts: DialFacts,
): Promise<boolean> {
  facts.stage = 'frame';
  const [began, before] = [performance.now(), stream.bytesIn];
  stream.start(rest, firstSide);
  while (stream.pixels === 0 && (await stream.nextFrame(signal)));
  if (stream.pixels > 0) {
    facts.frame = { pixels: stream.pixels, tookMs: performance.now() - began };
    facts.stage = 'open';
    return true;
  }
  if (stream.isOpen) {
    const flowing = { bytes: stream.bytesIn - before, forMs: Math.round(performance.now() - began) };
    Object.assign(facts, { stop: 'silence', failure: whyAborted(signal, 'a frame') });
    if (flowing.bytes > 0 && stream.quietMs() < FLOW_MS) facts.flowing = flowing;
  }
  if (!stream.isOpen) await noteEnd(stream, facts);
  return false;
}

async function noteEnd(stream: Stream, facts: DialFacts): Promise<void> {
  const { code } = await stream.ended;
  if (code !== null) facts.closeCode = code;
  facts.stop = stream.malformed === undefined ? 'ended' : 'malformed';
  if (stream.brokeFrames) facts.brokeFrames = true;
  facts.failure = stream.malformed ?? 'the stream ended before the first frame';
}
