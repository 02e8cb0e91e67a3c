import { setTimeout as pause } from 'node:timers/promises';
import type { Engine } from '../engine/index.js';

/** Lines of each log that are kept: the last ones. */
const MAX_LINES = 20_000;
/** A file that the ingress writes, which stays when its container goes. */
const ACCESS_LOG = 'traefik-access';
/** Containers that are not there yet have no logs: they are asked for again. */
const AGAIN_MS = 500;

export interface KeptLogs extends AsyncDisposable {
  /** The lines so far, by the name of their service. */
  readonly lines: ReadonlyMap<string, readonly string[]>;
}

/**
 * Keeps what the services of a fleet say from now on, until it is disposed: of containers that do not come up nothing is left
 * to read afterwards.
 */
export function keepLogs(engine: Engine): KeptLogs {
  const lines = new Map<string, string[]>();
  const ending = new AbortController();
  const following = (async (): Promise<void> => {
    while (!ending.signal.aborted && lines.size === 0) {
      await take(engine, { sources: engine.services, follow: true }, lines, ending.signal);
      await pause(AGAIN_MS, undefined, { signal: ending.signal }).catch(() => {}); // disposed: the loop ends
    }
  })();
  return {
    lines,
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await following;
      await take(engine, { sources: [ACCESS_LOG], follow: false }, lines, new AbortController().signal);
    },
  };
}

/** What the services of a fleet have said. */
export async function logsOf(engine: Engine): Promise<ReadonlyMap<string, readonly string[]>> {
  const lines = new Map<string, string[]>();
  await take(engine, { sources: [], follow: false }, lines, new AbortController().signal);
  return lines;
}

async function take(
  engine: Engine,
  wanted: { readonly sources: readonly string[]; readonly follow: boolean },
  into: Map<string, string[]>,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const { source, text } of engine.logs({ ...wanted, lines: MAX_LINES }, signal)) {
      const own = into.get(source) ?? [];
      into.set(source, own);
      own.push(text);
      if (own.length > 2 * MAX_LINES) own.splice(0, own.length - MAX_LINES);
    }
  } catch {
    return; // nothing was started yet, or is left: there are no logs
  }
}
