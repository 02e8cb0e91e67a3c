import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AccessLine, type OwnRequest, ownLine, parseAccessLog, readLogSince } from '../logs/index.js';

/** Traefik writes a line about 10 ms after the end of its request; a busy host needs more. */
const LINE_MS = 1_000;
const LOOK_MS = 40;
/** What is read from the end of a log that others write to as well. */
const TAIL_BYTES = 262_144;

/** Waits for the line of a request that has ended; undefined where none comes, and where there is no log. */
export async function awaitAccessLine(file: string | undefined, request: OwnRequest): Promise<AccessLine | undefined> {
  if (file === undefined) return undefined;
  const deadline = performance.now() + LINE_MS;
  for (let seen = -1; ; await sleep(LOOK_MS)) {
    const size = await sizeOf(file);
    const found = size === seen ? undefined : ownLine(await tailOf(file, size), request);
    if (found || performance.now() > deadline) return found;
    seen = size;
  }
}

async function tailOf(file: string, size: number): Promise<readonly AccessLine[]> {
  const texts = await Array.fromAsync(readLogSince(file, Math.max(0, size - TAIL_BYTES)), ({ text }) => text);
  return parseAccessLog(texts);
}

function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0, // not written yet
  );
}
