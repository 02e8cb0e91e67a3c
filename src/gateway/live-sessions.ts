import type { RightsRevoked, SessionEnded, ViewerReport } from '../api/index.js';
import type { TokenClaims } from '../tokens/index.js';
import type { Relay } from './data-path.js';

interface Live {
  readonly session: string;
  readonly claims: TokenClaims | undefined;
  readonly relay: Relay;
}

/** The sockets that are open now. */
export class LiveSessions {
  readonly #live = new Set<Live>();

  get size(): number {
    return this.#live.size;
  }

  /** Keeps a socket until it ends. */
  add(live: Live): void {
    this.#live.add(live);
    void live.relay.ended.then(() => this.#live.delete(live));
  }

  /** Whether a token of this session and grant has a socket open, so that its page may have the token renewed. */
  isOpen(session: string, jti: string): boolean {
    return [...this.#live].some(({ session: id, claims }) => id === session && claims?.jti === jti);
  }

  sessionEnded(fact: SessionEnded): void {
    if (fact.reason === 'crashed') return; // what the sockets themselves see is the cause
    for (const { session, relay } of this.#live) if (session === fact.session) relay.end('session_ended', fact.detail);
  }

  rightsRevoked(fact: RightsRevoked): void {
    for (const { session, claims, relay } of this.#live) {
      if (session !== fact.session) continue;
      const named = fact.jti === undefined && fact.grant === undefined;
      if (named || claims?.jti === fact.jti || (fact.grant !== undefined && claims?.grant === fact.grant))
        relay.end('rights_revoked');
    }
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
    const live = [...this.#live];
    const step = overMs / Math.max(1, live.length);
    for (const { relay } of live) {
      relay.end('draining');
      await new Promise((resolve) => setTimeout(resolve, step));
    }
  }

  endAll(): void {
    for (const { relay } of this.#live) relay.end('draining');
  }

  /** Resolves when no socket is left. */
  async empty(): Promise<void> {
    await Promise.all([...this.#live].map(({ relay }) => relay.ended));
  }
}
