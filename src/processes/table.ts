import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';

/**
 * What the system says of a process that lives. A zombie does not, for nobody may be there to reap it; one of whose
 * threads some still run does: its files are open and its sockets accept.
 */
export interface ProcessFacts {
  readonly pid: number;
  readonly group: number;
  /** Start time as the system counts it, to be compared and nothing else. */
  readonly startedAt: string;
  /** Stopped by a signal: it does nothing until it is continued. */
  readonly isStopped: boolean;
}

/** The living processes of this host. */
export interface ProcessTable {
  find(pid: number): ProcessFacts | undefined;
  all(): ProcessFacts[];
}

/** From /proc where there is one, else from ps. */
export function processTable(): ProcessTable {
  return existsSync('/proc/self/stat') ? procTable : psTable;
}

/** Fields of /proc/PID/stat (proc(5)); the command may hold spaces and parentheses, so fields count from the last `)`. */
export const procTable: ProcessTable = {
  find: (pid) => {
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const lives = isAlive(fields[0]!) || Number(fields[17]) > 1; // threads; a zombie alone is one
      return lives
        ? { pid, group: Number(fields[2]), startedAt: fields[19]!, isStopped: isStopped(fields[0]!) }
        : undefined;
    } catch {
      return undefined; // no such process
    }
  },
  all: () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => procTable.find(Number(name)) ?? []),
};

/** Two who compare start times may have different languages and time zones. */
const PS_ENVIRONMENT = { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' };
const PS_FIELDS = ['-o', 'pid=', '-o', 'pgid=', '-o', 'stat=', '-o', 'lstart='];

/** From ps, whose fields of this kind are the same on every Unix. */
export const psTable: ProcessTable = {
  find: (pid) => {
    try {
      return askPs(['-p', String(pid)])[0];
    } catch {
      return undefined; // ps ends with 1 when there is no such process
    }
  },
  all: () => askPs(['-A']),
};

function askPs(which: readonly string[]): ProcessFacts[] {
  const text = execFileSync('ps', [...PS_FIELDS, ...which], {
    encoding: 'utf8',
    env: PS_ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return text.split('\n').flatMap((line) => {
    const [, pid, group, state, startedAt] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line) ?? [];
    if (!state || !isAlive(state)) return [];
    return [{ pid: Number(pid), group: Number(group), startedAt: startedAt!, isStopped: isStopped(state) }];
  });
}

function isAlive(state: string): boolean {
  return !/^[ZX]/.test(state);
}

function isStopped(state: string): boolean {
  return /^T/i.test(state);
}
