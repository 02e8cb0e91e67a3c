import type { Clock } from '../../core/index.js';
import type { Admission } from '../admission.js';
import { type SessionClosed, type SessionOpened, sessionClosed, sessionOpened } from '../events.js';
import { type Answer, type FromWorker, type ToWorker, type WorkerProcess, fromWorkerSchema } from './messages.js';
import { TOLD_CHANNELS } from './told.js';

interface MemberDeps {
  readonly number: number;
  readonly process: WorkerProcess;
  readonly admission: Admission;
  readonly clock: Clock;
  /** Places were taken or given back. */
  readonly onPlaces: () => void;
}

type Started = Extract<FromWorker, { type: 'ready' | 'failed' }>;

/** A worker as its primary sees it: the places that it holds, and the sockets that it has open. */
export class Member {
  /** Its first word: ready, or why not; undefined when it ended without one. */
  readonly started: Promise<Started | undefined>;
  readonly #places = new Map<number, () => void>();
  readonly #open = new Map<string, { readonly fact: SessionOpened; readonly at: number }>();
  #problem: string | undefined;
  readonly #start: (word: Started | undefined) => void;

  constructor(private readonly deps: MemberDeps) {
    const { promise, resolve } = Promise.withResolvers<Started | undefined>();
    this.started = promise;
    this.#start = resolve;
    deps.process.listen((told) => this.#hear(fromWorkerSchema.parse(told)));
    void deps.process.ended.then(() => resolve(undefined));
  }

  get number(): number {
    return this.deps.number;
  }

  /** Why it could not start, where it said so. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get process(): WorkerProcess {
    return this.deps.process;
  }

  tell(message: ToWorker): void {
    this.deps.process.send(message);
  }

  /** It has ended: its places are free, and what it had open has ended with it. Returns how many sockets that were. */
  bury(how: string): number {
    for (const release of this.#places.values()) release();
    this.#places.clear();
    this.deps.onPlaces();
    const count = this.#open.size;
    for (const { fact, at } of this.#open.values()) this.#announce(sessionClosed.name, this.#lost(fact, at, how));
    this.#open.clear();
    return count;
  }

  #hear(message: FromWorker): void {
    const { admission } = this.deps;
    switch (message.type) {
      case 'failed':
        this.#problem = message.message;
        return this.#start(message);
      case 'ready':
        return this.#start(message);
      case 'fact':
        return this.#announce(message.channel, message.fact);
      case 'take':
        return this.#answer(message.id, this.#take(message.id, message.jti));
      case 'release':
        this.#places.get(message.id)?.();
        this.#places.delete(message.id);
        return this.deps.onPlaces();
      case 'holds':
        return this.#answer(message.id, admission.holds(message.jti) ? 'yes' : 'no');
      case 'isBlocked':
        return this.#answer(message.id, admission.isBlocked(message.address, message.at) ? 'yes' : 'no');
      case 'attemptFailed':
        return admission.failed(message.address, message.at);
      case 'done':
        return;
    }
  }

  #answer(id: number, answer: Answer): void {
    this.tell({ type: 'answer', id, answer });
  }

  #take(id: number, jti: string | undefined): Answer {
    const place = this.deps.admission.take(jti);
    if (typeof place === 'string') return place;
    this.#places.set(id, place);
    this.deps.onPlaces();
    return 'taken';
  }

  #announce(name: string, fact: object): void {
    const { number, clock } = this.deps;
    const channel = TOLD_CHANNELS.find((one) => one.name === name);
    if (name === sessionOpened.name) {
      const opened = fact as SessionOpened; // the worker's own type, a process further
      this.#open.set(opened.request, { fact: opened, at: clock.monotonic() });
    }
    if (name === sessionClosed.name) this.#open.delete((fact as SessionClosed).request);
    channel?.publish({ ...fact, worker: number });
  }

  #lost({ session, request, wsKey, remote, token }: SessionOpened, at: number, how: string): SessionClosed {
    return {
      ...(session !== undefined && { session }),
      request,
      ...(wsKey !== undefined && { wsKey }),
      remote,
      ...(token !== undefined && { token }),
      cause: 'internal',
      by: 'gateway',
      code: null,
      durationMs: Math.round(this.deps.clock.monotonic() - at),
      bytesUp: 0,
      bytesDown: 0,
      longestSilenceMs: 0,
      pingP99Ms: null,
      detail: `worker ${this.number} ended (${how}); what it relayed is not counted`,
    };
  }
}
