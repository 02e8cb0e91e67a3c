import { type Result, err, ok } from '../core/index.js';

/** A regular file of an archive; anything else has no place in a backup. */
export interface TarEntry {
  /** Relative, with slashes. */
  readonly path: string;
  /** The lower nine bits. */
  readonly mode: number;
  readonly data: Uint8Array;
}

/** POSIX ustar (IEEE Std 1003.1, pax: "ustar Interchange Format"): 512-byte blocks, a header before each file. */
const BLOCK = 512;
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 6],
  prefix: [345, 155],
} as const;
type Field = keyof typeof FIELDS;
const REGULAR = new Set(['0', '\0', '']);
const FOLDER = '5';

/** An archive of these files. Throws a RangeError for a path that ustar cannot hold. */
export function packTar(entries: readonly TarEntry[], mtimeSeconds: number): Buffer {
  const blocks = entries.flatMap(({ path, mode, data }) => [
    header(path, mode, data.length, mtimeSeconds),
    Buffer.from(data),
    Buffer.alloc(paddingOf(data.length)),
  ]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

/** The files of an archive, in its order; folders are passed over, anything else is an error in words. */
export function unpackTar(bytes: Buffer): Result<TarEntry[], string> {
  const entries: TarEntry[] = [];
  for (let at = 0; at + BLOCK <= bytes.length; ) {
    const block = bytes.subarray(at, at + BLOCK);
    if (block.every((byte) => byte === 0)) return ok(entries);
    const size = number(block, 'size');
    if (text(block, 'magic').trim() !== 'ustar' || number(block, 'checksum') !== checksumOf(block))
      return err(`is no tar archive from byte ${at} on`);
    if (size === undefined || at + BLOCK + size > bytes.length) return err('is cut short');
    const prefix = text(block, 'prefix');
    const path = `${prefix === '' ? '' : `${prefix}/`}${text(block, 'name')}`;
    const type = text(block, 'type');
    const data = bytes.subarray(at + BLOCK, at + BLOCK + size);
    if (REGULAR.has(type)) entries.push({ path, mode: (number(block, 'mode') ?? 0) & 0o777, data });
    else if (type !== FOLDER) return err(`holds ${JSON.stringify(path)}, which is no regular file`);
    at += BLOCK + size + paddingOf(size);
  }
  return err('is cut short');
}

function header(path: string, mode: number, size: number, mtimeSeconds: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const { name, prefix } = split(path);
  put(block, 'name', name);
  put(block, 'prefix', prefix);
  put(block, 'mode', octal(mode, 'mode'));
  put(block, 'uid', octal(0, 'uid'));
  put(block, 'gid', octal(0, 'gid'));
  put(block, 'size', octal(size, 'size'));
  put(block, 'mtime', octal(mtimeSeconds, 'mtime'));
  put(block, 'type', '0');
  put(block, 'magic', 'ustar\0');
  block.write('00', FIELDS.magic[0] + FIELDS.magic[1]); // version
  put(block, 'checksum', octal(checksumOf(block), 'checksum'));
  return block;
}

/** A long path lies in two fields, parted at a slash. */
function split(path: string): { readonly name: string; readonly prefix: string } {
  if (Buffer.byteLength(path) <= FIELDS.name[1]) return { name: path, prefix: '' };
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(prefix) <= FIELDS.prefix[1] && Buffer.byteLength(name) <= FIELDS.name[1])
      return { name, prefix };
  }
  throw new RangeError(`${path} is too long a path for an archive`);
}

function put(block: Buffer, field: Field, value: string): void {
  const [at, length] = FIELDS[field];
  block.write(value, at, length);
}

/** As wide as its field, with the NUL that ends it. */
function octal(value: number, field: Field): string {
  return `${value.toString(8).padStart(FIELDS[field][1] - 1, '0')}\0`;
}

function text(block: Buffer, field: Field): string {
  const [at, length] = FIELDS[field];
  const raw = block.toString('utf8', at, at + length);
  const end = raw.indexOf('\0');
  return end === -1 ? raw : raw.slice(0, end);
}

function number(block: Buffer, field: Field): number | undefined {
  const digits = text(block, field).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

/** The sum of all bytes, those of the sum itself taken as blanks. */
function checksumOf(block: Buffer): number {
  const [from, length] = FIELDS.checksum;
  return block.reduce((sum, byte, at) => sum + (at >= from && at < from + length ? 0x20 : byte), 0);
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}
