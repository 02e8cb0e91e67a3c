import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { restoreBackup, writeBackup } from '../../src/backup/index.ts';
import { type TarEntry, packTar, unpackTar } from '../../src/backup/tar.ts';
import { type FleetPaths, fleetPaths, parseTopology } from '../../src/topology/index.ts';
import type { Topology } from '../../src/topology/index.ts';

const YAML = 'fleet: { id: lab }\ntls: { mode: files, certificate: certs/own.pem, key: /elsewhere/own.key }\n';
const VERSION = '1.2.3';
const STATE: Readonly<Record<string, [text: string, mode: number]>> = {
  'camofleet.yaml': [YAML, 0o644],
  'compose.override.yaml': ['services: {}\n', 0o644],
  'templates/compose/compose.yaml': ['# mine\n', 0o644],
  'certs/own.pem': ['PEM\n', 0o640],
  '.camofleet/secrets/operator.key': ['operator-canary\n', 0o600],
  '.camofleet/secrets/token-keys.json': ['{"active":"a"}\n', 0o600],
  '.camofleet/pki/ca.key': ['ca-canary\n', 0o600],
  '.camofleet/pki/ca.pem': ['ca\n', 0o644],
  '.camofleet/acme.json': ['{}\n', 0o600],
  '.camofleet/compose/acme/acme.json': ['{}\n', 0o600],
  '.camofleet/control/memory.json': ['{"version":1}\n', 0o600],
};
const NO_STATE = {
  'compose.yaml': 'rendered\n',
  '.camofleet/logs/gateway.log': 'log\n',
  '.camofleet/run/supervisor.json': '{}\n',
  '.camofleet/secrets/operator.key.new': 'half\n',
  'artifacts/latest': 'run\n',
};

let scratch: string;
let paths: FleetPaths;
let topology: Topology;
let archive: string;

function put(root: string, path: string, text: string, mode = 0o600): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, mode);
}

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'camofleet-backup-'));
  paths = fleetPaths(join(scratch, 'fleet'));
  archive = join(scratch, 'fleet.tar.gz');
  for (const [path, [text, mode]] of Object.entries(STATE)) put(paths.root, path, text, mode);
  for (const [path, text] of Object.entries(NO_STATE)) put(paths.root, path, text);
  const parsed = parseTopology(YAML);
  if (!('topology' in parsed)) throw new Error('the topology is wrong');
  ({ topology } = parsed);
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

const backUp = (options: { force?: boolean; version?: string } = {}) =>
  writeBackup(paths, topology, { file: archive, force: false, version: VERSION, nowMs: 0, ...options });
const restoreTo = (name: string, options: { force?: boolean; version?: string } = {}) =>
  restoreBackup(fleetPaths(join(scratch, name)), { file: archive, force: false, version: VERSION, ...options });

describe('a backup', () => {
  test('holds the state of a fleet and nothing else, for its owner alone', async () => {
    const { manifest } = await backUp();
    expect(manifest.files.map(({ path }) => path).toSorted()).toEqual(Object.keys(STATE).toSorted());
    expect(manifest).toMatchObject({ fleet: 'lab', version: VERSION, elsewhere: ['/elsewhere/own.key'] });
    expect(statSync(archive).mode & 0o777).toBe(0o600);
  });

  test('replaces no archive unless it is told to', async () => {
    writeFileSync(archive, 'precious');
    await expect(backUp()).rejects.toMatchObject({ code: 'CF_FILE_EXISTS' });
    expect(readFileSync(archive, 'utf8')).toBe('precious');
    await backUp({ force: true });
    expect(statSync(archive).mode & 0o777).toBe(0o600);
  });

  test('says what the system says when it cannot be written', async () => {
    archive = join(scratch, 'no', 'such', 'folder.tar.gz');
    await expect(backUp()).rejects.toMatchObject({ code: 'CF_FILES' });
  });
});

