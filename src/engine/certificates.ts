import { X509Certificate, createPrivateKey } from 'node:crypto';
import { statSync } from 'node:fs';
import { readFile, utimes } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { CamofleetError, type Clock, errorText } from '../core/index.js';
import { ensurePki } from '../pki/index.js';
import type { FleetPaths, Topology } from '../topology/index.js';
import { certificateHosts } from './state.js';

/** The certificate that the fleet shows, as its file says. */
export interface CertificateFacts {
  readonly file: string;
  readonly subject: string;
  /** As in the extension: `DNS:localhost, IP Address:127.0.0.1`. */
  readonly names: string;
  readonly issuer: string;
  /** ISO 8601. */
  readonly validTo: string;
  /** Whole days, less than 0 when it has run out. */
  readonly daysLeft: number;
  /** SHA-256 of the certificate. */
  readonly fingerprint: string;
}

export interface Renewal {
  /** `made`: the authority as well, and who trusts it needs the new one. */
  readonly certificates: 'kept' | 'leaf renewed' | 'made';
  readonly certificate: CertificateFacts;
}

const DAY_MS = 86_400_000;
/** A certificate with less left is spoken of; the throw-away one is renewed well before. */
export const EXPIRES_SOON_DAYS = 7;

/** Undefined where Traefik gets its certificates itself. Throws CF_FILES for a file that cannot be read. */
export async function readCertificate(
  paths: FleetPaths,
  { tls }: Topology,
  nowMs: number,
): Promise<CertificateFacts | undefined> {
  if (tls.mode === 'acme') return undefined;
  const own = tls.mode === 'files' && tls.certificate !== undefined;
  const file = own ? resolve(paths.root, tls.certificate!) : paths.leafCertificate;
  try {
    const certificate = new X509Certificate(await readFile(file));
    return {
      file,
      subject: certificate.subject,
      names: certificate.subjectAltName ?? '',
      issuer: certificate.issuer,
      validTo: certificate.validToDate.toISOString(),
      daysLeft: Math.floor((certificate.validToDate.getTime() - nowMs) / DAY_MS),
      fingerprint: certificate.fingerprint256,
    };
  } catch (cause) {
    throw new CamofleetError('CF_FILES', `${file} is no certificate: ${errorText(cause)}`, { file }, { cause });
  }
}

/**
 * Makes the fleet's own leaf anew when it runs out, or when told. Open sockets keep the one that they began with. Throws
 * CF_USAGE where the certificate is not this fleet's to renew.
 */
export async function renewCertificate(
  paths: FleetPaths,
  topology: Topology,
  { anew, nowMs }: { readonly anew: boolean; readonly nowMs: number },
): Promise<Renewal> {
  const { mode } = topology.tls;
  if (mode === 'acme') throw new CamofleetError('CF_USAGE', 'Traefik renews it: tls.mode is acme');
  const certificates =
    mode === 'throwaway' ? await ensurePki(paths, certificateHosts(topology), nowMs, { anew }) : 'kept';
  const certificate = await readCertificate(paths, topology, nowMs);
  return { certificates, certificate: certificate! };
}

/**
 * Has a Traefik that watches this folder load its certificates again: it sees when its own files change, not those that they
 * name. The gateway and the embedded ingress look by themselves.
 */
export async function touchDynamic(folder: string, nowMs: number): Promise<void> {
  const now = new Date(nowMs);
  await utimes(join(folder, 'camofleet.yaml'), now, now).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw new CamofleetError('CF_FILES', errorText(error), {}, { cause: error });
  });
}

/** Between two looks at the files. */
const LOOK_MS = 10_000;
/** Between two looks at how long the certificate is good for. */
const RENEW_EVERY_MS = 6 * 3_600_000;

interface Watching {
  readonly clock: Clock;
  /** Files of the certificate and its key, as the ingress reads them. */
  readonly certificate: string;
  readonly key: string;
  /** They have changed and belong together. */
  readonly onChange: () => Promise<void>;
  /** Renews what runs out; called now and then. */
  readonly renew: () => Promise<void>;
  readonly onProblem: (problem: string) => void;
}

/** Renews in time and tells of every change of the files, also one by another hand, until it is disposed. */
export function watchCertificate({ clock, certificate, key, onChange, renew, onProblem }: Watching): Disposable {
  let seen = stamp(certificate, key);
  let renewedAt = clock.monotonic();
  const look = async (): Promise<void> => {
    if (clock.monotonic() - renewedAt >= RENEW_EVERY_MS) {
      renewedAt = clock.monotonic();
      await renew();
    }
    const now = stamp(certificate, key);
    if (now === seen) return;
    // One of the two may still be on its way: what does not belong together would leave the ingress without any.
    if (!new X509Certificate(await readFile(certificate)).checkPrivateKey(createPrivateKey(await readFile(key))))
      return;
    seen = now;
    await onChange();
  };
  let isLooking = false;
  const lookOnce = async (): Promise<void> => {
    if (isLooking) return; // a slow disk: the change is told once
    isLooking = true;
    await look().catch((error: unknown) => onProblem(errorText(error)));
    isLooking = false;
  };
  const timer = setInterval(() => void lookOnce(), LOOK_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function stamp(...files: readonly string[]): string {
  return files.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs).join();
}
