import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose';
import { z } from 'zod';
import { type Result, err, ok } from '../core/index.js';
import type { Keyring } from './keyring.js';

export type Rights = 'control' | 'view';

const claimsSchema = z.object({
  /** The fleet that the token is for. */
  aud: z.string(),
  /** The public session id. */
  sid: z.string(),
  /** The token's own id. */
  jti: z.string(),
  /** The share link it was made from, else absent. */
  grant: z.string().optional(),
  sub: z.string(),
  rights: z.enum(['control', 'view']),
  target: z.object({ host: z.string(), port: z.int().min(1).max(65_535) }),
  /** The session's RFB password: it travels nowhere else. */
  pw: z.string(),
  /** Seconds since the epoch. */
  iat: z.int(),
  /** Seconds since the epoch; limits opening, never an open socket. */
  exp: z.int(),
  /** Redeemed at control, atomically, before it opens anything. */
  once: z.boolean().optional(),
});

/** What a token says (spec section 5). */
export type TokenClaims = z.output<typeof claimsSchema>;

export type TokenRefusal = 'malformed' | 'unknown_key' | 'altered' | 'foreign_fleet' | 'expired';

const ALGORITHM = 'dir';
const ENCRYPTION = 'A256GCM';

/** The longest token that is looked at; a longer one was not made by us. */
const MAX_TOKEN_LENGTH = 4_096;

/** Compact JWE under the active key. */
export async function sealToken(claims: TokenClaims, keyring: Keyring): Promise<string> {
  const { kid, key } = keyring.active;
  return new CompactEncrypt(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader({ alg: ALGORITHM, enc: ENCRYPTION, kid })
    .encrypt(key);
}

/**
 * Opens a token for a fleet. Any algorithm but `dir` with A256GCM is refused before decryption. `nowMs` is epoch
 * milliseconds.
 */
export async function openToken(
  token: string,
  keyring: Keyring,
  expected: { readonly fleetId: string; readonly nowMs: number },
): Promise<Result<TokenClaims, TokenRefusal>> {
  const kid = keyId(token);
  if (kid === undefined) return err('malformed');
  const key = keyring.find(kid);
  if (!key) return err('unknown_key');
  const claims = await decrypt(token, key);
  if (!claims) return err('altered');
  if (claims.aud !== expected.fleetId) return err('foreign_fleet');
  if (claims.exp * 1000 <= expected.nowMs) return err('expired');
  return ok(claims);
}

function keyId(token: string): string | undefined {
  if (token.length > MAX_TOKEN_LENGTH || token.split('.').length !== 5) return undefined;
  try {
    const { alg, enc, kid } = decodeProtectedHeader(token);
    return alg === ALGORITHM && enc === ENCRYPTION && typeof kid === 'string' ? kid : undefined;
  } catch {
    return undefined; // not a JWE header: the caller says malformed
  }
}

async function decrypt(token: string, key: Uint8Array): Promise<TokenClaims | undefined> {
  try {
    const { plaintext } = await compactDecrypt(token, key, {
      keyManagementAlgorithms: [ALGORITHM],
      contentEncryptionAlgorithms: [ENCRYPTION],
    });
    return claimsSchema.parse(JSON.parse(Buffer.from(plaintext).toString('utf8')));
  } catch {
    return undefined; // wrong tag or wrong claims: the caller says altered
  }
}
