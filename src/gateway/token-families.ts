import type { RightsRevoked } from '../api/index.js';
import type { TokenClaims } from '../tokens/index.js';

/** Renewals and revocations that are remembered; both outlive the tokens they are about by far. */
const MAX_REMEMBERED = 20_000;

/**
 * Which tokens belong together, and which rights were taken back. A token and all that were renewed from it are one
 * family: what is said of one of them holds for all.
 */
export class TokenFamilies {
  readonly #roots = new Map<string, string>();
  readonly #revoked = new Map<string, number>();

  /** The token that a token was first made as. */
  rootOf(jti: string): string {
    return this.#roots.get(jti) ?? jti;
  }

  renewed(from: string, to: string): void {
    remember(this.#roots, to, this.rootOf(from));
  }

  revoke(fact: RightsRevoked): void {
    const at = Date.parse(fact.at);
    if (fact.jti !== undefined) remember(this.#revoked, jtiKey(this.rootOf(fact.jti)), at);
    if (fact.grant !== undefined) remember(this.#revoked, grantKey(fact.grant), at);
    if (fact.jti === undefined && fact.grant === undefined) remember(this.#revoked, sessionKey(fact.session), at);
  }

  /** Whether a token may open nothing any more. A session's revocation spares the tokens that were made after it. */
  isRevoked({ jti, grant, sid, iat }: TokenClaims): boolean {
    const sessionAt = this.#revoked.get(sessionKey(sid));
    return (
      this.#revoked.has(jtiKey(this.rootOf(jti))) ||
      (grant !== undefined && this.#revoked.has(grantKey(grant))) ||
      (sessionAt !== undefined && iat * 1_000 <= sessionAt)
    );
  }
}

const jtiKey = (jti: string): string => `jti ${jti}`;
const grantKey = (grant: string): string => `grant ${grant}`;
const sessionKey = (session: string): string => `session ${session}`;

/** Sets an entry; beyond the bound the oldest is forgotten. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MAX_REMEMBERED && oldest !== undefined) map.delete(oldest);
}
