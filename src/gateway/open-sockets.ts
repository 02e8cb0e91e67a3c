import type { Socket } from 'node:net';

/** The raw sockets behind upgrades, from the request to their close: what an orderly stop waits for. */
export class OpenSockets {
  readonly #open = new Set<Socket>();
  readonly #waiting = new Set<() => void>();

  add(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => {
      this.#open.delete(socket);
      if (this.#open.size === 0) for (const tell of this.#waiting) tell();
    });
  }

  /** Resolves when none is open, or after `ms` milliseconds. */
  async empty(ms: number): Promise<void> {
    if (this.#open.size === 0) return;
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      this.#waiting.add(finish);
    });
  }

  destroyAll(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
