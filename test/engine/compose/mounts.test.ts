import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { containerUser, ensureEnvFile, ensureMounts } from '../../../src/engine/compose/mounts.ts';
import { COMPOSE_STATE, composeSecrets, fleetPaths } from '../../../src/topology/index.ts';
import { topologyOf } from '../../topology/support/topology.ts';

const SELF = { uid: process.getuid!(), gid: process.getgid!() };
let dir: string;
const write = (path: string, text: string): void => writeFileSync(join(dir, path), text, { mode: 0o600 });
const mode = (path: string): string => (statSync(join(dir, path)).mode & 0o777).toString(8);

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-mounts-'));
  for (const folder of ['.camofleet/secrets', '.camofleet/pki', 'certs'])
    mkdirSync(join(dir, folder), { recursive: true });
  for (const { from } of composeSecrets(topologyOf(''))) write(from, `the text of ${from}`);
});
afterEach(() => rmSync(dir, { recursive: true }));

describe('what containers mount', () => {
  test('is a private copy of every secret, and folders of their own', async () => {
    await ensureMounts(fleetPaths(dir), topologyOf(''), SELF);
    for (const { name, from, to } of composeSecrets(topologyOf(''))) {
      expect(readFileSync(join(dir, to), 'utf8'), name).toBe(`the text of ${from}`);
      expect(mode(to)).toBe('600');
    }
    for (const folder of Object.values(COMPOSE_STATE)) expect(mode(folder)).toBe('700');
  });

  test('stays the same file when a secret changes, longer or shorter: a mount keeps the file that it was made with', async () => {
    const { from, to } = composeSecrets(topologyOf(''))[0]!;
    await ensureMounts(fleetPaths(dir), topologyOf(''), SELF);
    const { ino } = statSync(join(dir, to));
    for (const text of ['a text that is a good deal longer than the one before', 'short']) {
      write(from, text);
      await ensureMounts(fleetPaths(dir), topologyOf(''), SELF);
      expect(readFileSync(join(dir, to), 'utf8')).toBe(text);
      expect(statSync(join(dir, to)).ino).toBe(ino);
    }
  });

  test('is one’s own certificate where there is one, and its absence is said', async () => {
    const topology = topologyOf('tls: { mode: files, certificate: certs/fleet.pem, key: certs/fleet.key }');
    await expect(ensureMounts(fleetPaths(dir), topology, SELF)).rejects.toMatchObject({
      code: 'CF_FILES',
      message: expect.stringContaining('certs/fleet.pem cannot be read'),
    });
    write('certs/fleet.pem', 'mine');
    write('certs/fleet.key', 'mine too');
    await ensureMounts(fleetPaths(dir), topology, SELF);
    expect(readFileSync(join(dir, '.camofleet/compose/secrets/tls-certificate'), 'utf8')).toBe('mine');
  });
});

describe('the user of containers', () => {
  test('is the owner of the state, and for root that of the images', () => {
    expect(containerUser({ uid: 1000, gid: 100 })).toEqual({ uid: 1000, gid: 100 });
    expect(containerUser({ uid: 0, gid: 0 })).toEqual({ uid: 10_001, gid: 10_001 });
  });

  test('is told to a plain Compose, in a file in which what stands there stays', async () => {
    const env = (): string => readFileSync(join(dir, '.env'), 'utf8');
    write('.env', 'MINE=1');
    await ensureEnvFile(dir, { uid: 1000, gid: 100 });
    expect(env()).toMatch(/^MINE=1\n# Made by camofleet: .+\nCAMOFLEET_USER=1000:100\n$/);
    const before = env();
    await ensureEnvFile(dir, { uid: 1001, gid: 100 });
    expect(env()).toBe(before);
    await ensureEnvFile(dir, { uid: 1001, gid: 100 }, { CAMOFLEET_DOCKER_GROUP: '999' });
    expect(env()).toMatch(/CAMOFLEET_USER=1000:100\n# Made by camofleet: .+\nCAMOFLEET_DOCKER_GROUP=999\n$/);
  });

  test('needs no file where it is the user of the images', async () => {
    await ensureEnvFile(dir, containerUser({ uid: 0, gid: 0 }));
    expect(() => statSync(join(dir, '.env'))).toThrow('ENOENT');
  });
});
