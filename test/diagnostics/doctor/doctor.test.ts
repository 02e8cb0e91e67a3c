import { describe, expect, test } from 'vitest';
import { HOST_CHECKS, doctor } from '../../../src/diagnostics/doctor/doctor.ts';
import type { DoctorEngine } from '../../../src/diagnostics/doctor/context.ts';
import type { DoctorReport } from '../../../src/report/index.ts';
import { fleetPaths, parseTopology } from '../../../src/topology/index.ts';
import { type FakeHost, hostOf } from './support/host.ts';

const GIB = 1_073_741_824;
const BIG = { bytes: 100 * GIB, freeBytes: 50 * GIB, freeFiles: 1e6 };
const INFO = {
  ServerVersion: '28.2.2',
  CgroupVersion: '2',
  MemoryLimit: true,
  CpuCfsQuota: true,
  PidsLimit: true,
  SystemTime: '2026-11-23T12:00:00.2Z',
  DockerRootDir: '/var/lib/docker',
  SecurityOptions: ['name=seccomp,profile=builtin'],
  Swarm: { LocalNodeState: 'active', ControlAvailable: true },
};

/** A host that has everything. */
const GOOD: FakeHost = {
  files: {
    '/proc/meminfo': 'MemAvailable: 9000000 kB\n',
    '/proc/self/cgroup': '0::/\n',
    '/sys/fs/cgroup/cgroup.controllers': 'memory pids',
    '/proc/sys/net/ipv4/ip_local_port_range': '32768 60999',
    '/proc/net/if_inet6': '0001 lo\n',
    '/proc/self/limits': 'Max open files            1024   65536   files\n',
    '/proc/sys/user/max_user_namespaces': '15000\n',
    '/proc/self/status': 'CapEff:\t000001ffffffffff\n',
  },
  rooms: { '/fleet': BIG, '/dev/shm': BIG, '/var/lib/docker': BIG },
  programs: {
    'docker info --format {{json .}}': { stdout: JSON.stringify(INFO) },
    'docker compose version': { stdout: 'Docker Compose version v5.6.1\n' },
    'traefik version': { stdout: 'Version: 3.7.15\n' },
    Xvfb: {},
    'x11vnc -version': { stdout: 'x11vnc: 0.9.16\n' },
    'chromium --version': { stdout: 'Chromium 156.0\n' },
    setpriv: {},
    tcpdump: {},
    'getcap tcpdump': {},
    'unshare --user true': {},
    'timedatectl show --property=NTPSynchronized': { stdout: 'NTPSynchronized=yes\n' },
  },
};

interface Asked {
  readonly engine?: DoctorEngine;
  readonly isRunning?: boolean;
  readonly strict?: boolean;
  readonly signal?: AbortSignal;
}

async function look(host: FakeHost, asked: Asked = {}): Promise<DoctorReport> {
  const parsed = parseTopology('version: 1\n');
  if (!('topology' in parsed)) throw new Error('the smallest topology is not valid');
  return doctor({
    version: '0.0.0',
    engine: 'local',
    topology: parsed.topology,
    paths: fleetPaths('/fleet'),
    isRunning: false,
    isRoot: false,
    strict: false,
    io: hostOf(host),
    monotonic: () => performance.now(),
    signal: new AbortController().signal,
    ...asked,
  });
}

const verdictsOf = ({ checks }: DoctorReport): Readonly<Record<string, string>> =>
  Object.fromEntries(checks.map(({ id, verdict }) => [id, verdict]));

describe('the checks of a host', () => {
  test('have one id each, in the group that they are shown in, and needs that come before', () => {
    const ids = HOST_CHECKS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [index, { id, needs, source, title }] of HOST_CHECKS.entries()) {
      expect(id).toMatch(/^(docker|programs|room|network|kernel)\.[a-z0-9]+$/);
      expect(ids.slice(0, index)).toEqual(expect.arrayContaining([...needs]));
      expect([source, title]).not.toContain('');
    }
  });

  test.each<DoctorEngine>(['local', 'compose', 'swarm'])(
    'all pass on a host that has everything: %s',
    async (engine) => {
      const report = await look(GOOD, { engine });
      expect([...new Set(Object.values(verdictsOf(report)))]).toEqual(['pass']);
      expect(report).toMatchObject({
        schema: 'camofleet.doctor/1',
        engine,
        verdict: 'pass',
        exitCode: 0,
        findings: [],
      });
    },
  );

  test('are those of the engine: containers bring their programs, processes need no Docker', async () => {
    const groups = async (engine: DoctorEngine): Promise<string[]> => [
      ...new Set((await look(GOOD, { engine })).checks.map(({ id }) => id.split('.')[0]!)),
    ];
    expect(await groups('local')).not.toContain('docker');
    const compose = (await look(GOOD, { engine: 'compose' })).checks.map(({ id }) => id);
    expect(compose).toContain('docker.compose');
    expect(compose).not.toContain('programs.traefik');
    expect((await look(GOOD, { engine: 'swarm' })).checks.map(({ id }) => id)).toContain('docker.swarm');
  });
});

