import { readFileSync, statSync } from 'node:fs';
import { type SecureContextOptions, createSecureContext } from 'node:tls';
import { CamofleetError, errorText } from '../core/index.js';

/** How often the files are looked at. */
const LOOK_MS = 10_000;
/** Older protocols have no ciphers worth having. */
const LEAST_VERSION = 'TLSv1.2';

/** Certificate and key of a listener that ends TLS. */
export interface Certificate {
  readonly options: SecureContextOptions;
  /** Looks at the files until the function that is returned is called. */
  watch(on: CertificateEvents): () => void;
}

interface CertificateEvents {
  /** The files have changed and belong together. Open sockets keep what they have. */
  readonly renewed: (options: SecureContextOptions) => void;
  /** They have changed and cannot be used; the ones before stay. */
  readonly problem: (problem: string) => void;
}

/** Reads the files. Throws CF_CONFIG_INVALID when they cannot be read, or do not belong together. */
export function loadCertificate(certFile: string, keyFile: string): Certificate {
  const stamp = (): string =>
    [certFile, keyFile].map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs).join();
  let seen = stamp();
  return {
    options: read(certFile, keyFile),
    watch: ({ renewed, problem }) => {
      const timer = setInterval(() => {
        const now = stamp();
        if (now === seen) return;
        seen = now;
        try {
          renewed(read(certFile, keyFile));
        } catch (error) {
          problem(`${errorText(error)}; the one before stays`);
        }
      }, LOOK_MS);
      return () => clearInterval(timer);
    },
  };
}

function read(certFile: string, keyFile: string): SecureContextOptions {
  try {
    const options = { cert: readFileSync(certFile), key: readFileSync(keyFile), minVersion: LEAST_VERSION } as const;
    createSecureContext(options); // throws when they do not belong together
    return options;
  } catch (cause) {
    throw new CamofleetError(
      'CF_CONFIG_INVALID',
      `the certificate ${certFile} and the key ${keyFile} cannot be used: ${errorText(cause)}`,
      { certFile, keyFile },
      { cause },
    );
  }
}
