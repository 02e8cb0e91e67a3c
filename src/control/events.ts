import { channel } from '../core/index.js';

export const listening = channel<{ port: number; internalPort: number; workers: readonly string[] }>(
  'control.listening',
);
export const workerState = channel<{ worker: string; reachable: boolean; why: string; level: 'info' | 'warn' }>(
  'worker.state',
);
export const workerFound = channel<{ worker: string; url: string }>('worker.found');
export const workerForgotten = channel<{ worker: string; why: string }>('worker.forgotten');
export const workerUnpublished = channel<{ worker: string; why: string }>('worker.unpublished');
export const sessionCreated = channel<{ session: string; worker: string; browser: string }>('session.created');
export const sessionEnded = channel<{ session: string; worker: string; reason: string; detail: string }>(
  'session.ended',
);
export const rightsRevoked = channel<{ session: string; jti?: string; grant?: string }>('rights.revoked');
export const refused = channel<{
  request: string;
  status: number;
  code: string;
  method: string;
  path: string;
  remote: string;
}>('request.refused');
/** `found` is false where control begins with no memory: at the first start, without a folder, or after its loss. */
export const memoryOpened = channel<{ folder: string; found: boolean; revocations: number; level: 'info' | 'warn' }>(
  'control.memory',
);
export const keyProblem = channel<{ problem: string }>('token.keys');

export const CONTROL_CHANNELS = [
  { channel: listening, level: 'info' },
  { channel: workerState, level: 'info' },
  { channel: workerFound, level: 'info' },
  { channel: workerForgotten, level: 'info' },
  { channel: workerUnpublished, level: 'warn' },
  { channel: sessionCreated, level: 'info' },
  { channel: sessionEnded, level: 'info' },
  { channel: rightsRevoked, level: 'info' },
  { channel: refused, level: 'warn' },
  { channel: memoryOpened, level: 'info' },
  { channel: keyProblem, level: 'error' },
] as const;