describe('a host without Docker', () => {
  test('fails once for Compose, and what needs the daemon is skipped', async () => {
    const programs = Object.fromEntries(Object.entries(GOOD.programs!).filter(([line]) => !line.startsWith('docker')));
    const report = await look({ ...GOOD, programs }, { engine: 'compose' });
    expect(verdictsOf(report)).toMatchObject({
      'docker.daemon': 'fail',
      'docker.version': 'skip',
      'docker.limits': 'skip',
      'docker.compose': 'fail',
      'room.images': 'skip',
      'kernel.clock': 'pass',
    });
    expect(report.findings.map(({ code }) => code)).toEqual(['CF-HOST-DOCKER', 'CF-HOST-COMPOSE']);
    expect(report).toMatchObject({ verdict: 'fail', exitCode: 1 });
  });

  test('does not matter to processes', async () => {
    const report = await look({
      ...GOOD,
      programs: { ...GOOD.programs, 'docker info --format {{json .}}': { code: 1 } },
    });
    expect(report).toMatchObject({ verdict: 'pass', exitCode: 0 });
  });
});

describe('a host that cannot be looked at', () => {
  test('is skipped or unknown, and never blamed', async () => {
    const report = await look({ platform: 'darwin', addresses: Object.assign(new Error('x'), { code: 'EAI_AGAIN' }) });
    expect(report.checks.filter(({ verdict }) => verdict === 'fail')).toEqual([]);
    expect(verdictsOf(report)).toMatchObject({
      'network.name': 'unknown',
      'room.memory': 'skip',
      'kernel.files': 'skip',
      'kernel.namespaces': 'skip',
    });
    expect(report).toMatchObject({ verdict: 'unknown', exitCode: 3 });
  });

  test('whose Docker client hangs is unknown', async () => {
    const programs = { ...GOOD.programs, 'docker info --format {{json .}}': undefined as never };
    const report = await look({ ...GOOD, programs }, { engine: 'compose' });
    expect(verdictsOf(report)['docker.daemon']).toBe('unknown');
  });
});

test('each finding has its remedy, where it was seen and what it is not; failures come first', async () => {
  const report = await look({
    ...GOOD,
    programs: { 'traefik version': { stdout: 'Version: 2.11.0' } },
    taken: ['public.port', 'gateway.port'],
    rooms: { '/fleet': BIG, '/dev/shm': { ...BIG, bytes: 67_108_864 } },
  });
  const severities = report.findings.map(({ severity }) => severity);
  expect(severities).toEqual(severities.toSorted());
  for (const { remedy, evidence, not, want } of report.findings) {
    expect(remedy.length).toBeGreaterThan(10);
    expect(want.length).toBeGreaterThan(3);
    expect(not.length).toBeGreaterThan(0);
    expect(evidence[0]!.file).not.toBe('');
  }
  const port = report.findings.find(({ code }) => code === 'CF-HOST-PORT');
  expect(port?.saw).toBe(
    'port 8443 is held by process 7 (nginx); setting: public.port; port 6900 is held by process 7 (nginx); setting: gateway.port',
  );
  // Two programs that are missing are two findings, each with its own remedy.
  const missing = report.findings.filter(({ code }) => code === 'CF-HOST-PROGRAM').map(({ remedy }) => remedy);
  expect(new Set(missing).size).toBe(missing.length);
  expect(missing.length).toBe(3);
});

test('ports of a fleet that runs are its own', async () => {
  const report = await look({ ...GOOD, taken: ['public.port'] }, { isRunning: true });
  expect(verdictsOf(report)['network.ports']).toBe('skip');
});

test('warnings exit 0, and 5 when they are to count', async () => {
  const host = { ...GOOD, rooms: { ...GOOD.rooms, '/dev/shm': { ...BIG, bytes: 67_108_864 } } };
  expect(await look(host)).toMatchObject({ verdict: 'warn', exitCode: 0 });
  expect(await look(host, { strict: true })).toMatchObject({ verdict: 'warn', exitCode: 5 });
});

test('one that is interrupted exits 130', async () => {
  expect(await look(GOOD, { signal: AbortSignal.abort() })).toMatchObject({ exitCode: 130 });
});
