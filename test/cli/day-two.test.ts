import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Fleet, newFleet, startFleet } from '../support/fleet.ts';

const secretsOf = (fleet: Fleet): string[] =>
  ['operator.key', 'service.key', 'token-keys.json'].map((name) =>
    readFileSync(join(fleet.dir, '.camofleet', 'secrets', name), 'utf8').trim(),
  );

describe('backup and restore', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await newFleet();
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  test('say what they did, in words and as JSON, and never a secret', async () => {
    const backup = await fleet.cli(['backup', 'lab.tar.gz', '--json']);
    expect(backup.exitCode).toBe(0);
    const said = JSON.parse(backup.stdout) as { file: string; files: { path: string }[] };
    expect(said.file).toBe(join(fleet.dir, 'lab.tar.gz'));
    expect(said.files.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['camofleet.yaml', '.camofleet/secrets/token-keys.json', '.camofleet/pki/ca.key']),
    );
    expect(statSync(said.file).mode & 0o777).toBe(0o600);

    const again = await fleet.cli(['backup', 'lab.tar.gz']);
    expect({ exitCode: again.exitCode, stderr: again.stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('CF_FILE_EXISTS'),
    });

    const secrets = secretsOf(fleet);
    rmSync(join(fleet.dir, '.camofleet'), { recursive: true });
    const restore = await fleet.cli(['restore', 'lab.tar.gz', '--json']);
    expect(restore.exitCode).toBe(0);
    expect(JSON.parse(restore.stdout)).toMatchObject({ unchanged: ['camofleet.yaml'] });
    expect(secretsOf(fleet)).toEqual(secrets);
    for (const { stdout, stderr } of [backup, again, restore])
      for (const secret of secrets) expect(stdout + stderr).not.toContain(secret);
  });

  test('find a name themselves, and leave it on stdout', async () => {
    const { exitCode, stdout } = await fleet.cli(['backup']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/\/camofleet-\w+-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ\.tar\.gz$/);
    expect(existsSync(stdout)).toBe(true);
  });

  test('refuse an archive that is not whole', async () => {
    writeFileSync(join(fleet.dir, 'bad.tar.gz'), 'hello');
    const { exitCode, stderr } = await fleet.cli(['restore', 'bad.tar.gz']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('CF_BACKUP_INVALID');
  });
});

describe('a fleet that runs', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ programs: ['setpriv'] });
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  const opens = async (url: string): Promise<boolean> => {
    const socket = new WebSocket(url, 'binary', { ca: fleet.ca, origin: fleet.url });
    const opened = await once(socket, 'open').then(
      () => true,
      () => false,
    );
    socket.on('error', () => {}); // of the end below
    socket.terminate();
    return opened;
  };

  test('is backed up and not restored over', async () => {
    expect((await fleet.cli(['backup', 'live.tar.gz'])).exitCode).toBe(0);
    const { exitCode, stderr } = await fleet.cli(['restore', 'live.tar.gz', '--force']);
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('CF_FLEET_RUNNING') });
  });

  test('opens what was sealed with the key before the last rotation, and nothing after a key is dropped', async () => {
    const url = (await fleet.createSession({ browser: 'testcard' })).vnc!.ws;
    const rotated = await fleet.cli(['keys', 'rotate', '--json']);
    const { active, kept } = JSON.parse(rotated.stdout) as { active: string; kept: string[] };
    expect(kept).toHaveLength(1);
    expect(kept).not.toContain(active);
    expect(await opens(url)).toBe(true);
    expect((await fleet.cli(['keys', 'rotate', '--drop'])).exitCode).toBe(0);
    expect(await opens(url)).toBe(false);
    expect(await opens((await fleet.createSession({ browser: 'testcard' })).vnc!.ws)).toBe(true);
    expect(readdirSync(join(fleet.dir, '.camofleet', 'secrets')).toSorted()).toEqual([
      'operator.key',
      'service.key',
      'token-keys.json',
    ]);
  });

  test('knows what was revoked and redeemed when control has been killed and started again', async () => {
    const session = await fleet.createSession({ browser: 'testcard' });
    const { ws } = session.vnc!;
    await fleet.api('POST', `/sessions/${session.worker}/${session.id}/revoke`, {});
    expect(await opens(ws)).toBe(false);
    const [before] = fleet.processes('run.js control');
    process.kill(before!.pid, 'SIGKILL');
    await expect
      .poll(() => fleet.processes('run.js control').some(({ pid }) => pid !== before!.pid), { timeout: 20_000 })
      .toBe(true);
    // A gateway that knows nothing but what control tells it.
    const [gateway] = fleet.processes('run.js gateway');
    process.kill(gateway!.pid, 'SIGKILL');
    await expect.poll(async () => (await fleet.cli(['status'])).exitCode, { timeout: 30_000 }).toBe(0);
    await expect.poll(() => memoryLine(fleet), { timeout: 10_000 }).toMatch(/"found":true,"revocations":1/);
    expect(await opens(ws)).toBe(false);
  });

  test('shows its certificate', async () => {
    const { exitCode, stdout } = await fleet.cli(['certs', 'show', '--json']);
    expect(exitCode).toBe(0);
    const { mode, certificate } = JSON.parse(stdout) as {
      mode: string;
      certificate: { daysLeft: number; names: string };
    };
    expect(mode).toBe('throwaway');
    expect(certificate.daysLeft).toBeGreaterThan(80);
    expect(certificate.names).toContain('DNS:localhost');
  });
});

const memoryLine = (fleet: Fleet): string =>
  readFileSync(join(fleet.dir, '.camofleet', 'logs', 'control.log'), 'utf8')
    .split('\n')
    .findLast((line) => line.includes('control.memory')) ?? '';
