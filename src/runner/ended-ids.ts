/** How many ended ids are remembered, for the difference between 410 and 404. */
const MAX_ENDED = 10_000;

/** The ids of sessions that have ended; the oldest are forgotten. */
export class EndedIds {
  readonly #ids = new Set<string>();

  add(id: string): void {
    this.#ids.add(id);
    const [oldest] = this.#ids;
    if (this.#ids.size > MAX_ENDED && oldest !== undefined) this.#ids.delete(oldest);
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }
}
