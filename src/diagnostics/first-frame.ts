import { setTimeout as pause } from 'node:timers/promises';
import { CamofleetError, type Hop, errorText } from '../core/index.js';
import type { FleetPaths, Topology } from '../topology/index.js';
import { blameFor } from './blame.js';
import { clientOfFleet } from './fleet-client.js';
import { dial } from './probe/index.js';
import { trustOf } from './trust.js';

export type FirstFrame =
  | { readonly ok: true; readonly width: number; readonly height: number; readonly tookMs: number }
  | { readonly ok: false; readonly hop: Hop; readonly code: string; readonly saw: string };

export interface FrameWait {
  readonly timeoutMs: number;
  readonly monotonic: () => number;
  /** Told why the last try failed, and of the time that is left. */
  readonly onWaiting: (why: string, leftMs: number) => void;
}

const DIAL_MS = 15_000;
const AGAIN_MS = 1_000;

/** Tries until a frame came through the public URL of a fleet or the time is over: then with the hop that prevented it. */
export async function waitForFrame(
  paths: FleetPaths,
  topology: Topology,
  { timeoutMs, monotonic, onWaiting }: FrameWait,
  signal: AbortSignal,
): Promise<FirstFrame> {
  const ends = monotonic() + timeoutMs;
  onWaiting('opens a session', timeoutMs);
  for (;;) {
    const patience = AbortSignal.timeout(Math.max(0, Math.round(ends - monotonic())));
    const seen = await frameThroughFleet(paths, topology, AbortSignal.any([signal, patience])).catch(failedBefore);
    signal.throwIfAborted();
    const leftMs = ends - monotonic();
    if (seen.ok || leftMs <= 0) return seen;
    onWaiting(`${seen.hop} (${seen.code}): ${seen.saw}`, leftMs);
    await pause(Math.min(leftMs, AGAIN_MS), undefined, { signal });
  }
}

/** What went wrong before there was a socket to dial. */
function failedBefore(error: unknown): FirstFrame {
  const code = error instanceof CamofleetError ? error.code : 'BUG';
  return { ok: false, hop: 'control', code, saw: error instanceof CamofleetError ? error.message : errorText(error) };
}

/** Makes a test card through the public API, sees one frame of it at the public URL, and removes it. */
async function frameThroughFleet(paths: FleetPaths, topology: Topology, signal: AbortSignal): Promise<FirstFrame> {
  const trust = await trustOf(paths, topology);
  await using client = await clientOfFleet({ paths, topology }, trust);
  const began = performance.now();
  const session = await client.create({
    browser: 'testcard',
    labels: { 'camofleet.up': 'wait' },
    idle_ttl_seconds: 60,
  });
  try {
    if (!session.vnc)
      return { ok: false, hop: 'control', code: 'CF-CONTROL-URL', saw: 'the session has no public URL' };
    const target = { kind: 'socket', url: new URL(session.vnc.ws), origin: undefined, headers: {} } as const;
    const { facts, stream } = await dial(target, {
      ...trust,
      timeoutMs: DIAL_MS,
      keepPicture: false,
      signal,
    });
    await stream?.close();
    const { hop, code } = blameFor(facts, { vantage: 'public' });
    if (!stream) return { ok: false, hop, code, saw: facts.failure ?? 'no frame came' };
    return {
      ok: true,
      width: facts.rfb?.width ?? 0,
      height: facts.rfb?.height ?? 0,
      tookMs: performance.now() - began,
    };
  } finally {
    await client.end(session.worker, session.id);
  }
}
