import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Report, SmokeRecord } from '../../src/report/index.ts';
import { newFleet, processesBelow, runCli } from '../support/fleet.ts';

const ENTRY = join(import.meta.dirname, '..', '..', 'bin', 'run.js');
/** What verify and the smoke test leave in every case; packets where they may be recorded. */
const EVIDENCE = ['collection.log', 'junit-smoke.xml', 'junit.xml', 'logs', 'report.html', 'report.json', 'smoke.json'];

let dir: string;
/** A PATH with nothing on it: no Traefik, no X, no browser, no tcpdump. */
let env: Readonly<Record<string, string>>;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-ci-'));
  mkdirSync(join(dir, 'programs'));
  mkdirSync(join(dir, 'temp'));
  env = { PATH: join(dir, 'programs'), RUNNER_TEMP: join(dir, 'temp'), CI: '', GITHUB_ACTIONS: '', GITLAB_CI: '' };
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const smoke = (...args: readonly string[]) => runCli(['ci', 'smoke', '--duration', '1s', ...args], { cwd: dir, env });
const text = (name: string): string => readFileSync(join(dir, 'camofleet-smoke', name), 'utf8');
const recordOf = (): SmokeRecord => JSON.parse(text('smoke.json')) as SmokeRecord;
const reportOf = (): Report => JSON.parse(text('report.json')) as Report;
const kept = (): string[] => readdirSync(join(dir, 'camofleet-smoke')).toSorted();

/** Nothing runs, and nothing lies about. */
function isGone(): void {
  expect(processesBelow(join(dir, 'temp'))).toEqual([]);
  expect(readdirSync(join(dir, 'temp'))).toEqual([]);
}

