import { randomBytes } from 'node:crypto';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { CamofleetError, isPrivateFile, randomId } from '../core/index.js';

/** The keys that tokens are sealed and opened with; two may live at once while they are rotated. */
export interface Keyring {
  readonly active: { readonly kid: string; readonly key: Uint8Array };
  find(kid: string): Uint8Array | undefined;
}

const fileSchema = z.strictObject({ active: z.string(), keys: z.record(z.string(), z.string()) });

/** Bytes of an A256GCM key. */
const KEY_LENGTH = 32;

/** Parses the text of a key file `{active, keys: {kid: base64url}}`. */
export function parseKeyring(text: string, file: string): Keyring {
  const invalid = (why: string): CamofleetError => new CamofleetError('CF_KEYS_INVALID', `${file}: ${why}`, { file });
  const parsed = fileSchema.safeParse(jsonOrUndefined(text));
  if (!parsed.success) throw invalid('wanted {"active": kid, "keys": {kid: base64url}}');
  const keys = new Map(
    Object.entries(parsed.data.keys).map(([kid, key]) => [kid, Buffer.from(key, 'base64url')] as const),
  );
  const short = [...keys].find(([, key]) => key.length !== KEY_LENGTH);
  if (short) throw invalid(`key ${JSON.stringify(short[0])} has ${short[1].length} bytes, wanted ${KEY_LENGTH}`);
  const key = keys.get(parsed.data.active);
  if (!key) throw invalid(`the active key ${JSON.stringify(parsed.data.active)} is not among the keys`);
  return { active: { kid: parsed.data.active, key }, find: (kid) => keys.get(kid) };
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema then says what was wanted
  }
}

/** Writes a new key file with one key, mode 0600; fails when the file exists. */
export async function createKeyFile(file: string): Promise<void> {
  const kid = randomId(6);
  const content = { active: kid, keys: { [kid]: randomBytes(KEY_LENGTH).toString('base64url') } };
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
}

/**
 * Adds a key and makes it the active one. The one before still opens what it has sealed, or with `drop` nothing from before
 * opens any more; older ones go. Throws CF_KEYS_INVALID.
 */
export async function rotateKeyFile(
  file: string,
  { drop }: { readonly drop: boolean },
): Promise<{ readonly active: string; readonly kept: readonly string[] }> {
  const { keyring } = await read(file);
  const { kid: before, key } = keyring.active;
  const kid = randomId(6);
  const kept = drop ? {} : { [before]: Buffer.from(key).toString('base64url') };
  const content = { active: kid, keys: { [kid]: randomBytes(KEY_LENGTH).toString('base64url'), ...kept } };
  await writeFile(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
  return { active: kid, kept: Object.keys(kept) };
}

/** The key file, which is its owner's alone, read again when it changes. While a new version cannot be read, the last good one stays. */
export async function openKeyFile(
  file: string,
  onProblem: (problem: CamofleetError) => void,
): Promise<() => Promise<Keyring>> {
  let current = await read(file);
  return async () => {
    const version = await versionOf(file);
    if (version === undefined || version === current.version) return current.keyring;
    try {
      current = await read(file);
    } catch (error) {
      current = { ...current, version };
      onProblem(
        error instanceof CamofleetError
          ? error
          : new CamofleetError('CF_KEYS_INVALID', String(error), { file }, { cause: error }),
      );
    }
    return current.keyring;
  };
}

async function read(file: string): Promise<{ readonly keyring: Keyring; readonly version: string | undefined }> {
  try {
    const version = await versionOf(file);
    if (!isPrivateFile(await stat(file)))
      throw new CamofleetError('CF_KEYS_INVALID', `${file} can be read by others; run: chmod 600 ${file}`, { file });
    return { keyring: parseKeyring(await readFile(file, 'utf8'), file), version };
  } catch (cause) {
    if (cause instanceof CamofleetError) throw cause;
    throw new CamofleetError(
      'CF_KEYS_INVALID',
      `${file} cannot be read: ${(cause as Error).message}`,
      { file },
      { cause },
    );
  }
}

/** Identity of the file's content as the file system sees it; undefined while it cannot be read. */
async function versionOf(file: string): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined); // a key file that is being replaced: the last good one stays
  return found && `${found.ino}:${found.ctimeMs}:${found.size}`;
}
