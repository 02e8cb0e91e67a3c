import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report } from '../../src/report/index.ts';
import { randomShift } from '../support/fleet.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** The tarball of `npm pack`, installed in an empty folder: nothing of the checkout may be needed. */
describe('the package', () => {
  let folder: string;
  const camofleet = async (args: readonly string[]): Promise<{ exitCode?: number; stdout: string; stderr: string }> =>
    execa(process.execPath, [join(folder, 'node_modules', 'camofleet', 'bin', 'run.js'), ...args], {
      cwd: folder,
      env: { NO_COLOR: '1' },
      stdin: 'ignore',
      reject: false,
    });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'camofleet-package-'));
    await execa('npm', ['pack', '--pack-destination', folder], { cwd: ROOT });
    const [tarball] = readdirSync(folder);
    await execa('npm', ['install', '--no-audit', '--no-fund', '--omit=dev', `./${tarball}`], { cwd: folder });
  });
  afterAll(async () => {
    await camofleet(['down']);
    rmSync(folder, { recursive: true, force: true });
  });

  test('holds what runs, and neither sources nor tests', () => {
    const installed = join(folder, 'node_modules', 'camofleet');
    expect(readdirSync(installed).toSorted()).toEqual([
      '.dockerignore',
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin',
      'charts',
      'dist',
      'docs',
      'images',
      'oclif.manifest.json',
      'package.json',
      'templates',
    ]);
  });

  test('explains a code without the network', async () => {
    const { exitCode, stdout } = await camofleet(['explain', 'CF-EDGE-IDLE']);
    expect({ exitCode, stdout }).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('# CF-EDGE-IDLE') });
  });

  test('writes a fleet, brings it up, proves it, and takes it down', async () => {
    const init = await camofleet(['init', '--yes', '--shift', String(randomShift())]);
    expect(init).toMatchObject({ exitCode: 0 });
    const up = await camofleet(['up', '--detach', '--wait']);
    expect(up).toMatchObject({ exitCode: 0 });
    const verify = await camofleet(['verify', '--duration', '2s']);
    expect(verify).toMatchObject({ exitCode: 0 });
    const report = JSON.parse(readFileSync(join(folder, 'artifacts', 'latest', 'report.json'), 'utf8')) as Report;
    expect(report).toMatchObject({ verdict: 'pass', findings: [] });
    expect(report.checks.find(({ id }) => id === 'page.loads')).toMatchObject({ verdict: 'pass' });
    expect(await camofleet(['down'])).toMatchObject({ exitCode: 0 });
  });
});
