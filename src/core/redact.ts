import { createHash } from 'node:crypto';

/** How a token may appear anywhere: the first 8 characters of its SHA-256 in hex. */
export function fingerprint(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 8);
}

/** A compact JWE with `alg: dir`: five base64url parts of which the second is empty. */
const COMPACT_JWE = /\b[A-Za-z0-9_-]{16,}\.\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+/g;
const SECRET_PARAMETER = /([?&#](?:token|access_token|password|key)=)([^&#\s"']+)/g;
const BEARER = /(\bBearer\s+)([A-Za-z0-9._~+/=-]+)/gi;

/** Hides tokens, bearer keys and secret query values; says how many it hid. */
export function redactText(text: string): { readonly text: string; readonly hidden: number } {
  let hidden = 0;
  const hide = (secret: string): string => {
    hidden += 1;
    return `[hidden ${fingerprint(secret)}]`;
  };
  const result = text
    .replace(SECRET_PARAMETER, (_match, name: string, secret: string) =>
      secret.startsWith('[hidden') ? `${name}${secret}` : `${name}${hide(secret)}`,
    )
    .replace(BEARER, (_match, word: string, secret: string) => `${word}${hide(secret)}`)
    .replace(COMPACT_JWE, (secret) => hide(secret));
  return { text: result, hidden };
}
