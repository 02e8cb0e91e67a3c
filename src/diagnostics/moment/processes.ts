import { readFile, readdir } from 'node:fs/promises';

/** A process of the path, without its arguments: they may hold secrets. */
export interface PathProcess {
  readonly pid: number;
  readonly name: string;
  /** R running, S sleeping, T stopped, D waiting for a device, Z dead and not yet buried. */
  readonly state: string;
  /** As the system counts it: with the pid it names one process for ever. */
  readonly startedAt: string;
  readonly memoryMb: number;
}

/** Programs that can be part of a path, as the kernel names them. */
const OF_A_PATH =
  /^(?:traefik|nginx|haproxy|apache2|httpd|caddy|envoy|websockify|x11vnc|Xvfb|Xvnc|Xtigervnc|Xorg|x0vncserver|chrom\w*|firefox.*|camoufox.*|node|MainThread|python3?[\d.]*|uvicorn|gunicorn|dockerd|containerd)$/;
/** More than a host full of sessions has. */
const MAX_PROCESSES = 2_000;
const PAGE_MB = 4_096 / 1_048_576;

/** The processes of this host that can be part of a path; none where there is no /proc. */
export async function pathProcesses(): Promise<readonly PathProcess[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)); // not a Linux host
  const found: PathProcess[] = [];
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => ''); // it has just ended
    const one = parseProcess(stat);
    if (one && OF_A_PATH.test(one.name) && found.length < MAX_PROCESSES) found.push(one);
  }
  return found;
}

/** A line of /proc/PID/stat (proc(5)); the name may hold spaces and parentheses. */
export function parseProcess(stat: string): PathProcess | undefined {
  const [, pid, name, rest = ''] = /^(\d+) \((.*)\) (.*)$/s.exec(stat) ?? [];
  const fields = rest.split(' ');
  if (name === undefined || fields.length < 22) return undefined;
  return {
    pid: Number(pid),
    name,
    state: fields[0]!,
    startedAt: fields[19]!,
    memoryMb: Math.round(Number(fields[21]) * PAGE_MB),
  };
}

/** The census in lines, what has gone since an earlier one first; `T` and `Z` are said in words. */
export function describeProcesses(before: readonly PathProcess[], now: readonly PathProcess[]): readonly string[] {
  const isSame = (a: PathProcess, b: PathProcess): boolean => a.pid === b.pid && a.startedAt === b.startedAt;
  const gone = before.filter((one) => !now.some((other) => isSame(one, other)));
  const lines = now.map((one) => {
    const isNew = !before.some((other) => isSame(one, other));
    return `${isNew ? 'new ' : 'alive'} ${text(one)}, ${STATES[one.state] ?? one.state}, ${one.memoryMb} MB`;
  });
  return [...gone.map((one) => `gone  ${text(one)}`), ...lines];
}

function text({ name, pid }: PathProcess): string {
  return `${name} (pid ${pid})`;
}

const STATES: Readonly<Record<string, string>> = {
  R: 'running',
  S: 'sleeping',
  D: 'waiting for a device',
  T: 'STOPPED by a signal',
  t: 'STOPPED by a debugger',
  Z: 'DEAD, not buried by its parent',
  I: 'idle',
};
