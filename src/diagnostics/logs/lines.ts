import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { type LogMark, partsSince } from './mark.js';
import { Needles } from './needles.js';

/** A line of a log, without its end. */
export interface LogLine {
  readonly text: string;
  /** Its own length in bytes was beyond the bound; `text` is its beginning. */
  readonly isCut: boolean;
}

/** A log line of ours has some hundred bytes; what is longer is no line of a log. */
const MAX_LINE_BYTES = 65_536;
/** Read at once, line by line; and where only needles are looked for. */
const CHUNK_BYTES = 262_144;
const SEARCH_BYTES = 1_048_576;
const LF = 0x0a;
const CR = 0x0d;
const NOTHING = Buffer.alloc(0);

/**
 * The lines that a log has gained since a mark (or since it had so many bytes); none when it cannot be found. What was
 * rotated away since then comes first; a log that was truncated or begun anew is read from its start. A last line without
 * its end is given as it is, and bytes that are no text as U+FFFD. Memory is bounded by one line.
 */
export async function* readLogSince(
  file: string,
  since: LogMark | number,
  maxBytes = Infinity,
): AsyncGenerator<LogLine> {
  for (const part of await partsSince(file, since)) yield* linesOf(part.file, { start: part.start, maxBytes });
}

/**
 * The lines of a part of a file that hold one of the needles, and no others: of a gigabyte a few are wanted, and only those
 * are ever cut out. Begins inside a line when `start` does.
 */
export async function* linesWith(
  file: string,
  { start, end }: { readonly start: number; readonly end: number },
  needles: readonly string[],
): AsyncGenerator<string> {
  if (needles.length === 0 || end <= start) return;
  const wanted = new Needles(needles);
  await using handle = await open(file);
  const buffer = Buffer.allocUnsafe(SEARCH_BYTES + MAX_LINE_BYTES);
  let kept = 0;
  for (let at = start; at < end; ) {
    const { bytesRead } = await handle.read(buffer, kept, Math.min(SEARCH_BYTES, end - at), at);
    if (bytesRead === 0) break;
    at += bytesRead;
    const filled = kept + bytesRead;
    const last = buffer.lastIndexOf(LF, filled - 1);
    yield* holding(buffer.subarray(0, Math.max(0, last)), wanted);
    // A line without end is no line of a log: only its last part is looked at again.
    const from = Math.max(last + 1, filled - MAX_LINE_BYTES);
    buffer.copyWithin(0, from, filled);
    kept = filled - from;
  }
  yield* holding(buffer.subarray(0, kept), wanted);
}

function* holding(bytes: Buffer, wanted: Needles): Generator<string> {
  for (let at = wanted.find(bytes, 0); at >= 0; ) {
    const start = bytes.lastIndexOf(LF, at) + 1;
    const end = bytes.indexOf(LF, at);
    const stop = end < 0 ? bytes.length : end;
    yield textOf(bytes.subarray(start, Math.min(stop, start + MAX_LINE_BYTES)));
    at = wanted.find(bytes, stop);
  }
}

async function* linesOf(
  file: string,
  { start, maxBytes }: { readonly start: number; readonly maxBytes: number },
): AsyncGenerator<LogLine> {
  let rest = NOTHING;
  let length = 0;
  let taken = 0;
  for await (const chunk of createReadStream(file, { start, highWaterMark: CHUNK_BYTES })) {
    const bytes = chunk as Buffer;
    let at = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, at)) {
      const piece = bytes.subarray(at, end);
      length += piece.length;
      yield { text: textOf(joined(rest, piece)), isCut: length > MAX_LINE_BYTES };
      rest = NOTHING;
      length = 0;
      taken += end + 1 - at;
      at = end + 1;
      if (taken > maxBytes) return;
    }
    const piece = bytes.subarray(at);
    rest = Buffer.from(joined(rest, piece));
    length += piece.length;
    taken += piece.length;
    if (taken > maxBytes) break;
  }
  if (length > 0) yield { text: textOf(rest), isCut: length > MAX_LINE_BYTES };
}

function joined(rest: Buffer, piece: Buffer): Buffer {
  const whole = rest.length === 0 ? piece : Buffer.concat([rest, piece.subarray(0, MAX_LINE_BYTES - rest.length)]);
  return whole.length > MAX_LINE_BYTES ? whole.subarray(0, MAX_LINE_BYTES) : whole;
}

function textOf(line: Buffer): string {
  return line.toString('utf8', 0, line.at(-1) === CR ? line.length - 1 : line.length);
}

/** Bytes of a file; undefined when it is not written yet, or not ours to read. */
export async function sizeOf(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ size }) => size,
    () => undefined,
  );
}
