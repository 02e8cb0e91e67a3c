import { describe, expect, test } from 'vitest';
import {
  judgeCompose,
  judgeDaemon,
  judgeDockerVersion,
  judgeLimits,
  judgeSeccomp,
  judgeSwarm,
} from '../../../src/diagnostics/doctor/checks/docker.ts';
import { isAtLeast, parseDockerInfo, versionIn } from '../../../src/diagnostics/doctor/docker.ts';
import { brief } from './support/brief.ts';

const INFO = {
  ServerVersion: '20.10.24+dfsg1',
  CgroupVersion: '1',
  MemoryLimit: true,
  CpuCfsQuota: true,
  PidsLimit: true,
  SecurityOptions: ['name=seccomp,profile=default'],
  Swarm: { LocalNodeState: 'inactive', ControlAvailable: false },
};

describe('what `docker info` prints', () => {
  test('of a daemon that answers is read, whatever else is in it', () => {
    const sight = parseDockerInfo({ code: 0, stdout: JSON.stringify({ ...INFO, Plugins: {} }), stderr: '' });
    expect(sight).toMatchObject({ state: 'here', info: { ServerVersion: '20.10.24+dfsg1' } });
  });

  test.each([
    ['', 'Cannot connect to the Docker daemon at unix:///x. Is it running?', 1, 'unreachable'],
    ['{"ServerVersion":""}', 'permission denied while trying to connect', 1, 'unreachable'],
    ['not JSON', '', 0, 'unknown'],
    ['{"ServerVersion":""}', '', 0, 'unknown'],
    ['[]', '', 1, 'unknown'],
  ])('%j with %j on stderr and exit code %i is %s', (stdout, stderr, code, state) => {
    expect(parseDockerInfo({ code, stdout, stderr }).state).toBe(state);
  });
});

describe('a version', () => {
  test.each([
    ['Docker Compose version v5.6.1', [5, 6, 1]],
    ['20.10.24+dfsg1', [20, 10, 24]],
    ['x11vnc: 0.9.16 lastmod: 2019-01-05', [0, 9, 16]],
    ['Version:      3.7.15\nGo version:   go1.26.9', [3, 7, 15]],
    ['no number', undefined],
  ])('is found in %j', (text, version) => {
    expect(versionIn(text)).toEqual(version);
  });

  test.each([
    [[20, 10, 10], [20, 10, 10], true],
    [[20, 10, 9], [20, 10, 10], false],
    [[28, 2], [20, 10, 10], true],
    [[2, 23], [2, 23, 1], false],
    [[3], [3, 0], true],
    [[2, 99], [3, 0], false],
  ])('%j is at least %j: %s', (version, least, is) => {
    expect(isAtLeast(version, least)).toBe(is);
  });
});

describe('the Docker daemon', () => {
  test.each([
    [{ state: 'here', info: INFO } as const, 'pass'],
    [{ state: 'missing' } as const, 'fail CF-HOST-DOCKER → Install Docker Engine: docs.docker.com/engine/install'],
    [
      { state: 'unreachable', why: 'permission denied while trying to connect' } as const,
      'fail CF-HOST-DOCKER → sudo usermod -aG docker "$USER", then log in anew',
    ],
    [
      { state: 'unreachable', why: 'Cannot connect' } as const,
      'fail CF-HOST-DOCKER → sudo systemctl start docker, or set DOCKER_HOST to the daemon that you mean',
    ],
    [{ state: 'unknown', because: 'no answer' } as const, 'unknown no answer'],
  ])('%j is %s', (sight, words) => {
    expect(brief(judgeDaemon(sight))).toBe(words);
  });

  test.each([
    ['20.10.24+dfsg1', 'pass'],
    ['20.10.10', 'pass'],
    ['20.10.9', 'warn CF-HOST-VERSION → Update Docker Engine to 20.10.10 or newer'],
    ['19.03.15', 'warn CF-HOST-VERSION → Update Docker Engine to 20.10.10 or newer'],
    ['dev', 'unknown no version can be read in "dev"'],
  ])('of version %s is %s', (ServerVersion, words) => {
    expect(brief(judgeDockerVersion({ ServerVersion }))).toBe(words);
  });

  test.each([
    [{}, 'pass'],
    [{ MemoryLimit: false, PidsLimit: false }, 'warn CF-HOST-CGROUP'],
    [{ PidsLimit: undefined }, 'unknown cgroup v1; the daemon does not say which limits it can set'],
  ])('with limits %j is %s', (change, words) => {
    expect(brief(judgeLimits({ ...INFO, ...change }))).toBe(words);
  });

  test('names the limits that it cannot set', () => {
    const verdict = judgeLimits({ ...INFO, MemoryLimit: false, PidsLimit: false });
    expect(verdict).toMatchObject({ saw: 'cgroup v1; no limit of memory, processes' });
  });

  test.each([
    [['name=seccomp,profile=default'], 'pass'],
    [['name=apparmor', 'name=seccomp,profile=builtin', 'name=cgroupns'], 'pass'],
    [['name=seccomp,profile=unconfined'], 'warn CF-HOST-SECCOMP'],
    [['name=apparmor'], 'warn CF-HOST-SECCOMP'],
    [null, 'warn CF-HOST-SECCOMP'],
  ])('with the security options %j is %s', (SecurityOptions, words) => {
    expect(brief(judgeSeccomp({ SecurityOptions }))).toBe(words);
  });

  test.each([
    [{ LocalNodeState: 'active', ControlAvailable: true }, 'pass'],
    [{ LocalNodeState: 'inactive', ControlAvailable: false }, 'fail CF-HOST-SWARM'],
    [
      { LocalNodeState: 'active', ControlAvailable: false },
      'fail CF-HOST-SWARM → Run it on a manager, or there: docker node promote NODE',
    ],
    [undefined, 'unknown the daemon does not say whether it is part of a swarm'],
  ])('in the swarm %j is %s', (Swarm, words) => {
    expect(brief(judgeSwarm({ Swarm }))).toBe(words);
  });
});

test.each([
  ['Docker Compose version v5.6.1', 'pass'],
  ['Docker Compose version v2.23.1', 'pass'],
  ['docker-compose version 1.29.2, build 5becea4c', 'fail CF-HOST-COMPOSE'],
  ['what is this', 'unknown no version can be read in "what is this"'],
  [undefined, 'fail CF-HOST-COMPOSE'],
])('Compose that says %j is %s', (said, words) => {
  expect(brief(judgeCompose(said))).toBe(words);
});
