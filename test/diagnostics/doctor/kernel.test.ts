import { describe, expect, test } from 'vitest';
import { judgeClock, judgeFiles, judgeNamespaces } from '../../../src/diagnostics/doctor/checks/kernel.ts';
import { brief } from './support/brief.ts';

const ran = (stdout: string, code = 0) => ({ code, stdout, stderr: '' });
const limits = (hard: string): string =>
  `Limit  Soft  Hard  Units\nMax open files            1024                 ${hard}    files\n`;

test.each([
  [limits('65536'), 'pass'],
  [limits('1048576'), 'pass'],
  [
    limits('1024'),
    'warn CF-HOST-FILES → ulimit -n 2256 before up, LimitNOFILE=65536 in a unit of systemd, or a smaller gateway.maxSessions',
  ],
  [limits('1073741816'), 'warn CF-HOST-FILES-HUGE'],
  [limits('unlimited'), 'warn CF-HOST-FILES-HUGE'],
  [undefined, 'skip this system has no /proc/self/limits to read'],
])('files for 1000 viewers with %j are %s', (text, words) => {
  expect(brief(judgeFiles(text, 1_000))).toBe(words);
});

describe('user namespaces', () => {
  const NONE = {
    most: '15000\n',
    isAllowed: undefined,
    isRestricted: undefined,
    tried: undefined,
    isRoot: false,
    platform: 'linux',
  };

  test.each([
    [{ ...NONE, tried: ran('') }, 'pass'],
    [NONE, 'pass'],
    [{ ...NONE, isRestricted: '1\n', tried: ran('') }, 'pass'],
    [{ ...NONE, most: '0\n' }, 'warn CF-HOST-SANDBOX → sudo sysctl -w user.max_user_namespaces=15000'],
    [{ ...NONE, isAllowed: '0\n' }, 'warn CF-HOST-SANDBOX → sudo sysctl -w kernel.unprivileged_userns_clone=1'],
    [{ ...NONE, most: undefined }, 'skip this kernel does not say whether it has user namespaces'],
    [{ ...NONE, platform: 'darwin' }, 'skip only Linux has user namespaces'],
  ])('%j are %s', (facts, words) => {
    expect(brief(judgeNamespaces(facts))).toBe(words);
  });

  test('that AppArmor or a container refuses are a warning with its own remedy each', () => {
    const refused = { code: 1, stdout: '', stderr: 'unshare: unshare failed: Operation not permitted\n' };
    expect(brief(judgeNamespaces({ ...NONE, isRestricted: '1\n', tried: refused }))).toContain('/etc/apparmor.d');
    const contained = judgeNamespaces({ ...NONE, tried: refused });
    expect(brief(contained)).toContain('seccomp profile');
    expect(contained).toMatchObject({ saw: 'unshare --user: unshare: unshare failed: Operation not permitted' });
  });

  test('are of no use to a browser of root, which is said', () => {
    expect(judgeNamespaces({ ...NONE, isRoot: true })).toMatchObject({ saw: expect.stringContaining('as root') });
  });
});

describe('the clock', () => {
  const NOTHING = { systemd: undefined, chrony: undefined };
  const chrony = (offset: string, leap: string): object =>
    ran(`50505300,PPS0,1,1700000000.1,${offset},0,0,0,0,0,0,0,16.1,${leap}\n`);

  test.each([
    [{ ...NOTHING, systemd: ran('NTPSynchronized=yes\n') }, undefined, 'pass'],
    [
      { ...NOTHING, systemd: ran('NTPSynchronized=no\n') },
      undefined,
      'warn CF-HOST-CLOCK → sudo timedatectl set-ntp true',
    ],
    [{ ...NOTHING, systemd: ran('', 1) }, undefined, 'skip neither timedatectl nor chronyc tells anything here'],
    [NOTHING, undefined, 'skip neither timedatectl nor chronyc tells anything here'],
    [{ ...NOTHING, chrony: chrony('-0.000004', 'Normal') as never }, undefined, 'pass'],
    [{ ...NOTHING, chrony: chrony('7.5', 'Normal') as never }, undefined, 'warn CF-HOST-CLOCK → sudo chronyc makestep'],
    [
      { ...NOTHING, chrony: chrony('0.0', 'Not synchronised') as never },
      undefined,
      'warn CF-HOST-CLOCK → chronyc sources, then the servers in /etc/chrony/chrony.conf',
    ],
    [NOTHING, -61_000, 'warn CF-HOST-CLOCK → Keep both clocks: sudo timedatectl set-ntp true'],
    [{ ...NOTHING, systemd: ran('NTPSynchronized=yes\n') }, 400, 'pass'],
  ])('%j, a daemon %j ms ahead, is %s', (words, ahead, verdict) => {
    expect(brief(judgeClock(words, ahead))).toBe(verdict);
  });
});
