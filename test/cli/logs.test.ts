import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, runCli, startFleet } from '../support/fleet.ts';

const ENTRY = join(import.meta.dirname, '..', '..', 'bin', 'run.js');

describe('logs', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ programs: ['setpriv'] });
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  test('shows every source, each line behind its name', async () => {
    const { exitCode, stdout } = await fleet.cli(['logs']);
    expect(exitCode).toBe(0);
    const sources = new Set(stdout.split('\n').map((line) => line.split(' ')[0]));
    expect([...sources]).toEqual(['supervisor', 'runner', 'control', 'gateway', 'ingress', 'traefik-access']);
    expect(stdout).toMatch(/^supervisor {5}\{"time":.*"event":"fleet\.up"/m);
  });

  test('shows one source as it is, or as JSON, and no more lines than asked for', async () => {
    const plain = await fleet.cli(['logs', 'gateway', '--lines', '1']);
    expect(JSON.parse(plain.stdout)).toMatchObject({ event: expect.any(String) });
    const json = await fleet.cli(['logs', 'gateway', '--lines', '1', '--json']);
    expect(JSON.parse(json.stdout)).toEqual({ source: 'gateway', text: plain.stdout });
  });

  test('follows one service until Ctrl-C, exit code 0', async () => {
    const logs = fleet.start(['logs', '-f', 'runner', '--lines', '1']);
    await expect.poll(() => logs.stdout(), { timeout: 20_000 }).toContain('\n');
    const session = await fleet.createSession({ browser: 'testcard' });
    await expect
      .poll(() => logs.stdout(), { timeout: 20_000 })
      .toMatch(new RegExp(`"session\\.started","session":"${session.id}"`));
    process.kill(logs.pid, 'SIGINT');
    expect(await logs.ended).toBe(0);
    expect(logs.stderr()).toBe('');
  });

  test('ends when nobody reads it any more', async () => {
    const logs = spawn(process.execPath, [ENTRY, 'logs', '-f', '-C', fleet.dir], { stdio: ['ignore', 'pipe', 'pipe'] });
    const said: Buffer[] = [];
    logs.stderr.on('data', (bytes: Buffer) => said.push(bytes));
    await once(logs.stdout, 'data');
    logs.stdout.destroy();
    process.kill(fleet.processes('run.js gateway')[0]!.pid, 'SIGKILL'); // something to tell
    const [code] = (await once(logs, 'exit')) as [number | null];
    expect({ code, said: Buffer.concat(said).toString() }).toEqual({ code: 0, said: '' });
  });

  test('of a source that no fleet has exits 2 and names those that there are', async () => {
    const { exitCode, stderr } = await fleet.cli(['logs', 'gatway']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('there is no log gatway; did you mean gateway?');
  });

  test('of a folder without a fleet exits 3 and says so', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'camofleet-empty-'));
    const { exitCode, stderr } = await runCli(['logs'], { cwd });
    rmSync(cwd, { recursive: true });
    expect(exitCode).toBe(3);
    expect(stderr).toContain('CF_FLEET_NOT_RUNNING');
  });
});
