import { readFileSync, statSync } from 'node:fs';
import { type SecureContextOptions, createSecureContext } from 'node:tls';
import { CamofleetError, errorText } from '../core/index.js';
import { certificateProblem, certificateRenewed } from './events.js';

/** How often the files are looked at. */
const LOOK_MS = 10_000;
/** Older protocols have no ciphers worth having. */
const LEAST_VERSION = 'TLSv1.2';

/** Certificate and key of the public listener, for deployments in which nothing in front of the gateway ends TLS. */
export interface Certificate {
  readonly options: SecureContextOptions;
  /** Hands the options on whenever the files have changed and belong together; open sockets keep theirs. */
  watch(renew: (options: SecureContextOptions) => void): () => void;
}

/** Reads the files. Throws CF_CONFIG_INVALID when they cannot be read, or do not belong together. */
export function loadCertificate(certFile: string, keyFile: string): Certificate {
  const stamp = (): string =>
    [certFile, keyFile].map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs).join();
  let seen = stamp();
  return {
    options: read(certFile, keyFile),
    watch: (renew) => {
      const timer = setInterval(() => {
        const now = stamp();
        if (now === seen) return;
        seen = now;
        try {
          renew(read(certFile, keyFile));
          certificateRenewed.publish({ file: certFile });
        } catch (error) {
          certificateProblem.publish({ problem: `${errorText(error)}; the one before stays` });
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
