import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliResult, type Fleet, newFleet } from '../support/fleet.ts';

const ENTRY = join(import.meta.dirname, '..', '..', 'bin', 'run.js');

interface Status {
  readonly state: string;
  readonly services: {
    name: string;
    state: string;
    restarts: number;
    lastEnd: string | null;
    identity: object | null;
  }[];
}

const NAMES = ['runner', 'control', 'gateway', 'ingress'];

describe('status', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await newFleet({ programs: ['setpriv'] });
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  const both = async (): Promise<{ text: CliResult; json: Status; exitCode: number }> => {
    const [text, json] = await Promise.all([fleet.cli(['status']), fleet.cli(['status', '--json'])]);
    return { text, json: JSON.parse(json.stdout), exitCode: json.exitCode };
  };

  test('of a fleet that never ran is "not running", with exit code 3', async () => {
    const { text, json, exitCode } = await both();
    expect({ ...text, exitCode }).toEqual({
      exitCode: 3,
      stdout: 'not running',
      stderr: 'Start it with `camofleet up`.',
    });
    expect(json).toEqual({ state: 'not running' });
  });

  test('that cannot be written says so, with exit code 3', async () => {
    const full = openSync('/dev/full', 'w');
    const { status, stderr } = spawnSync(process.execPath, [ENTRY, 'status', '--json'], {
      cwd: fleet.dir,
      encoding: 'utf8',
      stdio: ['ignore', full, 'pipe'],
    });
    closeSync(full);
    expect(status).toBe(3);
    expect(stderr).toContain('error  output cannot be written: ENOSPC');
  });

  test('of a fleet that is up names every service, with exit code 0', async () => {
    await fleet.cli(['up', '--detach']);
    const { text, json, exitCode } = await both();
    expect([text.exitCode, exitCode]).toEqual([0, 0]);
    expect(text.stdout).toMatch(new RegExp(`^${fleet.url}/ {2}up, served by embedded, since 20`));
    for (const name of NAMES) expect(text.stdout).toMatch(new RegExp(`^${name} +ready +\\d+ +0 *$`, 'm'));
    expect(json).toMatchObject({ state: 'up', url: fleet.url, ingress: 'embedded' });
    expect(json.services.map(({ name, state }) => `${name} ${state}`)).toEqual(NAMES.map((name) => `${name} ready`));
  });

  test('of a service that cannot be started again says why and when it is tried again, with exit code 1', async () => {
    const keys = join(fleet.dir, '.camofleet', 'secrets', 'token-keys.json');
    const good = readFileSync(keys, 'utf8');
    writeFileSync(keys, '{"active"');
    process.kill(fleet.processes('run.js gateway')[0]!.pid, 'SIGKILL');
    await expect
      .poll(async () => (await fleet.cli(['status'])).stdout, { timeout: 30_000, interval: 50 })
      .toMatch(
        /^gateway +waiting +- +\d+ +gateway exited with code 2 before it was ready; starts again in \d+\.\d s$/m,
      );
    const { json, exitCode } = await both();
    expect(exitCode).toBe(1);
    expect(json.services[2]!.restarts).toBeGreaterThanOrEqual(2);

    writeFileSync(keys, good);
    await expect.poll(async () => (await fleet.cli(['status'])).exitCode, { timeout: 30_000 }).toBe(0);
    const log = await fleet.cli(['logs', 'supervisor']);
    expect(log.stdout).toMatch(/"service\.died","service":"gateway","how":"ended by SIGKILL","retryInMs":250/);
  });

  test('of a fleet whose supervisor was killed says so, with exit code 3', async () => {
    process.kill(fleet.processes('up', '--supervise')[0]!.pid, 'SIGKILL');
    const { text, json, exitCode } = await both();
    expect(exitCode).toBe(3);
    expect(text.stdout).toContain('not running: its supervisor was killed');
    expect(json.state).toBe('killed');
  });

  test('of a fleet that was stopped says how, with exit code 3', async () => {
    await fleet.cli(['up', '--detach']);
    await fleet.cli(['down']);
    const { text, json, exitCode } = await both();
    expect(exitCode).toBe(3);
    const how = 'ingress graceful, gateway graceful, control graceful, runner graceful';
    expect(text.stdout).toBe(`${fleet.url}/  stopped: ${how}`);
    expect(json.state).toBe('stopped');
    expect(json.services.every(({ state, identity }) => state === 'stopped' && identity === null)).toBe(true);
  });
});
