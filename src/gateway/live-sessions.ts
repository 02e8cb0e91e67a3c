import { setTimeout as pause } from 'node:timers/promises';
import type { RightsRevoked, SessionEnded, ViewerReport } from '../api/index.js';
import type { TokenClaims } from '../tokens/index.js';
import type { Relay } from './data-path.js';
import { Revocations } from './revocations.js';

interface Live {
  readonly session: string;
  readonly claims: TokenClaims | undefined;
  readonly relay: Relay;
}

type Viewer = ViewerReport['viewers'][number];

/** The sockets that are open now, and which rights were taken back. */
export class LiveSessions {
  readonly revocations = new Revocations();
  readonly #live = new Set<Live>();

  /** `onChange` hears of each socket of a token that opens or ends. */
  constructor(private readonly onChange: (claims: TokenClaims) => void = () => {}) {}

  get size(): number {
    return this.#live.size;
  }

  /** Keeps a socket until the function that is returned says that it has ended. */
  add(live: Live): () => void {
    const tell = (): void => {
      if (live.claims) this.onChange(live.claims);
    };
    this.#live.add(live);
    tell();
    if (live.claims && this.revocations.isRevoked(live.claims)) live.relay.end('rights_revoked'); // while it was dialled
    return () => {
      this.#live.delete(live);
      tell();
    };
  }

  sessionEnded(fact: SessionEnded): void {
    if (fact.reason === 'crashed') return; // what the sockets themselves see is the cause
    for (const { session, claims, relay } of this.#live)
      if (claims && session === fact.session) relay.end('session_ended', fact.detail);
  }

  rightsRevoked(fact: RightsRevoked): void {
    this.revocations.revoke(fact);
    for (const { claims, relay } of this.#live) {
      if (!claims || !this.revocations.isRevoked(claims)) continue;
      // What was renewed from it since is younger than the revocation of a session would take.
      this.revocations.revoke({ ...fact, jti: claims.jti });
      relay.end('rights_revoked');
    }
  }

  /** The viewers of every token that has a socket open, or of these tokens alone; an entry a token. */
  viewers(only?: { has(jti: string): boolean }): Viewer[] {
    const byToken = new Map<string, Viewer>();
    for (const { session, claims, relay } of this.#live) {
      if (!claims || (only && !only.has(claims.jti))) continue;
      const known = byToken.get(claims.jti);
      const at = new Date(relay.lastActivityAt).toISOString();
      const lastActivityAt = known && known.lastActivityAt > at ? known.lastActivityAt : at;
      byToken.set(claims.jti, { session, jti: claims.jti, viewers: (known?.viewers ?? 0) + 1, lastActivityAt });
    }
    return [...byToken.values()];
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
