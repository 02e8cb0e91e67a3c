import { dirname } from 'node:path';
import type { Verdict } from '../../check.js';
import { type HostCheck, isContained } from '../context.js';
import { SMALL_SHM_BYTES } from '../../host/index.js';
import type { HostIo, Room } from '../host-io.js';

const MIB = 1_048_576;
/** Services, Traefik and one browser on a plain page; heavy pages take as much again. */
const LEAST_MEMORY_BYTES = 1_024 * MIB;
/** Logs, captures and profiles of a day. */
const LEAST_DISK_BYTES = 1_024 * MIB;
/** The images, twice while one is replaced. */
const LEAST_IMAGES_BYTES = 4_096 * MIB;
/** A profile of a browser has hundreds of files. */
const LEAST_FILES = 10_000;
/** A browser has about 100 threads. */
const LEAST_TASKS = 1_000;
const READ_MS = 3_000;

const memory: HostCheck = {
  id: 'room.memory',
  source: '/proc/meminfo, /sys/fs/cgroup',
  hop: 'runner',
  title: 'there is memory for a browser',
  needs: [],
  budgetMs: READ_MS,
  async run({ io }) {
    const [meminfo, limits] = await Promise.all([io.text('/proc/meminfo'), ownLimits(io)]);
    return judgeMemory(meminfo, limits);
  },
};

/** Limits of the control group that this process is in; undefined where there is none, or where it cannot be seen. */
export interface GroupLimits {
  readonly version: 1 | 2 | undefined;
  readonly memoryBytes: number | undefined;
  readonly memoryUsedBytes: number | undefined;
  readonly tasks: number | undefined;
}

export function judgeMemory(meminfo: string | undefined, limits: GroupLimits): Verdict {
  const [, kilobytes] = /^MemAvailable:\s+(\d+) kB/m.exec(meminfo ?? '') ?? [];
  if (kilobytes === undefined) return { status: 'skip', because: 'this system has no /proc/meminfo to read' };
  const host = Number(kilobytes) * 1_024;
  const { memoryBytes, memoryUsedBytes = 0 } = limits;
  const group = memoryBytes === undefined ? Number.POSITIVE_INFINITY : memoryBytes - memoryUsedBytes;
  const left = Math.min(host, group);
  const whose = group < host ? 'of the limit of this control group' : 'on this host';
  const saw = `${gigabytes(left)} of memory left ${whose}`;
  if (left >= LEAST_MEMORY_BYTES) return { status: 'pass', saw };
  return { status: 'warn', code: 'CF-HOST-MEMORY', saw, want: `${gigabytes(LEAST_MEMORY_BYTES)} or more` };
}

const tasks: HostCheck = {
  id: 'room.tasks',
  source: '/sys/fs/cgroup',
  hop: 'runner',
  title: 'this control group lets a fleet start its processes',
  needs: [],
  budgetMs: READ_MS,
  applies: (context) => !isContained(context),
  run: async ({ io }) => judgeTasks(await ownLimits(io)),
};

export function judgeTasks({ version, tasks: most }: GroupLimits): Verdict {
  if (version === undefined) return { status: 'skip', because: 'this system has no control groups to read' };
  const saw = `cgroup v${version}; ${most === undefined ? 'no limit of processes' : `at most ${most} processes and threads`}`;
  if (most === undefined || most >= LEAST_TASKS) return { status: 'pass', saw };
  return {
    status: 'warn',
    code: 'CF-HOST-TASKS',
    saw,
    want: `${LEAST_TASKS} or more: a browser has about 100 threads`,
  };
}

/** Reads the limits of our own group: of version 2 where it is in use, else of the controllers of version 1. */
export async function ownLimits(io: Pick<HostIo, 'text'>): Promise<GroupLimits> {
  const groups = parseGroups((await io.text('/proc/self/cgroup')) ?? '');
  const isSecond = (await io.text('/sys/fs/cgroup/cgroup.controllers')) !== undefined;
  if (isSecond) {
    const own = `/sys/fs/cgroup${groups.get('') ?? ''}`;
    return {
      version: 2,
      memoryBytes: await numberIn(io, `${own}/memory.max`),
      memoryUsedBytes: await numberIn(io, `${own}/memory.current`),
      tasks: await numberIn(io, `${own}/pids.max`),
    };
  }
  const [memoryGroup, pidsGroup] = ['memory', 'pids'].map((name) => groups.get(name));
  const isFirst = memoryGroup !== undefined || pidsGroup !== undefined;
  return {
    version: isFirst ? 1 : undefined,
    memoryBytes: await ofFirst(io, 'memory', memoryGroup, 'memory.limit_in_bytes'),
    memoryUsedBytes: await ofFirst(io, 'memory', memoryGroup, 'memory.usage_in_bytes'),
    tasks: await ofFirst(io, 'pids', pidsGroup, 'pids.max'),
  };
}

