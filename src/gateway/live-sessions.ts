import { setTimeout as pause } from 'node:timers/promises';
import type { RightsRevoked, SessionEnded, ViewerReport } from '../api/index.js';
import type { TokenClaims } from '../tokens/index.js';
import type { Relay } from './data-path.js';
import { TokenFamilies } from './token-families.js';

interface Live {
  readonly session: string;
  readonly claims: TokenClaims | undefined;
  readonly relay: Relay;
}

/** The sockets that are open now, and what is known of their tokens. */
export class LiveSessions {
  readonly families = new TokenFamilies();
  readonly #live = new Set<Live>();

  get size(): number {
    return this.#live.size;
  }

  /** Keeps a socket until the function that is returned says that it has ended. */
  add(live: Live): () => void {
    this.#live.add(live);
    return () => void this.#live.delete(live);
  }

  /** Whether a token of this family has a socket open, so that its page may have it renewed. */
  isOpen({ sid, jti }: TokenClaims): boolean {
    const root = this.families.rootOf(jti);
    return [...this.#live].some(
      ({ session, claims }) => session === sid && claims !== undefined && this.families.rootOf(claims.jti) === root,
    );
  }

  sessionEnded(fact: SessionEnded): void {
    if (fact.reason === 'crashed') return; // what the sockets themselves see is the cause
    for (const { session, claims, relay } of this.#live)
      if (claims && session === fact.session) relay.end('session_ended', fact.detail);
  }

  rightsRevoked(fact: RightsRevoked): void {
    this.families.revoke(fact);
    for (const { claims, relay } of this.#live)
      if (claims && this.families.isRevoked(claims)) relay.end('rights_revoked');
  }

  report(): ViewerReport {
    const viewers = [...this.#live].flatMap(({ session, claims, relay }) =>
      claims
        ? [{ session, jti: claims.jti, viewers: 1, lastActivityAt: new Date(relay.lastActivityAt).toISOString() }]
        : [],
    );
    return { viewers };
  }

  /** Ends every socket, spread evenly over a time, so that reconnects do not come all at once. */
  async drain(overMs: number): Promise<void> {
    const stepMs = overMs / Math.max(1, this.#live.size);
    for (const { relay } of this.#live) {
      relay.end('draining');
      await relay.ended;
      if (this.#live.size > 0) await pause(stepMs);
    }
  }

  endAll(): void {
    for (const { relay } of this.#live) relay.end('draining');
  }
}
