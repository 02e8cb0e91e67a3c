import type { Door, Places } from '../admission.js';
import type { Answer, PrimaryLink, ToWorker } from './messages.js';

/** The door of a worker: places and failed attempts are those of all workers, and the primary counts them. */
export class RemoteDoor implements Door {
  readonly #asked = new Map<number, (answer: Answer) => void>();
  #lastId = 0;
  #full = false;
  #draining = false;

  constructor(private readonly link: PrimaryLink) {}

  get draining(): boolean {
    return this.#draining;
  }

  startDraining(): void {
    this.#draining = true;
  }

  peek(): Places {
    if (this.#draining) return 'draining';
    return this.#full ? 'at_capacity' : 'ok';
  }

  async take(jti: string | undefined): Promise<(() => void) | 'at_capacity' | 'draining'> {
    if (this.#draining) return 'draining';
    const { id, answered } = this.#question();
    this.link.send({ type: 'take', id, ...(jti !== undefined && { jti }) });
    const answer = await answered;
    if (answer !== 'taken') return answer === 'draining' ? 'draining' : 'at_capacity';
    let held = true;
    return () => {
      if (held) this.link.send({ type: 'release', id });
      held = false;
    };
  }

  async holds(jti: string): Promise<boolean> {
    const { id, answered } = this.#question();
    this.link.send({ type: 'holds', id, jti });
    return (await answered) === 'yes';
  }

  async isBlocked(address: string, at: number): Promise<boolean> {
    const { id, answered } = this.#question();
    this.link.send({ type: 'isBlocked', id, address, at });
    return (await answered) === 'yes';
  }

  failed(address: string, at: number): void {
    this.link.send({ type: 'attemptFailed', address, at });
  }

  /** What the primary says of places. */
  hear(message: ToWorker): void {
    if (message.type === 'full') this.#full = message.full;
    if (message.type !== 'answer') return;
    this.#asked.get(message.id)?.(message.answer);
    this.#asked.delete(message.id);
  }

  /** Every question is answered: a primary that cannot has ended, and its workers with it. */
  #question(): { id: number; answered: Promise<Answer> } {
    this.#lastId += 1;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#asked.set(this.#lastId, resolve);
    return { id: this.#lastId, answered: promise };
  }
}
