import { describe, expect, test } from 'vitest';
import {
  judgeDisk,
  judgeMemory,
  judgeShm,
  judgeTasks,
  ownLimits,
  parseGroups,
} from '../../../src/diagnostics/doctor/checks/room.ts';
import { brief } from './support/brief.ts';
import { hostOf } from './support/host.ts';

const GIB = 1_073_741_824;
const NONE = { version: 2, memoryBytes: undefined, memoryUsedBytes: undefined, tasks: undefined } as const;
const meminfo = (gib: number): string => `MemTotal: 9 kB\nMemAvailable:   ${gib * 1_048_576} kB\n`;

describe('memory', () => {
  test.each([
    [meminfo(8), NONE, 'pass', '8.0 GiB of memory left on this host'],
    [meminfo(0.5), NONE, 'warn CF-HOST-MEMORY', '512 MiB of memory left on this host'],
    [
      meminfo(8),
      { ...NONE, memoryBytes: 2 * GIB, memoryUsedBytes: 1.5 * GIB },
      'warn CF-HOST-MEMORY',
      '512 MiB of memory left of the limit of this control group',
    ],
    [meminfo(2), { ...NONE, memoryBytes: 64 * GIB }, 'pass', '2.0 GiB of memory left on this host'],
  ])('%j with %j is %s', (text, limits, words, saw) => {
    const verdict = judgeMemory(text, limits);
    expect(brief(verdict)).toBe(words);
    expect(verdict).toMatchObject({ saw });
  });

  test('that cannot be seen is skipped', () => {
    expect(brief(judgeMemory(undefined, NONE))).toBe('skip this system has no /proc/meminfo to read');
  });
});

describe('limits of our control group', () => {
  const second = {
    '/proc/self/cgroup': '0::/user.slice/a.scope\n',
    '/sys/fs/cgroup/cgroup.controllers': 'cpu memory pids',
    '/sys/fs/cgroup/user.slice/a.scope/memory.max': '2147483648\n',
    '/sys/fs/cgroup/user.slice/a.scope/memory.current': '1000\n',
    '/sys/fs/cgroup/user.slice/a.scope/pids.max': 'max\n',
  };
  const first = {
    '/proc/self/cgroup': '9:name=systemd:/\n8:pids:/\n4:memory:/a/b\n0::/\n',
    '/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes': '9223372036854771712\n',
    '/sys/fs/cgroup/memory/a/b/memory.usage_in_bytes': '5000\n',
    '/sys/fs/cgroup/pids/pids.max': '100\n',
  };

  const contained = {
    '/proc/self/cgroup': '4:memory:/docker/abc\n8:pids:/docker/abc\n',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '734003200\n',
    '/sys/fs/cgroup/memory/memory.usage_in_bytes': '1000\n',
    '/sys/fs/cgroup/pids/pids.max': '400\n',
  };

  test.each([
    [
      'version 1 in a container',
      contained,
      { version: 1, memoryBytes: 734_003_200, memoryUsedBytes: 1_000, tasks: 400 },
    ],
    ['version 2', second, { version: 2, memoryBytes: 2_147_483_648, memoryUsedBytes: 1_000, tasks: undefined }],
    ['version 1', first, { version: 1, memoryBytes: undefined, memoryUsedBytes: 5_000, tasks: 100 }],
    [
      'no control groups',
      {},
      { version: undefined, memoryBytes: undefined, memoryUsedBytes: undefined, tasks: undefined },
    ],
  ])('are read with %s', async (_name, files, limits) => {
    expect(await ownLimits(hostOf({ files }))).toEqual(limits);
  });

  test('are found by controller, also where several share a line', () => {
    expect(Object.fromEntries(parseGroups('5:cpu,cpuacct:/x:y\n0::/z/\n'))).toEqual({
      cpu: '/x:y',
      cpuacct: '/x:y',
      '': '/z',
    });
  });

  test.each([
    [{ ...NONE, tasks: undefined }, 'pass'],
    [{ ...NONE, tasks: 4_000 }, 'pass'],
    [{ ...NONE, tasks: 100 }, 'warn CF-HOST-TASKS'],
    [{ ...NONE, version: undefined }, 'skip this system has no control groups to read'],
  ])('%j are %s', (limits, words) => {
    expect(brief(judgeTasks(limits))).toBe(words);
  });
});

test.each([
  [{ bytes: 100 * GIB, freeBytes: 5 * GIB, freeFiles: 1e6 }, 'pass'],
  [{ bytes: 100 * GIB, freeBytes: 5 * GIB, freeFiles: undefined }, 'pass'],
  [{ bytes: 100 * GIB, freeBytes: GIB / 2, freeFiles: 1e6 }, 'warn CF-HOST-DISK'],
  [{ bytes: 100 * GIB, freeBytes: 5 * GIB, freeFiles: 12 }, 'warn CF-HOST-DISK'],
  [undefined, 'skip /x cannot be seen from here'],
])('a disk with %j is %s', (room, words) => {
  expect(brief(judgeDisk('/x', room, GIB))).toBe(words);
});

test.each([
  [{ bytes: 24 * GIB, freeBytes: 1, freeFiles: 1 }, 'pass'],
  [{ bytes: 67_108_864, freeBytes: 1, freeFiles: 1 }, 'warn CF-HOST-SHM'],
  [undefined, 'skip this system has no /dev/shm'],
])('shared memory of %j is %s', (room, words) => {
  expect(brief(judgeShm(room))).toBe(words);
});
