import type { Verdict } from '../../check.js';
import { type DoctorContext, type HostCheck, isContained } from '../context.js';
import type { HostIo, Ran } from '../host-io.js';

const READ_MS = 3_000;
const RUN_MS = 9_000;

const files: HostCheck = {
  id: 'kernel.files',
  source: '/proc/self/limits',
  hop: 'gateway',
  title: 'processes may open enough files, and not too many',
  needs: [],
  budgetMs: READ_MS,
  applies: (context) => !isContained(context),
  run: async ({ io, topology }) => judgeFiles(await io.text('/proc/self/limits'), topology.gateway.maxSessions),
};

/** A viewer costs the gateway two descriptors; the rest is for its listeners, its log and its libraries. */
const PER_VIEWER = 2;
const BESIDE_VIEWERS = 256;
/** x11vnc looks at every descriptor that it might have, for each connection: a million is noticed, a billion is minutes. */
const HUGE_FILES = 1_048_576;

/** The hard limit is what counts: Node raises its own soft limit to it, and what it starts inherits that. */
export function judgeFiles(limits: string | undefined, viewers: number): Verdict {
  const [, hard] = /^Max open files\s+\S+\s+(\d+|unlimited)/m.exec(limits ?? '') ?? [];
  if (hard === undefined) return { status: 'skip', because: 'this system has no /proc/self/limits to read' };
  const most = hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard);
  const needed = PER_VIEWER * viewers + BESIDE_VIEWERS;
  const saw = `at most ${hard === 'unlimited' ? 'any number of' : hard} open files`;
  if (most < needed)
    return {
      status: 'warn',
      code: 'CF-HOST-FILES',
      saw,
      want: `${needed} or more, for gateway.maxSessions ${viewers}`,
      remedy: `ulimit -n ${needed} before up, LimitNOFILE=65536 in a unit of systemd, or a smaller gateway.maxSessions`,
    };
  if (most > HUGE_FILES)
    return { status: 'warn', code: 'CF-HOST-FILES-HUGE', saw, want: `at most ${HUGE_FILES}, such as 65536` };
  return { status: 'pass', saw };
}

const namespaces: HostCheck = {
  id: 'kernel.namespaces',
  source: '/proc/sys/user/max_user_namespaces, unshare --user true',
  hop: 'browser',
  title: 'browsers can make their sandbox',
  needs: [],
  budgetMs: RUN_MS,
  async run(context) {
    const { io, isRoot } = context;
    const [most, isAllowed, isRestricted] = await Promise.all(
      [
        'user/max_user_namespaces',
        'kernel/unprivileged_userns_clone',
        'kernel/apparmor_restrict_unprivileged_userns',
      ].map((name) => io.text(`/proc/sys/${name}`)),
    );
    const unshare = io.program('unshare');
    const tried = unshare && !isRoot ? await io.run(unshare, ['--user', 'true']) : undefined;
    return judgeNamespaces({ most, isAllowed, isRestricted, tried, isRoot, platform: io.platform });
  },
};

/** What the kernel says of user namespaces, each as its file has it. */
export interface NamespaceFacts {
  readonly most: string | undefined;
  /** Debian's own switch. */
  readonly isAllowed: string | undefined;
  /** Ubuntu's, by AppArmor. */
  readonly isRestricted: string | undefined;
  /** `unshare --user true` as this user; undefined where it was not tried. */
  readonly tried: Ran | undefined;
  readonly isRoot: boolean;
  readonly platform: string;
}

