import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as pause } from 'node:timers/promises';
import { CamofleetError, nearest } from '../core/index.js';
import type { FleetPaths } from '../topology/index.js';

export interface LogLine {
  /** `gateway`, `runner`, `control`, `ingress`, `supervisor`, `traefik-access`. */
  readonly source: string;
  readonly text: string;
}

/** Sources that every fleet has sooner or later. */
export const LOG_SOURCES = ['supervisor', 'runner', 'control', 'gateway', 'ingress', 'traefik-access'];

/** Bytes that are looked at for the last lines of a log. */
const TAIL_BYTES = 262_144;
const POLL_MS = 200;
/** Read at a time. */
const CHUNK_BYTES = 65_536;
/** A line that is longer is given in pieces. */
const MAX_LINE = 1_048_576;

/**
 * The last lines of the logs, and with `follow` all that come, until the signal. A log that was put aside or cut short
 * starts anew. Throws CF_USAGE for a source that no fleet has, CF_FLEET_NOT_RUNNING where nothing ever ran.
 */
export async function* followLogs(
  paths: FleetPaths,
  options: { readonly sources: readonly string[]; readonly lines: number; readonly follow: boolean },
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const sources = await existingSources(paths, options.sources);
  const logs = sources.map((source) => new Log(source, join(paths.logs, `${source}.log`)));
  for (const log of logs) {
    const lines = [...(await log.tail()), ...(options.follow ? [] : log.rest())];
    for (const text of options.lines > 0 ? lines.slice(-options.lines) : []) yield { source: log.source, text };
  }
  while (options.follow && !signal.aborted) {
    for (const log of logs) for (const text of await log.news()) yield { source: log.source, text };
    await pause(POLL_MS, undefined, { signal }).catch(() => {}); // aborted: the loop ends
  }
  if (!options.follow) return;
  for (const log of logs) for (const text of log.rest()) yield { source: log.source, text };
}

async function existingSources(paths: FleetPaths, wanted: readonly string[]): Promise<readonly string[]> {
  const files = await readdir(paths.logs).catch(() => []); // no state folder yet
  const found = files.filter((name) => name.endsWith('.log')).map((name) => name.slice(0, -'.log'.length));
  for (const source of wanted) {
    if (LOG_SOURCES.includes(source) || found.includes(source)) continue;
    const close = nearest(source, LOG_SOURCES);
    const hint = close === undefined ? '' : `; did you mean ${close}?`;
    throw new CamofleetError('CF_USAGE', `there is no log ${source}${hint} There are: ${LOG_SOURCES.join(', ')}`);
  }
  if (found.length === 0) throw new CamofleetError('CF_FLEET_NOT_RUNNING', `${paths.logs} holds no logs yet`);
  if (wanted.length > 0) return wanted;
  return LOG_SOURCES.filter((source) => found.includes(source));
}

/** One log, read from where the last reading ended. */
class Log {
  #offset = 0;
  #inode = 0;
  #decoder = new StringDecoder();
  #rest = '';

  constructor(
    readonly source: string,
    private readonly file: string,
  ) {}

  /** The whole lines at its end. */
  async tail(): Promise<string[]> {
    const lines: string[] = [];
    let cut = false;
    await this.#with(async (handle, size) => {
      cut = size > TAIL_BYTES;
      this.#offset = Math.max(0, size - TAIL_BYTES);
      lines.push(...(await this.#readTo(handle, size)));
    });
    return cut ? lines.slice(1) : lines;
  }

  /** The lines that have come since. */
  async news(): Promise<string[]> {
    const lines: string[] = [];
    await this.#with(async (handle, size) => {
      lines.push(...(await this.#readTo(handle, Math.min(size, this.#offset + TAIL_BYTES))));
    });
    return lines;
  }

  /** What its last writer has not ended with a new line. */
  rest(): string[] {
    return this.#rest === '' ? [] : [this.#rest];
  }

  async #readTo(handle: FileHandle, end: number): Promise<string[]> {
    const lines: string[] = [];
    while (this.#offset < end) {
      const length = Math.min(CHUNK_BYTES, end - this.#offset);
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, this.#offset);
      if (bytesRead === 0) break;
      this.#offset += bytesRead;
      const parts = (this.#rest + this.#decoder.write(buffer.subarray(0, bytesRead))).split('\n');
      const last = parts.pop() ?? '';
      lines.push(...parts, ...(last.length > MAX_LINE ? [last] : []));
      this.#rest = last.length > MAX_LINE ? '' : last;
    }
    return lines.filter((line) => line !== '');
  }

  async #with(work: (handle: FileHandle, size: number) => Promise<void>): Promise<void> {
    const handle = await open(this.file, 'r').catch(() => undefined); // not written yet
    if (!handle) return;
    try {
      const { size, ino } = await handle.stat();
      if (ino !== this.#inode || size < this.#offset) this.#startAnew(ino);
      await work(handle, size);
    } finally {
      await handle.close();
    }
  }

  #startAnew(inode: number): void {
    this.#inode = inode;
    this.#offset = 0;
    this.#rest = '';
    this.#decoder = new StringDecoder();
  }
}
