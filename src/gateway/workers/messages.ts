import { z } from 'zod';

/** What a worker tells and asks its primary. `id` joins a question to its answer, and a place to its end. */
export const fromWorkerSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), port: z.int() }),
  /** It cannot start, for a reason that a person can act on. */
  z.object({ type: z.literal('failed'), code: z.string(), message: z.string() }),
  /** What its channels announced. */
  z.object({ type: z.literal('fact'), channel: z.string(), fact: z.record(z.string(), z.unknown()) }),
  z.object({ type: z.literal('take'), id: z.int(), jti: z.string().optional() }),
  z.object({ type: z.literal('release'), id: z.int() }),
  z.object({ type: z.literal('holds'), id: z.int(), jti: z.string() }),
  z.object({ type: z.literal('isBlocked'), id: z.int(), address: z.string(), at: z.number() }),
  /** Its last word. */
  z.object({ type: z.literal('done') }),
  z.object({ type: z.literal('attemptFailed'), address: z.string(), at: z.number() }),
]);
export type FromWorker = z.output<typeof fromWorkerSchema>;

/** What a primary tells a worker. */
export const toWorkerSchema = z.discriminatedUnion('type', [
  /** `taken`: the place is had, or the answer is yes. */
  z.object({
    type: z.literal('answer'),
    id: z.int(),
    answer: z.enum(['taken', 'yes', 'no', 'at_capacity', 'draining']),
  }),
  /** Whether all places are taken, each time that changes. */
  z.object({ type: z.literal('full'), full: z.boolean() }),
  z.object({ type: z.literal('drain') }),
  z.object({ type: z.literal('stop') }),
]);
export type ToWorker = z.output<typeof toWorkerSchema>;
export type Answer = Extract<ToWorker, { type: 'answer' }>['answer'];

/** A worker's line to its primary. */
export interface PrimaryLink {
  send(message: FromWorker): void;
  listen(listener: (message: unknown) => void): void;
  /** Resolves when this and all that was sent before it has left. */
  sendLast(message: FromWorker): Promise<void>;
}

/** A process that serves as a worker, as whoever starts it hands it over. */
export interface WorkerProcess {
  readonly pid: number;
  send(message: ToWorker): void;
  listen(listener: (message: unknown) => void): void;
  kill(): void;
  /** Resolves behind its last message, with how it ended. */
  readonly ended: Promise<string>;
}
