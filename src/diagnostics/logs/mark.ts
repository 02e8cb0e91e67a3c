import { open, readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Where a log ended at a time, in a way that is found again after it was renamed, copied or emptied. */
export interface LogMark {
  readonly size: number;
  readonly inode: number | undefined;
  /** Its last bytes. */
  readonly tail: Buffer;
}

/** Enough to tell one place of a log from all others. */
const TAIL_BYTES = 256;
/** Files of a rotation that are looked at: the newest ones. */
const MAX_ROTATED = 16;
const COMPRESSED = /\.(?:gz|bz2|xz|zst|lz4)$/;
const NOTHING = Buffer.alloc(0);

interface Part {
  readonly file: string;
  readonly start: number;
}

interface Candidate {
  readonly file: string;
  readonly size: number;
  readonly inode: number;
  readonly changedAt: number;
}

/** Where a log ends now. One that is not written yet ends at its beginning. */
export async function markLog(file: string): Promise<LogMark> {
  try {
    await using handle = await open(file);
    const { size, ino } = await handle.stat();
    return { size, inode: ino, tail: await bytesBefore(handle, size) };
  } catch {
    return { size: 0, inode: undefined, tail: NOTHING }; // whatever it will hold is new
  }
}

/** The files that hold what a log has gained since a mark, oldest first, and where to begin in each. */
export async function partsSince(file: string, since: LogMark | number): Promise<readonly Part[]> {
  const mark = typeof since === 'number' ? { size: since, inode: undefined, tail: NOTHING } : since;
  const own = await candidate(file);
  if (own && own.inode === (mark.inode ?? own.inode) && (await continues(own, mark)))
    return [{ file, start: mark.size }];
  const current = own ? [{ file, start: 0 }] : [];
  const rotated = mark.size > 0 || mark.inode !== undefined ? await rotatedOf(file) : [];
  const found = await placeOf(mark, rotated);
  if (found < 0) return current;
  const [first, ...later] = rotated.slice(found);
  return [{ file: first!.file, start: mark.size }, ...later.map((one) => ({ file: one.file, start: 0 })), ...current];
}

/** Which of the rotated files goes on where the mark was: the same file by another name, else a copy of it. */
async function placeOf(mark: LogMark, rotated: readonly Candidate[]): Promise<number> {
  const goOn = await Promise.all(rotated.map((one) => continues(one, mark)));
  const renamed = rotated.findIndex(({ inode }, index) => inode === mark.inode && goOn[index]);
  return renamed >= 0 || mark.size === 0 ? renamed : goOn.lastIndexOf(true);
}

async function continues({ file, size }: Candidate, mark: LogMark): Promise<boolean> {
  if (size < mark.size) return false;
  if (mark.tail.length === 0) return true;
  try {
    await using handle = await open(file);
    return (await bytesBefore(handle, mark.size)).equals(mark.tail);
  } catch {
    return false; // rotated away meanwhile
  }
}

/** Neighbours whose names begin with that of the log, oldest first: `access.log.1`, `access.log-20261126`. */
async function rotatedOf(file: string): Promise<readonly Candidate[]> {
  const names = await readdir(dirname(file)).catch(() => []); // then it cannot be followed
  const own = basename(file);
  const rotated = names.filter(
    (name) => name !== own && /^[.-]\d/.test(name.slice(own.length)) && name.startsWith(own),
  );
  const known = await Promise.all(
    rotated.filter((name) => !COMPRESSED.test(name)).map((name) => candidate(join(dirname(file), name))),
  );
  const sorted = known.filter((one) => one !== undefined).toSorted((a, b) => a.changedAt - b.changedAt);
  return sorted.slice(-MAX_ROTATED);
}

async function candidate(file: string): Promise<Candidate | undefined> {
  return stat(file).then(
    ({ size, ino, mtimeMs }) => ({ file, size, inode: ino, changedAt: mtimeMs }),
    () => undefined, // not written yet, or not ours to read
  );
}

async function bytesBefore(handle: Awaited<ReturnType<typeof open>>, end: number): Promise<Buffer> {
  const length = Math.min(TAIL_BYTES, end);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, end - length);
  return buffer.subarray(0, bytesRead);
}
