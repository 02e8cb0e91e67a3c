import { randomBytes } from 'node:crypto';

export type Brand<T, Name extends string> = T & { readonly __brand: Name };

/** The public id of a session: random, never reused, a name and not a listener. */
export type SessionId = Brand<string, 'SessionId'>;

/** Characters of ids and tokens (spec section 2). A `dir` JWE holds `..`: test path segments, not substrings. */
export const VALID_ID = /^[A-Za-z0-9_.-]+$/;

/** A random id of `bytes` bytes in base64url, safe in a path segment; never begins with `-` so that it can be an argument. */
export function randomId(bytes = 9): string {
  const id = randomBytes(bytes).toString('base64url');
  return id.startsWith('-') || id.startsWith('_') ? randomId(bytes) : id;
}
