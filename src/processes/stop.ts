import { type ProcessIdentity, isSame } from './identity.js';
import { processTable } from './table.js';

/**
 * How a stop went: ended before, after SIGTERM, by SIGKILL after the grace, or not even by that (a process in an
 * uninterruptible sleep).
 */
export interface StopReport {
  readonly how: 'already' | 'graceful' | 'forced' | 'survived';
  readonly tookMs: number;
}

/** Time between looks at what is being stopped. */
const POLL_MS = 20;
/** After SIGKILL the kernel needs a moment. */
const KILL_WAIT_MS = 2_000;

/** SIGTERM to a process group, SIGKILL after the grace; says which it was. */
export function stopGroup(group: number, graceMs: number): Promise<StopReport> {
  return stop(
    () =>
      processTable()
        .all()
        .some((member) => member.group === group),
    -group,
    graceMs,
  );
}

/** The same for one process alone: its group may hold others. */
export function stopProcess(identity: ProcessIdentity, graceMs: number): Promise<StopReport> {
  return stop(() => isSame(identity), identity.pid, graceMs);
}

async function stop(lives: () => boolean, target: number, graceMs: number): Promise<StopReport> {
  const started = performance.now();
  const report = (how: StopReport['how']): StopReport => ({ how, tookMs: Math.round(performance.now() - started) });
  if (!lives()) return report('already');
  send(target, 'SIGTERM', lives);
  if (await isGone(lives, graceMs)) return report('graceful');
  send(target, 'SIGKILL', lives);
  return report((await isGone(lives, KILL_WAIT_MS)) ? 'forced' : 'survived');
}

async function isGone(lives: () => boolean, withinMs: number): Promise<boolean> {
  const end = performance.now() + withinMs;
  while (lives()) {
    if (performance.now() >= end) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

function send(target: number, signal: NodeJS.Signals, lives: () => boolean): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    if (lives()) throw error; // gone already is what we want
  }
}
