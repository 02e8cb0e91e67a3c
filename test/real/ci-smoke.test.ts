import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Report, SmokeRecord } from '../../src/report/index.ts';
import { imageName } from '../../src/topology/index.ts';
import { lacks } from '../support/components.ts';
import { newFleet, runCli } from '../support/fleet.ts';
import { docker, lacksDocker } from './support/containers.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const ENTRY = join(ROOT, 'bin', 'run.js');
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const BUILD_MS = 900_000;
const RUN_MS = 300_000;

describe.skipIf(lacksDocker() || lacks('compose'))('a smoke test on Compose', () => {
  let dir: string;
  beforeAll(async () => {
    const services = ['gateway', 'control', 'runner'] as const;
    const images = await Promise.all(services.map((one) => docker('image', 'ls', '--quiet', imageName(one, version))));
    if (images.every((id) => id.trim() !== '')) return;
    const built = await runCli(['images', 'build'], { cwd: tmpdir(), timeoutMs: BUILD_MS });
    expect(built).toMatchObject({ exitCode: 0 });
  }, BUILD_MS);
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'camofleet-ci-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const env = (): Record<string, string> => ({ RUNNER_TEMP: dir, CI: '', GITHUB_ACTIONS: '', GITLAB_CI: '' });
  const smoke = (...args: readonly string[]) =>
    runCli(['ci', 'smoke', '--engine', 'compose', '--duration', '2s', ...args], {
      cwd: dir,
      env: env(),
      timeoutMs: RUN_MS,
    });
  const evidence = (name: string): string => readFileSync(join(dir, 'camofleet-smoke', name), 'utf8');
  const record = (): SmokeRecord => JSON.parse(evidence('smoke.json')) as SmokeRecord;

  /** No container, network or volume of a project is left. */
  async function isGone(project: string): Promise<void> {
    const label = `label=com.docker.compose.project=${project}`;
    for (const what of [
      ['ps', '--all'],
      ['network', 'ls'],
      ['volume', 'ls'],
    ])
      expect((await docker(...what, '--quiet', '--filter', label)).trim()).toBe('');
  }

  /** The project of a fleet that was thrown away, from its containers in the evidence. */
  const projectOf = (): string => {
    const [{ instance }] = JSON.parse(evidence('services.json')) as [{ instance: string }];
    return instance.replace(/-[a-z]+-\d+$/, '');
  };

  test(
    'brings containers up, proves them, keeps their logs, and leaves nothing',
    async () => {
      const { exitCode, stderr } = await smoke();
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
      expect(record()).toMatchObject({ engine: 'compose', ingress: 'traefik', verdict: 'pass', isVerified: true });
      expect((JSON.parse(evidence('report.json')) as Report).findings).toEqual([]);
      expect(readdirSync(join(dir, 'camofleet-smoke', 'logs'))).toEqual(
        expect.arrayContaining(['control.log', 'gateway.log', 'runner.log', 'traefik-access.log']),
      );
      await isGone(projectOf());
    },
    RUN_MS,
  );

  test(
    'that does not come up keeps what its containers said, and leaves nothing',
    async () => {
      await using fleet = await newFleet({ initArgs: ['--fleet', 'smokefail'] });
      writeFileSync(join(fleet.dir, '.camofleet', 'secrets', 'token-keys.json'), '{"active"', { mode: 0o600 });
      const { exitCode } = await smoke('--dir', fleet.dir, '--timeout', '40');
      expect(exitCode).toBeGreaterThan(0);
      expect(record()).toMatchObject({ verdict: 'fail', isVerified: false });
      const logs = readdirSync(join(dir, 'camofleet-smoke', 'logs')).map((name) => evidence(join('logs', name)));
      expect(logs.join('\n')).toContain('CF_KEYS_INVALID');
      await isGone('smokefail');
    },
    RUN_MS,
  );

  test(
    'that is told to stop while it holds removes its containers, and exits 130',
    async () => {
      const child = spawn(process.execPath, [ENTRY, 'ci', 'smoke', '--engine', 'compose', '--duration', '10m'], {
        cwd: dir,
        env: { ...process.env, NO_COLOR: '1', ...env() },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let err = '';
      child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()));
      const ended = once(child, 'close');
      await expect.poll(() => err, { timeout: RUN_MS / 2 }).toContain('holding …');
      child.kill('SIGINT');
      expect((await ended)[0]).toBe(130);
      expect(record()).toMatchObject({ interrupted: true, exitCode: 130 });
      expect(record().steps.at(-1)).toMatchObject({ name: 'down', verdict: 'pass' });
      await isGone(projectOf());
    },
    RUN_MS,
  );
});
