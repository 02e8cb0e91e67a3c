import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** A line of a log, without its end. */
export interface LogLine {
  readonly text: string;
  /** Its own length in bytes was beyond the bound; `text` is its beginning. */
  readonly isCut: boolean;
}

/** A log line of ours has some hundred bytes; what is longer is no line of a log. */
export const MAX_LINE_BYTES = 65_536;
const LF = 0x0a;

/**
 * The lines that a log has gained since it was `offset` bytes long; none when it cannot be found. A log that is shorter
 * than that was truncated or begun anew and is read from its start; when it was rotated, what `<file>.1` has behind the
 * offset comes first. A last line without its end is given as it is. Memory is bounded by one line.
 */
export async function* readLogSince(file: string, offset: number, maxBytes = Infinity): AsyncGenerator<LogLine> {
  const size = await sizeOf(file);
  if (size === undefined) return;
  if (size >= offset) return yield* linesFrom(file, offset, maxBytes);
  const rotated = `${file}.1`;
  const rotatedSize = await sizeOf(rotated);
  if (rotatedSize !== undefined && rotatedSize >= offset) yield* linesFrom(rotated, offset, maxBytes);
  yield* linesFrom(file, 0, maxBytes);
}

async function sizeOf(file: string): Promise<number | undefined> {
  return stat(file).then(
    ({ size }) => size,
    () => undefined, // not written yet, or not ours to read
  );
}

async function* linesFrom(file: string, start: number, maxBytes: number): AsyncGenerator<LogLine> {
  let rest: Buffer = Buffer.alloc(0);
  let length = 0;
  let taken = 0;
  const line = (): LogLine => {
    const text = rest.toString('utf8').replace(/\r$/, '');
    const isCut = length > rest.length;
    rest = Buffer.alloc(0);
    length = 0;
    return { text, isCut };
  };
  for await (const chunk of createReadStream(file, { start })) {
    const bytes = chunk as Buffer;
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(LF, at);
      const piece = bytes.subarray(at, end < 0 ? bytes.length : end);
      length += piece.length;
      if (rest.length < MAX_LINE_BYTES) rest = Buffer.concat([rest, piece.subarray(0, MAX_LINE_BYTES - rest.length)]);
      at += piece.length + 1;
      taken += piece.length + 1;
      if (end >= 0) yield line();
      if (taken > maxBytes) return;
    }
  }
  if (length > 0) yield line();
}