describe('ci smoke', () => {
  test('needs nothing but Node: it comes up, is verified, leaves its evidence, and is gone', async () => {
    const { exitCode, stdout, stderr } = await smoke();
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
    const record = recordOf();
    expect(record).toMatchObject({
      engine: 'local',
      ingress: 'embedded',
      verdict: 'pass',
      exitCode: 0,
      isVerified: true,
    });
    expect(record.steps.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual(
      ['fleet', 'up', 'frame', 'verify', 'down'].map((name) => `${name} pass`),
    );
    expect(reportOf()).toMatchObject({ verdict: 'pass', findings: [] });
    expect(kept()).toEqual(expect.arrayContaining([...EVIDENCE, 'screenshot.png', 'websockify.log']));
    expect(readdirSync(join(dir, 'camofleet-smoke', 'logs'))).toEqual(
      expect.arrayContaining(['control.log', 'gateway.log', 'ingress.log', 'runner.log', 'supervisor.log']),
    );
    expect(stdout).toMatch(/\nPASSED {2}held .*exit 0$/);
    for (const name of ['runner', 'control', 'gateway', 'ingress']) {
      expect(stderr).toMatch(new RegExp(`^ {2}${name} +ready +\\d`, 'm'));
      expect(stderr).toMatch(new RegExp(`^ {2}${name} +stopped +graceful`, 'm'));
    }
    expect(stderr).toMatch(/^ {2}frame +ready +1280x720/m);
    isGone();
  });

  test('that cannot bring a fleet up says why in every form of report, with exit code 3, and is gone', async () => {
    writeFileSync(join(dir, 'programs', 'traefik'), '#!/bin/sh\necho no >&2; exit 1\n', { mode: 0o755 });
    const { exitCode, stdout } = await smoke('--timeout', '20');
    expect(exitCode).toBe(3);
    const record = recordOf();
    expect(record).toMatchObject({ verdict: 'fail', exitCode: 3, isVerified: false });
    expect(record.steps.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
      'fleet pass',
      'up fail',
      'frame skip',
      'verify skip',
      'down skip',
    ]);
    expect(reportOf().findings).toMatchObject([{ code: 'CF_SERVICE_EXITED', severity: 'fail' }]);
    expect(record.steps[1]!.saw).toMatch(/\nlog: logs\/ingress\.log$/); // where it is kept, not where it was
    expect(text('junit-smoke.xml')).toContain('<failure type="CF_SERVICE_EXITED"');
    expect(kept()).toEqual(expect.arrayContaining(['doctor.json', 'logs', 'report.html']));
    expect(JSON.parse(text('doctor.json'))).toMatchObject({ schema: 'camofleet.doctor/1', engine: 'local' });
    expect(stdout).toContain('camofleet explain CF_SERVICE_EXITED');
    expect(stdout).toMatch(/\nFAILED {2}up: .*exit 3$/);
    isGone();
  });

  test('speaks to GitHub: groups, notes, and the summary of the job', async () => {
    writeFileSync(join(dir, 'programs', 'traefik'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    const summary = join(dir, 'summary.md');
    env = { ...env, GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: summary };
    const { stderr } = await smoke('--timeout', '20');
    expect(stderr).toContain('::group::The fleet comes up\n');
    expect(stderr.match(/^::group::/gm)).toHaveLength(stderr.match(/^::endgroup::$/gm)!.length);
    expect(stderr).toMatch(/^::error title=CF_SERVICE_EXITED::ingress exited.*remedy: /m);
    expect(readFileSync(summary, 'utf8')).toMatch(/^## ❌ camofleet smoke test: failed\n/);
  });

  test('that is told to stop while it holds writes its evidence, takes all down, and exits 130', async () => {
    const child = spawn(process.execPath, [ENTRY, 'ci', 'smoke', '--duration', '10m', '--json'], {
      cwd: dir,
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()));
    const ended = once(child, 'close');
    await expect.poll(() => err, { timeout: 60_000 }).toContain('holding …');
    child.kill('SIGINT');
    const [code] = (await ended) as [number];
    expect(code).toBe(130);
    const record = recordOf();
    expect(JSON.parse(out)).toEqual(record);
    expect(record).toMatchObject({ interrupted: true, exitCode: 130, verdict: 'unknown' });
    expect(record.steps.at(-1)).toMatchObject({ name: 'down', verdict: 'pass' });
    expect(reportOf()).toMatchObject({ interrupted: true, exitCode: 130 });
    isGone();
  });

  test('that is told to stop while services start takes down what has started', async () => {
    writeFileSync(join(dir, 'programs', 'traefik'), '#!/bin/sh\nwhile :; do :; done\n', { mode: 0o755 });
    const child = spawn(process.execPath, [ENTRY, 'ci', 'smoke'], {
      cwd: dir,
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let err = '';
    child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()));
    const ended = once(child, 'close');
    await expect.poll(() => err, { timeout: 60_000 }).toMatch(/gateway +ready/);
    child.kill('SIGTERM');
    expect((await ended)[0]).toBe(130);
    expect(recordOf()).toMatchObject({ interrupted: true, exitCode: 130, isVerified: false });
    isGone();
  });

  test('where no frame comes fails with exit code 1, and has verify look for the hop', async () => {
    await using fleet = await newFleet({ programs: ['setpriv'] });
    const { min } = fleet.topology.runner.rfbPorts;
    const file = join(fleet.dir, 'camofleet.yaml');
    const range = `rfbPorts: { min: ${min}, max: ${min} }\n  maxSessions: 1`;
    writeFileSync(file, readFileSync(file, 'utf8').replace(/rfbPorts:.*/, range));
    const stranger = createServer();
    stranger.listen({ host: '127.0.0.1', port: min });
    await once(stranger, 'listening');
    try {
      const { exitCode, stdout } = await smoke('--dir', fleet.dir, '--timeout', '5');
      expect({ exitCode, stdout }).toMatchObject({ exitCode: 1 });
    } finally {
      stranger.close();
    }
    const { steps, isVerified } = recordOf();
    expect(isVerified).toBe(true);
    expect(steps.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
      'fleet pass',
      'up pass',
      'frame fail',
      'verify unknown',
      'down pass',
    ]);
    expect(processesBelow(fleet.dir)).toEqual([]);
  });

  test('takes the fleet of a folder, and leaves it there', async () => {
    await using fleet = await newFleet({ programs: ['setpriv'] });
    const { exitCode } = await smoke('--dir', fleet.dir);
    expect(exitCode).toBe(0);
    expect(recordOf()).toMatchObject({ url: fleet.url, verdict: 'pass' });
    expect(existsSync(join(fleet.dir, 'camofleet.yaml'))).toBe(true);
    expect(processesBelow(fleet.dir)).toEqual([]);
  });

  test('leaves a fleet alone that runs already', async () => {
    await using fleet = await newFleet({ programs: ['setpriv'] });
    expect((await fleet.cli(['up', '--detach'])).exitCode).toBe(0);
    const { exitCode, stdout } = await smoke('--dir', fleet.dir);
    expect(exitCode).toBe(3);
    expect(stdout).toContain('CF_FLEET_RUNNING');
    expect((await fleet.cli(['status'])).exitCode).toBe(0);
  });

  test.each([
    [['--duration', 'soon'], 2],
    [['--dir', 'nowhere'], 2],
    [['--budget', 'nowhere.yaml'], 2],
    [['--out', 'programs/..'], 2],
  ])('with %j is usage, and starts nothing', async (args, code) => {
    expect((await smoke(...args)).exitCode).toBe(code);
    isGone();
  });
});
