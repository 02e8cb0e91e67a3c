import { describe, expect, test } from 'vitest';
import { CODES } from '../../src/diagnostics/codes.ts';
import type { DoctorReport } from '../../src/report/index.ts';
import { cliFolder } from '../support/folder.ts';
import { newFleet } from '../support/fleet.ts';

const VERDICTS: Readonly<Record<string, readonly number[]>> = { pass: [0], warn: [0], fail: [1], unknown: [3] };

describe('doctor', () => {
  test('looks at this host without a camofleet.yaml, and says in words and in JSON the same', async () => {
    using folder = cliFolder();
    const [text, json] = [await folder.cli(['doctor']), await folder.cli(['doctor', '--json'])];
    const report = JSON.parse(json.stdout) as DoctorReport;
    expect(report).toMatchObject({ schema: 'camofleet.doctor/1', engine: 'local' });
    expect(VERDICTS[report.verdict]).toContain(json.exitCode);
    expect(text.exitCode).toBe(json.exitCode);
    expect(text.stdout).toMatch(/^doctor {2}this host, for engine local\n/);
    expect(text.stdout.trimEnd().split('\n').at(-1)).toMatch(/^(READY|NOT READY|UNKNOWN).* \d+ checks: .* exit \d+$/);
    expect(text.stdout).not.toContain('\x1b');
    for (const { code, remedy } of report.findings) {
      expect(Object.keys(CODES)).toContain(code);
      expect(text.stdout.replaceAll(/\s+/g, ' ')).toContain(remedy.replaceAll(/\s+/g, ' '));
    }
    expect(Object.keys(folder.contents())).toEqual([]); // it changes nothing
  });

  test('opens every group when asked to', async () => {
    using folder = cliFolder();
    const { stdout } = await folder.cli(['doctor', '--verbose']);
    expect(stdout).toContain('the ports of the topology are');
  });

  test('knows where Docker is not, with its remedy and exit code 1', async () => {
    await using fleet = await newFleet({ programs: [] });
    const { exitCode, stdout } = await fleet.cli(['doctor', '--engine', 'compose', '--json']);
    const { findings } = JSON.parse(stdout) as DoctorReport;
    expect(exitCode).toBe(1);
    expect(findings.map(({ code }) => code)).toEqual(expect.arrayContaining(['CF-HOST-DOCKER', 'CF-HOST-COMPOSE']));
  });

  test('leaves the ports of a fleet that runs to it', async () => {
    await using fleet = await newFleet({ programs: ['setpriv'] });
    expect((await fleet.cli(['up', '--detach'])).exitCode).toBe(0);
    const { stdout } = await fleet.cli(['doctor', '--json']);
    const { checks } = JSON.parse(stdout) as DoctorReport;
    expect(checks.find(({ id }) => id === 'network.ports')).toMatchObject({
      verdict: 'skip',
      because: 'the fleet runs, and has them',
    });
  });

  test.each([
    [['doctor', '--engine', 'cloud'], 2],
    [['doctor', '--topology', 'nowhere.yaml'], 2],
  ])('%j is usage', async (args, code) => {
    using folder = cliFolder();
    expect((await folder.cli(args)).exitCode).toBe(code);
  });
});
