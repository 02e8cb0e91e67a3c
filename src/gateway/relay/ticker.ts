/** How often limits are looked at; each is exact to this. */
const TICK_MS = 250;

/** One timer for all sockets of a process, that runs while there is one. */
export class Ticker {
  readonly #ticked = new Set<{ tick(): void }>();
  #timer: NodeJS.Timeout | undefined;

  add(one: { tick(): void }): void {
    this.#ticked.add(one);
    this.#timer ??= setInterval(() => {
      for (const each of this.#ticked) each.tick();
    }, TICK_MS);
  }

  delete(one: { tick(): void }): void {
    this.#ticked.delete(one);
    if (this.#ticked.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