describe('a restore', () => {
  test('gives a new folder the same files with the same modes; what control remembers is for it to take over', async () => {
    await backUp();
    const { written, unchanged } = await restoreTo('new');
    expect(written).toHaveLength(Object.keys(STATE).length);
    expect(unchanged).toEqual([]);
    for (const [path, [text, mode]] of Object.entries(STATE)) {
      const place = join(scratch, 'new', path.replace('memory.json', 'memory.restored.json'));
      expect(readFileSync(place, 'utf8'), path).toBe(text);
      expect(statSync(place).mode & 0o777, path).toBe(mode);
    }
    for (const folder of ['.camofleet', '.camofleet/secrets', '.camofleet/pki', '.camofleet/control'])
      expect(statSync(join(scratch, 'new', folder)).mode & 0o777, folder).toBe(0o700);
  });

  test('overwrites nothing that differs unless it is told to, and says what it would', async () => {
    await backUp();
    put(paths.root, '.camofleet/secrets/operator.key', 'newer\n');
    await expect(restoreTo('fleet')).rejects.toMatchObject({
      code: 'CF_FILE_EXISTS',
      facts: { existing: ['.camofleet/secrets/operator.key'] },
    });
    expect(existsSync(join(paths.controlState, 'memory.restored.json'))).toBe(false);
    const { written, unchanged } = await restoreTo('fleet', { force: true });
    expect(written.toSorted()).toEqual(['.camofleet/control/memory.json', '.camofleet/secrets/operator.key']);
    expect(unchanged).toHaveLength(Object.keys(STATE).length - 2);
    expect(readFileSync(paths.operatorKey, 'utf8')).toBe('operator-canary\n');
    expect(readFileSync(join(paths.controlState, 'memory.json'), 'utf8')).toBe('{"version":1}\n');
  });

  test.each([
    ['is cut', (bytes: Buffer) => bytes.subarray(0, bytes.length - 40)],
    ['is no gzip', () => Buffer.from('hello')],
    ['is no tar', () => gzipSync(Buffer.alloc(4_096, 7))],
    ['has no manifest', () => gzipSync(packTar([{ path: 'camofleet.yaml', mode: 0o600, data: Buffer.from('') }], 0))],
    [
      'has a file that was altered',
      altered((entries) => entries.map((e) => (e.path.endsWith('.key') ? text(e, 'x') : e))),
    ],
    ['lacks a file', altered((entries) => entries.filter(({ path }) => !path.endsWith('ca.pem')))],
    [
      'is of another schema',
      altered((entries) => manifest(entries, (json) => ({ ...json, schema: 'camofleet.backup/2' }))),
    ],
    ['leads out of the folder', altered((entries) => renamed(entries, '../../escaped'))],
    ['leads to the root', altered((entries) => renamed(entries, '/tmp/escaped'))],
    ['leads there by a detour', altered((entries) => renamed(entries, '.camofleet/../x'))],
  ])('of an archive that %s changes nothing', async (_case, harm) => {
    await backUp();
    writeFileSync(archive, harm(readFileSync(archive)));
    await expect(restoreTo('new', { force: true })).rejects.toMatchObject({ code: 'CF_BACKUP_INVALID' });
    expect(existsSync(join(scratch, 'new'))).toBe(false);
  });

  test.each([
    ['1.2.3', '1.2.0', true],
    ['1.1.9', '1.2.0', true],
    ['1.3.0', '1.2.9', false],
    ['2.0.0', '1.9.0', false],
  ])('by one who is as new: written by %s, read by %s', async (written, ours, isTaken) => {
    await backUp({ version: written });
    const outcome = await restoreTo('new', { version: ours }).then(
      () => 'taken',
      (error: unknown) => (error as { code: string }).code,
    );
    expect(outcome).toBe(isTaken ? 'taken' : 'CF_BACKUP_INVALID');
  });
});

function altered(change: (entries: TarEntry[]) => TarEntry[]): (bytes: Buffer) => Buffer {
  return (bytes) => {
    const unpacked = unpackTar(gunzipSync(bytes));
    if (!unpacked.ok) throw new Error(unpacked.error);
    return gzipSync(packTar(change(unpacked.value), 0));
  };
}

function text(entry: TarEntry, words: string): TarEntry {
  return { ...entry, data: Buffer.from(words) };
}

function manifest(entries: TarEntry[], change: (json: Record<string, unknown>) => object): TarEntry[] {
  const [first, ...rest] = entries as [TarEntry, ...TarEntry[]];
  const json = JSON.parse(Buffer.from(first.data).toString()) as Record<string, unknown>;
  return [text(first, JSON.stringify(change(json))), ...rest];
}

/** The operator key under another path. */
function renamed(entries: TarEntry[], path: string): TarEntry[] {
  const move = <T extends { path: string }>(item: T): T =>
    item.path.endsWith('operator.key') ? { ...item, path } : item;
  return manifest(entries.map(move), (json) => ({ ...json, files: (json['files'] as { path: string }[]).map(move) }));
}
