import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { tailFile } from '../processes/index.js';
import type { FleetPaths } from '../topology/index.js';

export interface LogLine {
  /** `gateway`, `runner`, `control`, `ingress`, `supervisor`, `traefik-access`. */
  readonly source: string;
  readonly text: string;
}

/** Bytes that are looked at for the last lines of a log. */
const TAIL_BYTES = 262_144;
const POLL_MS = 200;
/** Read at a time from a log that grows. */
const CHUNK_BYTES = 65_536;

/** The last lines of the logs, and with `follow` all that come, until the signal. A log that was cut short starts anew. */
export async function* followLogs(
  paths: FleetPaths,
  options: { readonly sources: readonly string[]; readonly lines: number; readonly follow: boolean },
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const names = (await readdir(paths.logs))
    .filter((name) => name.endsWith('.log'))
    .map((name) => name.slice(0, -'.log'.length));
  const sources = options.sources.length > 0 ? options.sources : names.toSorted();
  const followed: Followed[] = [];
  for (const source of sources) {
    const file = join(paths.logs, `${source}.log`);
    const text = await tailFile(file, TAIL_BYTES);
    const lines = text.split('\n').filter((line) => line !== '');
    for (const line of lines.slice(-options.lines)) yield { source, text: line };
    if (options.follow) followed.push(new Followed(source, file));
  }
  for (const log of followed) await log.skipToEnd();
  while (options.follow && !signal.aborted) {
    for (const log of followed) for (const text of await log.read()) yield { source: log.source, text };
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

class Followed {
  #offset = 0;
  #rest = '';

  constructor(
    readonly source: string,
    private readonly file: string,
  ) {}

  async skipToEnd(): Promise<void> {
    await this.#with(async (handle) => {
      this.#offset = (await handle.stat()).size;
    });
  }

  async read(): Promise<string[]> {
    const lines: string[] = [];
    await this.#with(async (handle) => {
      const { size } = await handle.stat();
      if (size < this.#offset) this.#offset = 0;
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, this.#offset);
      this.#offset += bytesRead;
      const parts = (this.#rest + buffer.toString('utf8', 0, bytesRead)).split('\n');
      this.#rest = parts.pop() ?? '';
      lines.push(...parts);
    });
    return lines;
  }

  async #with(work: (handle: FileHandle) => Promise<void>): Promise<void> {
    const handle = await open(this.file, 'r').catch(() => undefined); // not written yet
    if (!handle) return;
    try {
      await work(handle);
    } finally {
      await handle.close();
    }
  }
}
