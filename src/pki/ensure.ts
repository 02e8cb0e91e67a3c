import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { CamofleetError, errorText } from '../core/index.js';
import { DAY_MS, LEAF_DAYS, type Pki, RENEW_DAYS, readOrUndefined } from './files.js';

/** Makes what is missing, runs out, or does not cover the hosts, with `anew` also a leaf that is good; says what it did. */
export async function ensurePki(
  files: Pki,
  hosts: readonly string[],
  nowMs: number,
  { anew = false }: { readonly anew?: boolean } = {},
): Promise<'kept' | 'leaf renewed' | 'made'> {
  try {
    if (!anew && (await isGood(files, hosts, nowMs))) return 'kept';
    const { makeCertificates } = await import('./authority.js'); // its library takes a while to load
    return await makeCertificates(files, hosts, nowMs);
  } catch (cause) {
    throw new CamofleetError(
      'CF_PKI_FAILED',
      `certificates cannot be made in ${files.caCertificate}: ${errorText(cause)}`,
      {},
      { cause },
    );
  }
}

async function isGood(files: Pki, hosts: readonly string[], nowMs: number): Promise<boolean> {
  const { caCertificate, caKey, leafCertificate, leafKey } = files;
  const texts = await Promise.all([caCertificate, leafCertificate, caKey, leafKey].map(readOrUndefined));
  if (texts.includes(undefined)) return false;
  const [authority, leaf] = texts.slice(0, 2).map((text) => new X509Certificate(text!)) as [
    X509Certificate,
    X509Certificate,
  ];
  const daysLeft = (certificate: X509Certificate): number => (certificate.validToDate.getTime() - nowMs) / DAY_MS;
  const covers = hosts.every((host) => (isIP(host) ? leaf.checkIP(host) : leaf.checkHost(host)) !== undefined);
  return covers && leaf.checkIssued(authority) && daysLeft(leaf) > RENEW_DAYS && daysLeft(authority) >= LEAF_DAYS;
}
