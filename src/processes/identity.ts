import { processTable } from './table.js';

/** A process that cannot be confused with a later one of the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time as the system counts it; empty where it cannot be known. */
  readonly startedAt: string;
}

/** The identity of a living process; undefined when it is gone. */
export function identify(pid: number): ProcessIdentity | undefined {
  const found = processTable().find(pid);
  return found && { pid, startedAt: found.startedAt };
}

/** Whether a process that lives was stopped by a signal; false also for one that is gone. */
export function isStopped(pid: number): boolean {
  return processTable().find(pid)?.isStopped ?? false;
}

/** True while the very process of that identity lives. */
export function isSame(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}