/** Chromium needs user namespaces without privileges; where they are off it runs without its sandbox, or not at all. */
export function judgeNamespaces(facts: NamespaceFacts): Verdict {
  const { most, isAllowed, isRestricted, tried, isRoot, platform } = facts;
  if (platform !== 'linux') return { status: 'skip', because: 'only Linux has user namespaces' };
  const fault = (saw: string, remedy: string): Verdict => ({
    status: 'warn',
    code: 'CF-HOST-SANDBOX',
    saw,
    want: 'user namespaces for users without privileges',
    remedy,
  });
  if (most?.trim() === '0')
    return fault('user.max_user_namespaces is 0', 'sudo sysctl -w user.max_user_namespaces=15000');
  if (isAllowed?.trim() === '0')
    return fault('kernel.unprivileged_userns_clone is 0', 'sudo sysctl -w kernel.unprivileged_userns_clone=1');
  if (tried?.code === 0) return { status: 'pass', saw: 'one was made' };
  if (isRestricted?.trim() === '1')
    return fault(
      'AppArmor restricts user namespaces (kernel.apparmor_restrict_unprivileged_userns is 1)',
      'A profile for the browser in /etc/apparmor.d with `userns,`; or sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    );
  if (tried)
    return fault(
      `unshare --user: ${tried.stderr.trim() || `exit code ${tried.code}`}`,
      'In a container: the seccomp profile of camofleet (security_opt: seccomp=…), or a host that allows user namespaces',
    );
  if (most === undefined) return { status: 'skip', because: 'this kernel does not say whether it has user namespaces' };
  const beside = isRoot ? '; as root a browser runs without its sandbox all the same' : '';
  return { status: 'pass', saw: `at most ${most.trim()}${beside}` };
}

const capture: HostCheck = {
  id: 'programs.tcpdump',
  source: '/proc/self/status, getcap',
  hop: 'network',
  title: 'verify can record packets',
  needs: [],
  budgetMs: RUN_MS,
  async run({ io }) {
    const tcpdump = io.program('tcpdump');
    const getcap = io.program('getcap');
    const given = tcpdump !== undefined && getcap !== undefined ? await io.run(getcap, [tcpdump]) : undefined;
    return judgeCapture(tcpdump, given?.stdout, await io.text('/proc/self/status'));
  },
};

/** Bit of CAP_NET_RAW in the sets of capabilities(7). */
const CAP_NET_RAW = 13n;

export function judgeCapture(
  tcpdump: string | undefined,
  given: string | undefined,
  status: string | undefined,
): Verdict {
  const want = 'tcpdump with the right to open a raw socket; without it the packets are missing in the evidence';
  const lack = (saw: string, remedy: string): Verdict => ({
    status: 'warn',
    code: 'CF-HOST-CAPTURE',
    saw,
    want,
    remedy,
  });
  if (tcpdump === undefined) return lack('no program `tcpdump` on PATH', 'sudo apt-get install tcpdump');
  if (given?.includes('cap_net_raw')) return { status: 'pass', saw: `${tcpdump} has cap_net_raw` };
  const [, effective] = /^CapEff:\s+([0-9a-f]+)/m.exec(status ?? '') ?? [];
  if (effective === undefined) return { status: 'skip', because: 'this system does not say what this process may do' };
  if ((BigInt(`0x${effective}`) >> CAP_NET_RAW) & 1n)
    return { status: 'pass', saw: `${tcpdump}, and this process has CAP_NET_RAW` };
  return lack(
    `${tcpdump}, without CAP_NET_RAW`,
    `sudo setcap cap_net_raw,cap_net_admin+eip ${tcpdump}, or run verify as root`,
  );
}

const clock: HostCheck = {
  id: 'kernel.clock',
  source: 'timedatectl, chronyc tracking, docker info',
  hop: 'control',
  title: 'the clock is kept by a server of time',
  needs: [],
  budgetMs: 2 * RUN_MS,
  async run(context) {
    const { io } = context;
    const behind = isContained(context) ? await daemonAhead(context) : undefined;
    return judgeClock(await wordsOfTime(io), behind);
  },
};

/** What this host says of its clock. */
export interface TimeWords {
  /** `timedatectl show`. */
  readonly systemd: Ran | undefined;
  /** `chronyc -c tracking`. */
  readonly chrony: Ran | undefined;
}

async function wordsOfTime(io: HostIo): Promise<TimeWords> {
  const [timedatectl, chronyc] = ['timedatectl', 'chronyc'].map((name) => io.program(name));
  return {
    systemd: timedatectl === undefined ? undefined : await io.run(timedatectl, ['show', '--property=NTPSynchronized']),
    chrony: chronyc === undefined ? undefined : await io.run(chronyc, ['-c', 'tracking']),
  };
}

async function daemonAhead({ docker, io }: DoctorContext): Promise<number | undefined> {
  const sight = await docker();
  const time = sight.state === 'here' ? Date.parse(sight.info.SystemTime ?? '') : Number.NaN;
  return Number.isNaN(time) ? undefined : time - io.now();
}

/** Tokens say when they end, and logs when a thing was: both are read on other machines. */
const MOST_SKEW_MS = 2_000;
/** Column of the offset in seconds in the output of `chronyc -c tracking`, and of the state of leap seconds. */
const [OFFSET, LEAP] = [4, 13];

/** `aheadMs`: the clock of a Docker daemon beside ours; it may live on another host. */
export function judgeClock({ systemd, chrony }: TimeWords, aheadMs: number | undefined): Verdict {
  const fault = (saw: string, remedy: string): Verdict => ({
    status: 'warn',
    code: 'CF-HOST-CLOCK',
    saw,
    want: `a clock that is kept, within ${MOST_SKEW_MS / 1_000} s of the others`,
    remedy,
  });
  const off = (ms: number): string => `${(Math.abs(ms) / 1_000).toFixed(1)} s ${ms < 0 ? 'behind' : 'ahead'}`;
  if (aheadMs !== undefined && Math.abs(aheadMs) > MOST_SKEW_MS)
    return fault(`the Docker daemon is ${off(aheadMs)}`, 'Keep both clocks: sudo timedatectl set-ntp true');
  const columns = chrony?.code === 0 ? chrony.stdout.trim().split(',') : [];
  if (columns.length > LEAP) {
    const ms = Number(columns[OFFSET]) * 1_000;
    if (columns[LEAP] === 'Not synchronised')
      return fault('chrony is not synchronised', 'chronyc sources, then the servers in /etc/chrony/chrony.conf');
    if (Math.abs(ms) > MOST_SKEW_MS) return fault(`chrony says ${off(ms)}`, 'sudo chronyc makestep');
    return { status: 'pass', saw: `chrony keeps it, ${Math.abs(ms).toFixed(1)} ms off` };
  }
  const [, kept] = /^NTPSynchronized=(yes|no)$/m.exec(systemd?.code === 0 ? systemd.stdout : '') ?? [];
  if (kept === 'yes') return { status: 'pass', saw: 'synchronised, as systemd says' };
  if (kept === 'no') return fault('not synchronised, as systemd says', 'sudo timedatectl set-ntp true');
  return {
    status: 'skip',
    because: 'neither timedatectl nor chronyc tells anything here',
  };
}

export const kernelChecks: readonly HostCheck[] = [files, namespaces, capture, clock];
