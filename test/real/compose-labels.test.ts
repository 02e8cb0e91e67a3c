import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../src/report/index.ts';
import { composeProject, imageName, loadTopology } from '../../src/topology/index.ts';
import { lacks } from '../support/components.ts';
import { type Fleet, newFleet } from '../support/fleet.ts';
import { docker, lacksDocker } from './support/containers.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const BUILD_MS = 900_000;
const UP_MS = 180_000;
const GATEWAYS = [1, 2] as const;

describe.skipIf(lacksDocker() || lacks('compose'))('a fleet on Compose whose routes are labels', () => {
  let fleet: Fleet;
  let project: string;
  const gateway = (number: number): string => `${project}-gateway-${number}`;
  const opened = async (number: number): Promise<number> => {
    const log = await execa('docker', ['logs', gateway(number)], { all: true });
    return log.all.split('"session.opened"').length - 1;
  };
  const verify = async (): Promise<Report> => {
    const { stdout } = await fleet.cli(['verify', '--json', '--duration', '2s'], { timeoutMs: 120_000 });
    return JSON.parse(stdout) as Report;
  };

  beforeAll(async () => {
    const images = ['gateway', 'control', 'runner'] as const;
    const found = await Promise.all(images.map((one) => docker('image', 'ls', '--quiet', imageName(one, version))));
    fleet = await newFleet();
    if (found.some((id) => id.trim() === '')) await fleet.cli(['images', 'build'], { timeoutMs: BUILD_MS });
    const file = join(fleet.dir, 'camofleet.yaml');
    const text = `${readFileSync(file, 'utf8')}\nengine: compose\ningress: { provider: docker }\n`;
    writeFileSync(file, text);
    project = composeProject(await loadTopology(file));
  }, BUILD_MS);
  afterAll(async () => {
    await fleet.cli(['down'], { timeoutMs: UP_MS });
    await fleet[Symbol.asyncDispose]();
    expect(await docker('ps', '-aq', '--filter', `label=com.docker.compose.project=${project}`)).toBe('');
  }, UP_MS);

  test(
    'shows its picture through two gateways, and Traefik has no capability for it',
    async () => {
      const up = await fleet.cli(['up', '--wait', '--scale', 'gateway=2'], { timeoutMs: UP_MS });
      expect(up).toMatchObject({ exitCode: 0, stdout: `${fleet.url}/` });
      const report = await verify();
      expect({ findings: report.findings, verdict: report.verdict }).toEqual({ findings: [], verdict: 'pass' });
      for (const number of GATEWAYS) expect(await opened(number), `sockets of gateway ${number}`).toBeGreaterThan(0);
      const traefik = `${project}-traefik-1`;
      const pid = (await docker('inspect', '--format', '{{.State.Pid}}', traefik)).trim();
      const facts = readFileSync(`/proc/${pid}/status`, 'utf8');
      expect(facts).toMatch(/^CapEff:\t0+$/m);
      expect(facts).not.toMatch(/^Uid:\t0\t/m);
      const mounts = await docker('inspect', '--format', '{{json .Mounts}}', traefik);
      expect(JSON.parse(mounts)).toContainEqual(
        expect.objectContaining({ Destination: '/var/run/docker.sock', RW: false }),
      );
    },
    UP_MS + 120_000,
  );

  test('sends sockets to the gateway that is left, and says so when none is', async () => {
    await docker('stop', '--time', '20', gateway(1));
    const before = await opened(2);
    const one = await verify();
    expect(one.findings.filter(({ severity }) => severity === 'fail')).toEqual([]);
    expect(await opened(2)).toBeGreaterThan(before);
    await docker('kill', gateway(2));
    const none = await verify();
    expect(none.findings[0]).toMatchObject({ code: 'CF-GATEWAY-DOWN', hop: 'gateway', confidence: 'proven' });
    expect(none.findings[0]!.saw).toContain(`no gateway runs: ${gateway(1)} exited with code`);
  }, 240_000);
});
