import { createHash } from 'node:crypto';
import { z } from 'zod';
import { CamofleetError } from '../core/index.js';

/** The first file of an archive. */
export const MANIFEST = 'manifest.json';

export const manifestSchema = z.object({
  schema: z.literal('camofleet.backup/1'),
  /** Of the camofleet that wrote it. */
  version: z.string(),
  fleet: z.string(),
  /** ISO 8601. */
  createdAt: z.string(),
  files: z.array(
    z.object({ path: z.string(), mode: z.int().min(0).max(0o777), bytes: z.int().min(0), sha256: z.string() }),
  ),
  /** Files that the topology names and that lie outside of the fleet's folder: they are not in the archive. */
  elsewhere: z.array(z.string()),
});

/** What a backup holds. */
export type Manifest = z.output<typeof manifestSchema>;

export function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The error of an archive that cannot be used. */
export function backupInvalid(file: string, why: string): CamofleetError {
  return new CamofleetError('CF_BACKUP_INVALID', `${file} ${why}`, { file });
}
