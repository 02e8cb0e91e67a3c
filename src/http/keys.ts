import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { CamofleetError, errorText, isPrivateFile } from '../core/index.js';

/** Reads a key file; undefined for no path. A key that others can read, or that is empty, is an error. */
export function readKeyFile(file: string): string | undefined {
  if (file === '') return undefined;
  try {
    if (!isPrivateFile(statSync(file)))
      throw new CamofleetError('CF_KEYS_INVALID', `${file} can be read by others; run: chmod 600 ${file}`, { file });
    const key = readFileSync(file, 'utf8').trim();
    if (key === '') throw new CamofleetError('CF_KEYS_INVALID', `${file} is empty, a key is wanted`, { file });
    return key;
  } catch (cause) {
    if (cause instanceof CamofleetError) throw cause;
    throw new CamofleetError('CF_KEYS_INVALID', `${file} cannot be read: ${errorText(cause)}`, { file }, { cause });
  }
}

/** Compares `Authorization: Bearer …` with a key in constant time. */
export function bearerMatches(authorization: string | undefined, key: string): boolean {
  const shown = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1] ?? '';
  return timingSafeEqual(digest(shown), digest(key)) && shown !== '';
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
