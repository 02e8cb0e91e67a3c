import type { ViewerReport } from '../api/index.js';
import type { Clock } from '../core/index.js';

/** A report that is older than three turns of 10 s is no longer believed. */
const BELIEVED_MS = 30_000;

/** How many viewers each session has, as the gateways report. */
export class Viewers {
  readonly #reports = new Map<string, { readonly at: number; readonly counts: ReadonlyMap<string, number> }>();

  constructor(private readonly clock: Clock) {}

  /** Takes a gateway's report; gives the sessions that have viewers. */
  report(gateway: string, report: ViewerReport): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { session, viewers } of report.viewers) counts.set(session, (counts.get(session) ?? 0) + viewers);
    this.#reports.set(gateway, { at: this.clock.now(), counts });
    return counts;
  }

  of(session: string): number {
    const now = this.clock.now();
    return [...this.#reports.values()]
      .filter(({ at }) => now - at < BELIEVED_MS)
      .reduce((sum, { counts }) => sum + (counts.get(session) ?? 0), 0);
  }
}
