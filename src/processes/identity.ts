import { readFileSync, readdirSync } from 'node:fs';
import type { StopReport } from './child.js';

/** A process that cannot be confused with a later one of the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time as the system counts it (clock ticks since boot); empty where it cannot be known. */
  readonly startedAt: string;
}

interface Stat {
  readonly state: string;
  readonly group: number;
  readonly startedAt: string;
}

/** The identity of a living process; undefined when it is gone (a zombie is gone: nobody may be there to reap it). */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readStat(pid);
  return stat && stat.state !== 'Z' && stat.state !== 'X' ? { pid, startedAt: stat.startedAt } : undefined;
}

/** True while the very process of that identity lives. */
export function isSame(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now !== undefined && now.startedAt === identity.startedAt;
}

/** Living members of a process group. */
export function listGroup(group: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const stat = readStat(pid);
      return stat !== undefined && stat.group === group && stat.state !== 'Z' && stat.state !== 'X';
    });
}

/** Time between looks at a group that is being stopped. */
const POLL_MS = 20;
/** After SIGKILL the kernel needs a moment; longer than this means an uninterruptible sleep. */
const KILL_WAIT_MS = 2_000;

/** SIGTERM to a process group, SIGKILL after the grace; says which it was. */
export async function stopGroup(group: number, graceMs: number): Promise<StopReport> {
  const started = performance.now();
  const took = (): number => Math.round(performance.now() - started);
  if (listGroup(group).length === 0) return { how: 'already', tookMs: took() };
  signalGroup(group, 'SIGTERM');
  if (await isGone(group, graceMs)) return { how: 'graceful', tookMs: took() };
  signalGroup(group, 'SIGKILL');
  await isGone(group, KILL_WAIT_MS);
  return { how: 'forced', tookMs: took() };
}

async function isGone(group: number, withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs;
  while (listGroup(group).length > 0) {
    if (performance.now() >= end) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // gone already is what we want
  }
}

/** Fields of /proc/PID/stat (proc(5)); the command may hold spaces and parentheses, so fields count from the last `)`. */
function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0]!, group: Number(fields[2]), startedAt: fields[19]! };
  } catch {
    return undefined; // no such process
  }
}
