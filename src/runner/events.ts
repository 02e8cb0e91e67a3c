import { channel } from '../core/index.js';

/** What a runner announces; each becomes a line of its log. No fact holds a password, a cookie or a start URL. */
export interface RunnerFacts {
  listening: { readonly name: string; readonly port: number; readonly internalPort: number };
  started: {
    readonly session: string;
    readonly kind: string;
    readonly browser: string;
    readonly display?: number;
    readonly port?: number;
    readonly tookMs: number;
  };
  ended: {
    readonly session: string;
    readonly reason: string;
    readonly detail: string;
    readonly level?: 'info' | 'warn';
  };
  stopped: { readonly session: string; readonly what: string; readonly how: string; readonly tookMs: number };
  failed: { readonly browser: string; readonly code: string; readonly message: string };
  skipped: { readonly what: string; readonly because: string };
  viewer: { readonly session: string; readonly what: 'opened' | 'closed' | 'refused'; readonly why?: string };
  swept: { readonly pid: number; readonly name: string };
  /** Without a session when the runner starts and looks. */
  sandbox: { readonly session?: string; readonly browser: string; readonly because: string };
  late: { readonly session: string; readonly browser: string; readonly because: string };
  leftBehind: { readonly session: string; readonly message: string };
  failure: { readonly request?: string; readonly what: string; readonly message: string };
}

export const listening = channel<RunnerFacts['listening']>('runner.listening');
export const sessionStarted = channel<RunnerFacts['started']>('session.started');
export const sessionEnded = channel<RunnerFacts['ended']>('session.ended');
export const processStopped = channel<RunnerFacts['stopped']>('session.process_stopped');
export const sessionFailed = channel<RunnerFacts['failed']>('session.failed');
export const slotSkipped = channel<RunnerFacts['skipped']>('slot.skipped');
export const cardViewer = channel<RunnerFacts['viewer']>('testcard.viewer');
export const leftoverSwept = channel<RunnerFacts['swept']>('leftover.swept');
export const sandboxOff = channel<RunnerFacts['sandbox']>('browser.sandbox_off');
/** Filters of system calls are all that holds the pages of a browser. */
export const sandboxReduced = channel<RunnerFacts['sandbox']>('browser.sandbox_reduced');

/** A browser was handed out before it showed itself. */
export const browserLate = channel<RunnerFacts['late']>('browser.late');
/** Something of a session could not be released. */
export const leftBehind = channel<RunnerFacts['leftBehind']>('session.left_behind');
/** A fault of ours: what was being done, and what was thrown. */
export const internalFailure = channel<RunnerFacts['failure']>('runner.failure');

export const RUNNER_CHANNELS = [
  { channel: listening, level: 'info' },
  { channel: sessionStarted, level: 'info' },
  { channel: sessionEnded, level: 'info' },
  { channel: processStopped, level: 'debug' },
  { channel: sessionFailed, level: 'error' },
  { channel: slotSkipped, level: 'warn' },
  { channel: cardViewer, level: 'debug' },
  { channel: leftoverSwept, level: 'warn' },
  { channel: sandboxOff, level: 'warn' },
  { channel: sandboxReduced, level: 'warn' },
  { channel: browserLate, level: 'warn' },
  { channel: leftBehind, level: 'error' },
  { channel: internalFailure, level: 'error' },
] as const;
