/** What /proc tells of processes: their children, CPU and memory; and what others on the machine use. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';

/** Ticks of /proc/stat; Linux has the same on all machines that we know. */
const TICKS_PER_SECOND = 100;

/** The process and all below it. */
export function familyOf(root) {
  return familyIn(everyStat(), root).map(({ pid }) => pid);
}

/** CPU seconds of a process, all below it, and all that it has buried. */
export function cpuOf(root) {
  return familyIn(everyStat(), root).reduce(
    (sum, { pid, own, buried }) => sum + Math.max(own, nanosecondsOf(pid) / 1e9) + buried,
    0,
  );
}

/** KiB: `pss` counts what is shared once, `rss` in each process. */
export function memoryOf(root) {
  const memory = { pss: 0, rss: 0, processes: 0 };
  for (const pid of familyOf(root)) {
    const text = read(`/proc/${pid}/smaps_rollup`);
    memory.pss += kib(text, 'Pss');
    memory.rss += kib(text, 'Rss');
    memory.processes += 1;
  }
  return memory;
}

/** Lets the kernel watch how far resident memory grows from now on; the answer, in KiB, is asked for at the end. */
export function watchGrowth(root) {
  const family = familyOf(root);
  for (const pid of family) writeFileSync(`/proc/${pid}/clear_refs`, '5'); // the peak is forgotten: proc(5)
  const before = sumOf(family, 'VmRSS');
  return () => sumOf(family, 'VmHWM') - before;
}

function sumOf(family, name) {
  return family.reduce((sum, pid) => sum + kib(read(`/proc/${pid}/status`), name), 0);
}

/** CPU seconds that the machine has used for anything, stolen time among it. */
export function machineCpu() {
  const [user, nice, system, , , irq, softIrq, steal] = read('/proc/stat').split('\n')[0].trim().split(/\s+/).slice(1);
  return [user, nice, system, irq, softIrq, steal].reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}

function familyIn(stats, root) {
  const family = stats.filter(({ pid }) => pid === root);
  for (const { pid } of family) family.push(...stats.filter(({ parent }) => parent === pid));
  return family;
}

function everyStat() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const text = read(`/proc/${name}/stat`);
      if (text === '') return [];
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const seconds = (at) => (Number(fields[at]) + Number(fields[at + 1])) / TICKS_PER_SECOND;
      return [{ pid: Number(name), parent: Number(fields[1]), own: seconds(11), buried: seconds(13) }];
    });
}

/** Whole ticks say nothing of hundreds of processes that use little each; the scheduler counts nanoseconds a thread. */
function nanosecondsOf(pid) {
  return list(`/proc/${pid}/task`).reduce(
    (sum, thread) => sum + Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]),
    0,
  );
}

function kib(text, name) {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

/** Empty for a process that has gone meanwhile. */
function read(file) {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // processes come and go while they are counted
  }
}

function list(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return []; // as above
  }
}
