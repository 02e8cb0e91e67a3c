import type { RightsRevoked } from '../api/index.js';
import type { TokenClaims } from '../tokens/index.js';

/** Revocations that are remembered; they outlive the tokens they are about by far. */
const MAX_REMEMBERED = 20_000;

/** The rights that were taken back. A renewed token keeps its `jti` and grant, so that it ends with what it came from. */
export class Revocations {
  readonly #revoked = new Map<string, number>();

  revoke({ session, jti, grant, at }: RightsRevoked): void {
    const when = Date.parse(at);
    if (jti !== undefined) this.#remember(jtiKey(jti), when);
    if (grant !== undefined) this.#remember(grantKey(grant), when);
    if (jti === undefined && grant === undefined) this.#remember(sessionKey(session), when);
  }

  /** Whether a token may open nothing any more. A session's revocation spares the tokens that were made after it. */
  isRevoked({ jti, grant, sid, iat }: TokenClaims): boolean {
    const sessionAt = this.#revoked.get(sessionKey(sid));
    return (
      this.#revoked.has(jtiKey(jti)) ||
      (grant !== undefined && this.#revoked.has(grantKey(grant))) ||
      (sessionAt !== undefined && iat * 1_000 <= sessionAt)
    );
  }

  /** Beyond the bound the oldest is forgotten. */
  #remember(key: string, at: number): void {
    this.#revoked.delete(key);
    this.#revoked.set(key, at);
    const [oldest] = this.#revoked.keys();
    if (this.#revoked.size > MAX_REMEMBERED && oldest !== undefined) this.#revoked.delete(oldest);
  }
}

const jtiKey = (jti: string): string => `jti ${jti}`;
const grantKey = (grant: string): string => `grant ${grant}`;
const sessionKey = (session: string): string => `session ${session}`;
