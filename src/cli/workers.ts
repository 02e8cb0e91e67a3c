import cluster from 'node:cluster';
import { once } from 'node:events';

/** Where a worker finds its number. */
const NUMBER = 'CAMOFLEET_GATEWAY_WORKER';

/** A child of this process that shares its listeners. */
interface WorkerProcess {
  readonly pid: number;
  send(message: object): void;
  listen(listener: (message: unknown) => void): void;
  kill(): void;
  /** Resolves behind its last message, with how it ended. */
  readonly ended: Promise<string>;
}

/** A message to one that is gone: its end follows. Without this, Node throws. */
const GONE = (): void => {};

/** Starts this command once more, as a worker; connections are dealt to workers in turn. */
export function spawnWorker(number: number): WorkerProcess {
  cluster.schedulingPolicy = cluster.SCHED_RR;
  // The supervisor's pipe is the primary's: a worker ends with its primary.
  const worker = cluster.fork({ [NUMBER]: number, CAMOFLEET_LIFELINE_FD: undefined });
  return {
    pid: worker.process.pid ?? 0,
    send: (message) => {
      if (worker.isConnected()) worker.send(message, GONE);
    },
    listen: (listener) => worker.on('message', listener),
    kill: () => worker.process.kill('SIGKILL'),
    ended: Promise.all([once(worker.process, 'exit'), once(worker.process, 'disconnect')]).then(([[code, signal]]) =>
      signal === null ? `exit code ${code}` : String(signal),
    ),
  };
}

/** The number and the line of this process where it is a worker; it ends by itself when its primary has. */
export function asWorker(env: Readonly<Record<string, string | undefined>>):
  | {
      readonly number: number;
      send(message: object): void;
      listen(listener: (message: unknown) => void): void;
      /** Resolves when this and all that was sent before it has left. */
      sendLast(message: object): Promise<void>;
    }
  | undefined {
  if (!cluster.isWorker) return undefined;
  return {
    number: Number(env[NUMBER]),
    send: (message) => {
      if (process.connected) process.send?.(message);
    },
    listen: (listener) => process.on('message', listener),
    sendLast: (message) =>
      new Promise((resolve) => {
        if (process.connected) process.send?.(message, () => resolve());
        else resolve();
      }),
  };
}
