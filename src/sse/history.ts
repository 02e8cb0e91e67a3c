import { type Clock, systemClock } from '../core/index.js';

export interface HistoryEntry {
  /** Decimal, only grows, also over restarts: the first is the time of the start in milliseconds. */
  readonly id: number;
  readonly name: string;
  readonly data: object;
}

/** Events kept for followers that come back; older ones are forgotten, and a follower then starts from what is left. */
const MAX_KEPT = 1_000;

/** What was announced lately, in order, and who wants to know of the next. */
export class EventHistory {
  readonly #kept: HistoryEntry[] = [];
  readonly #followers = new Set<(entry: HistoryEntry) => void>();
  #lastId: number;

  constructor(clock: Clock = systemClock) {
    this.#lastId = clock.now();
  }

  announce(name: string, data: object): void {
    this.#lastId += 1;
    const entry = { id: this.#lastId, name, data };
    this.#kept.push(entry);
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
    for (const follower of this.#followers) follower(entry);
  }

  /** Entries behind `lastId`; all that are kept when the number is from another life of this process. */
  since(lastId: number): readonly HistoryEntry[] {
    return lastId > this.#lastId ? [...this.#kept] : this.#kept.filter((entry) => entry.id > lastId);
  }

  get lastId(): number {
    return this.#lastId;
  }

  follow(follower: (entry: HistoryEntry) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}
