import type { ViewerReport } from '../api/index.js';
import type { Clock } from '../core/index.js';

/** A report that is older than three turns of 10 s is no longer believed. */
const BELIEVED_MS = 30_000;

/** How many viewers each session has, as the gateways report. */
export class Viewers {
  readonly #reports = new Map<string, Report>();
  readonly #waiting = new Set<() => void>();

  constructor(private readonly clock: Clock) {}

  /** Takes a gateway's report, or what has changed since its last; gives the sessions it names that have viewers. */
  report(gateway: string, { changes, viewers }: ViewerReport): ReadonlyMap<string, number> {
    const at = this.clock.now();
    for (const [name, old] of this.#reports) if (at - old.at >= BELIEVED_MS) this.#reports.delete(name);
    const byToken = new Map(changes ? this.#reports.get(gateway)?.byToken : undefined);
    for (const { session, jti, viewers: count } of viewers) byToken.set(jti, { session, count });
    for (const [jti, { count }] of byToken) if (count === 0) byToken.delete(jti);
    this.#reports.set(gateway, { at, byToken });
    for (const look of this.#waiting) look();
    const named = [...new Set(viewers.map(({ session }) => session))];
    return new Map(named.map((session) => [session, this.of(session)] as const).filter(([, count]) => count > 0));
  }

  of(session: string): number {
    return this.#believed()
      .flatMap(({ byToken }) => [...byToken.values()])
      .reduce((sum, viewer) => sum + (viewer.session === session ? viewer.count : 0), 0);
  }

  /** Whether a token has a socket open somewhere; one that has just opened is reported within `ms`. */
  async isViewed(session: string, jti: string, ms: number): Promise<boolean> {
    const isKnown = (): boolean => this.#believed().some(({ byToken }) => byToken.get(jti)?.session === session);
    if (isKnown()) return true;
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(isKnown());
      };
      const look = (): void => {
        if (isKnown()) finish();
      };
      const timer = setTimeout(finish, ms);
      this.#waiting.add(look);
    });
  }

  #believed(): Report[] {
    const now = this.clock.now();
    return [...this.#reports.values()].filter(({ at }) => now - at < BELIEVED_MS);
  }
}

/** Viewers by `jti`. */
interface Report {
  readonly at: number;
  readonly byToken: ReadonlyMap<string, { readonly session: string; readonly count: number }>;
}
