import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Worker } from '../../src/api/index.ts';
import type { Report } from '../../src/report/index.ts';
import { composeProject, imageName, loadTopology } from '../../src/topology/index.ts';
import { lacks } from '../support/components.ts';
import { type Fleet, newFleet } from '../support/fleet.ts';
import { docker, lacksDocker } from './support/containers.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const BUILD_MS = 900_000;
const UP_MS = 180_000;
const SECRET = join('.camofleet', 'compose', 'secrets', 'service-key');

/** Two Compose projects that share no network stand for two hosts: what one publishes is all that the other reaches. */
describe.skipIf(lacksDocker() || lacks('compose'))('a fleet on Compose whose runner is on another host', () => {
  let fleet: Fleet;
  let project: string;
  let lan: string;
  /** The address of the other host. */
  let there: string;
  let thereFolder: string;
  let ports: { readonly api: number; readonly rfb: number };

  const far = (...args: readonly string[]): Promise<unknown> =>
    execa('docker-compose', ['--project-name', `${project}-far`, ...args], { cwd: thereFolder, stdin: 'ignore' });
  const verify = async (): Promise<Report> => {
    const { stdout } = await fleet.cli(['verify', '--json', '--duration', '2s'], { timeoutMs: 120_000 });
    return JSON.parse(stdout) as Report;
  };

  beforeAll(async () => {
    const images = ['gateway', 'control', 'runner'] as const;
    const found = await Promise.all(images.map((one) => docker('image', 'ls', '--quiet', imageName(one, version))));
    fleet = await newFleet();
    if (found.some((id) => id.trim() === '')) await fleet.cli(['images', 'build'], { timeoutMs: BUILD_MS });
    const { runner } = fleet.topology;
    ports = { api: runner.port, rfb: runner.rfbPorts.min };
    const file = join(fleet.dir, 'camofleet.yaml');
    project = composeProject(await loadTopology(file));
    lan = `${project}-lan`;
    await docker('network', 'create', lan);
    there = (await docker('network', 'inspect', '--format', '{{(index .IPAM.Config 0).Gateway}}', lan)).trim();
    const text = readFileSync(file, 'utf8')
      .replace(/^ {2}rfbPorts:.*$/m, `  rfbPorts: { min: ${ports.rfb}, max: ${ports.rfb + 7} }\n  maxSessions: 8`)
      .replace(/^runner:\n/m, `runner:\n  hosts: [${there}]\n`);
    writeFileSync(file, `${text}\nengine: compose\n`);
    await fleet.cli(['render', '--engine', 'compose']);
    // As docs/containers.md says.
    thereFolder = mkdtempSync(join(tmpdir(), 'camofleet-far-'));
    for (const name of ['compose.yaml', 'seccomp'])
      cpSync(join(fleet.dir, name), join(thereFolder, name), { recursive: true });
    mkdirSync(join(thereFolder, '.camofleet', 'compose', 'secrets'), { recursive: true });
    await execa('cp', ['--preserve', join(fleet.dir, SECRET), join(thereFolder, SECRET)]);
    writeFileSync(join(thereFolder, '.env'), `COMPOSE_PROFILES=runner\nCAMOFLEET_RUNNER_HOST=${there}\n`);
  }, BUILD_MS);
  afterAll(async () => {
    await fleet.cli(['down'], { timeoutMs: UP_MS });
    await far('down', '--timeout', '20');
    await docker('network', 'rm', lan);
    rmSync(thereFolder, { recursive: true, force: true });
    await fleet[Symbol.asyncDispose]();
    const left = ['--filter', `name=^${project}`];
    expect(await docker('ps', '--all', '--quiet', ...left)).toBe('');
    expect(await docker('network', 'ls', '--quiet', ...left)).toBe('');
  }, UP_MS);

  test(
    'runs there what the profile says, and publishes it at that address alone',
    async () => {
      await far('up', '--detach', '--wait');
      const names = await docker('ps', '--filter', `name=^${project}-far`, '--format', '{{.Names}}');
      expect(names.trim()).toBe(`${project}-far-runner-1`);
      const published = JSON.parse(
        await docker('inspect', '--format', '{{json .HostConfig.PortBindings}}', names.trim()),
      ) as Record<string, { HostIp: string }[]>;
      expect(Object.keys(published)).toHaveLength(1 + 8);
      expect(new Set(Object.values(published).flatMap((all) => all.map(({ HostIp }) => HostIp)))).toEqual(
        new Set([there]),
      );
    },
    UP_MS,
  );

  test(
    'runs everything else here, and shows the picture from there',
    async () => {
      const up = await fleet.cli(['up', '--wait'], { timeoutMs: UP_MS });
      expect({ ...up, stderr: '' }).toEqual({ exitCode: 0, stdout: `${fleet.url}/`, stderr: '' });
      expect(up.stderr).toMatch(/frame +ready +1280x720 at the public URL/);
      const here = await docker(
        'ps',
        '--filter',
        `label=com.docker.compose.project=${project}`,
        '--format',
        '{{.Names}}',
      );
      expect(here.trim().split('\n').toSorted()).toEqual(
        ['control', 'gateway', 'traefik'].map((service) => `${project}-${service}-1`),
      );
      const workers = await fleet.api<Worker[]>('GET', '/workers');
      expect(workers).toMatchObject([{ name: `runner-1-${there}`, reachable: true }]);
      const report = await verify();
      expect({ findings: report.findings, verdict: report.verdict }).toEqual({ findings: [], verdict: 'pass' });
      expect(report.streams.map(({ vantage }) => vantage)).toEqual(
        expect.arrayContaining(['public', 'gateway', 'rfb']),
      );
    },
    UP_MS + 120_000,
  );

  test('is said to be ill at its runner when that host is gone', async () => {
    await docker('kill', `${project}-far-runner-1`);
    const report = await verify();
    expect(report.findings[0]).toMatchObject({ hop: 'runner', severity: 'fail' });
  }, 120_000);
});
