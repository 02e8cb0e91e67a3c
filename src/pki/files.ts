import { readFile } from 'node:fs/promises';

/** Files of the authority, absolute paths; keys get mode 0600. */
export interface Pki {
  readonly caCertificate: string;
  readonly caKey: string;
  readonly leafCertificate: string;
  readonly leafKey: string;
}

export const DAY_MS = 86_400_000;
export const CA_DAYS = 365;
export const LEAF_DAYS = 90;
/** A leaf is made anew when it has less than this left. */
export const RENEW_DAYS = 14;

/** The text of one of them. */
export function readOrUndefined(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined); // absent: it will be made
}