/** Inside a container the path is that of its host, and the group itself is what is mounted. */
async function ofFirst(
  io: Pick<HostIo, 'text'>,
  controller: string,
  path: string | undefined,
  file: string,
): Promise<number | undefined> {
  const [own, mounted] = [path ?? '', ''].map((group) => `/sys/fs/cgroup/${controller}${group}/${file}`);
  return numberIn(io, (await io.text(own!)) === undefined ? mounted! : own!);
}

/** The path of each controller, from /proc/self/cgroup (cgroups(7)); that of version 2 has no name. */
export function parseGroups(text: string): ReadonlyMap<string, string> {
  const rows = text.split('\n').map((line) => line.split(':'));
  return new Map(
    rows
      .filter(({ length }) => length >= 3)
      .flatMap(([, names = '', ...path]) =>
        names.split(',').map((name) => [name, path.join(':').replace(/\/$/, '')] as const),
      ),
  );
}

/** What version 1 has where nothing is limited lies beyond it. */
const NO_LIMIT = 2 ** 53;

async function numberIn(io: Pick<HostIo, 'text'>, file: string): Promise<number | undefined> {
  const number = Number((await io.text(file))?.trim() || Number.NaN);
  return Number.isFinite(number) && number < NO_LIMIT ? number : undefined;
}

const disk: HostCheck = {
  id: 'room.disk',
  source: 'df',
  hop: 'control',
  title: 'there is room for logs and evidence',
  needs: [],
  budgetMs: READ_MS,
  async run({ io, paths }) {
    const at = (await io.room(paths.state)) ? paths.state : paths.root;
    return judgeDisk(at, (await io.room(at)) ?? (await io.room(dirname(at))), LEAST_DISK_BYTES);
  },
};

const imageDisk: HostCheck = {
  id: 'room.images',
  source: 'df',
  hop: 'control',
  title: 'there is room for images',
  needs: ['docker.daemon'],
  budgetMs: READ_MS,
  applies: isContained,
  async run({ io, docker }) {
    const sight = await docker();
    const folder = sight.state === 'here' ? sight.info.DockerRootDir : undefined;
    if (folder === undefined) return { status: 'unknown', because: 'the daemon does not say where its images lie' };
    return judgeDisk(folder, await io.room(folder), LEAST_IMAGES_BYTES);
  },
};

export function judgeDisk(folder: string, room: Room | undefined, least: number): Verdict {
  if (!room) return { status: 'skip', because: `${folder} cannot be seen from here` };
  const { freeBytes, freeFiles } = room;
  const files = freeFiles !== undefined && freeFiles < LEAST_FILES ? `, ${freeFiles} files` : '';
  const saw = `${gigabytes(freeBytes)}${files} free in ${folder}`;
  if (freeBytes >= least && files === '') return { status: 'pass', saw };
  return { status: 'warn', code: 'CF-HOST-DISK', saw, want: `${gigabytes(least)} and ${LEAST_FILES} files, or more` };
}

const shm: HostCheck = {
  id: 'room.shm',
  source: 'df /dev/shm',
  hop: 'runner',
  title: 'browsers have shared memory',
  needs: [],
  budgetMs: READ_MS,
  applies: (context) => !isContained(context), // compose.yaml gives the runner its own
  run: async ({ io }) => judgeShm(await io.room('/dev/shm')),
};

export function judgeShm(room: Room | undefined): Verdict {
  if (!room) return { status: 'skip', because: 'this system has no /dev/shm' };
  const saw = `/dev/shm holds ${gigabytes(room.bytes)}`;
  if (room.bytes > SMALL_SHM_BYTES) return { status: 'pass', saw };
  return { status: 'warn', code: 'CF-HOST-SHM', saw, want: 'more than the 64 MiB of a container that nobody set' };
}

function gigabytes(bytes: number): string {
  if (bytes < 1_024 * MIB) return `${Math.round(bytes / MIB)} MiB`;
  return `${(bytes / (1_024 * MIB)).toFixed(bytes < 10_240 * MIB ? 1 : 0)} GiB`;
}

export const roomChecks: readonly HostCheck[] = [memory, tasks, disk, imageDisk, shm];
