import { ensurePki } from '../../pki/index.js';
import type { Stage } from '../stage.js';

export interface Certificates {
  /** PEM files: the throw-away authority, the leaf with its chain, its key. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;

/** A leaf of a throw-away authority of the stage; one that was made long enough ago has run out. */
export async function makeCertificates(
  stage: Stage,
  hosts: readonly string[],
  { agedDays = 0, name = 'leaf' }: { readonly agedDays?: number; readonly name?: string } = {},
): Promise<Certificates> {
  const at = (file: string): string => `${stage.folder}/${file}`;
  const files = { ca: at('ca.pem'), certificate: at(`${name}.pem`), key: at(`${name}.key`) };
  await ensurePki(
    { caCertificate: files.ca, caKey: at('ca.key'), leafCertificate: files.certificate, leafKey: files.key },
    hosts,
    Date.now() - agedDays * DAY_MS,
  );
  return files;
}

/** Laid over the static configuration of Traefik: its entry point ends TLS. */
export const TLS_ENTRY = { entryPoints: { web: { http: { tls: {} } } } };

/** Of the dynamic configuration of Traefik: the certificate for its names. */
export function tlsOf({ certificate, key }: Certificates): { readonly tls: object } {
  return { tls: { certificates: [{ certFile: certificate, keyFile: key }] } };
}
