import { randomBytes } from 'node:crypto';

export type Brand<T, Name extends string> = T & { readonly __brand: Name };

/** The public id of a session: random, never reused, a name and not a listener. */
export type SessionId = Brand<string, 'SessionId'>;
/** One attempt to open a socket, made by the gateway or taken from a trusted proxy. */
export type RequestId = Brand<string, 'RequestId'>;

/** Characters of ids and tokens (spec section 2). A `dir` JWE holds `..`: test path segments, not substrings. */
export const VALID_ID = /^[A-Za-z0-9_.-]+$/;

/** The longest public id that is looked up; longer ones are refused unread. */
const MAX_ID_LENGTH = 64;

/** Parses a public session id; undefined when it has characters or a length that no id has. */
export function publicId(text: string): SessionId | undefined {
  return text.length <= MAX_ID_LENGTH && VALID_ID.test(text) ? (text as SessionId) : undefined;
}

/** A random id of `bytes` bytes in base64url, safe in a path segment; never begins with `-` so that it can be an argument. */
export function randomId(bytes = 9): string {
  const id = randomBytes(bytes).toString('base64url');
  return id.startsWith('-') || id.startsWith('_') ? randomId(bytes) : id;
}
