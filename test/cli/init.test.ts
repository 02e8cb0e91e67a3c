import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { violations } from '../../src/topology/index.ts';
import { topologyOf } from '../topology/support/topology.ts';
import { which } from '../support/components.ts';
import { type CliFolder, cliFolder } from '../support/folder.ts';

const RENDERED = [
  'camofleet.yaml',
  'compose.yaml',
  'seccomp/chromium.json',
  'traefik/traefik.yaml',
  'traefik/dynamic/camofleet.yaml',
  '.gitignore',
];
const KEYS = [
  '.camofleet/secrets/operator.key',
  '.camofleet/secrets/service.key',
  '.camofleet/secrets/token-keys.json',
];
const CERTIFICATES = ['.camofleet/pki/ca.pem', '.camofleet/pki/leaf.pem'];
const WRITTEN = [...RENDERED, ...KEYS, ...CERTIFICATES];

const error = (stdout: string): object => (JSON.parse(stdout) as { error: object }).error;

describe.concurrent('init in an empty folder', () => {
  test('writes a fleet, says on stdout what, and on stderr what comes next', async () => {
    using folder = cliFolder();
    const { exitCode, stdout, stderr } = await folder.cli(['init', '--yes']);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n')).toEqual(WRITTEN);
    expect(stderr).toContain('A fleet for https://localhost:8443');
    expect(stderr).toContain('camofleet up');
    const topology = topologyOf(folder.read('camofleet.yaml'));
    expect(violations(topology)).toEqual([]);
    expect(topology.fleet.id).toMatch(/^camofleet-[0-9a-f]{4}$/);
    expect(folder.read('.gitignore').split('\n')).toEqual(expect.arrayContaining(['.camofleet/', 'artifacts/']));
  });

  test('keeps secrets from others, lets containers read the rest, and writes nothing that it does not name or own', async () => {
    using folder = cliFolder();
    await folder.cli(['init', '--yes']);
    const contents = folder.contents();
    const modes = (wanted: readonly string[]): (string | undefined)[] =>
      wanted.map((path) => contents[path]?.slice(0, 3));
    expect(modes(['.camofleet', '.camofleet/secrets', '.camofleet/pki'])).toEqual(['700', '700', '700']);
    expect(modes([...KEYS, '.camofleet/pki/ca.key', '.camofleet/pki/leaf.key'])).toEqual(Array(5).fill('600'));
    expect(modes(RENDERED)).toEqual(RENDERED.map(() => '644'));
    expect(modes(['seccomp', 'traefik', 'traefik/dynamic'])).toEqual(['755', '755', '755']);
    const strangers = Object.keys(contents).filter(
      (path) => !path.startsWith('.camofleet') && !RENDERED.some((file) => file.startsWith(path)),
    );
    expect(strangers).toEqual([]);
    const secrets = [...KEYS, '.camofleet/pki/leaf.key'].map((path) => folder.read(path).trim());
    for (const file of RENDERED) for (const secret of secrets) expect(folder.read(file)).not.toContain(secret);
  });

  test('takes name, host, port and shift from flags, and tells it as JSON', async () => {
    using folder = cliFolder();
    const flags = ['--fleet', 'lab', '--host', 'fleet.example.com', '--public-port', '443', '--shift', '1000'];
    const { exitCode, stdout } = await folder.cli(['init', '--yes', '-C', 'new/fleet', '--json', ...flags]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      folder: join(folder.dir, 'new', 'fleet'),
      url: 'https://fleet.example.com',
      bind: '127.0.0.1',
      files: WRITTEN.map((path) => `new/fleet/${path}`),
      warnings: [],
    });
    expect(topologyOf(folder.read('new/fleet/camofleet.yaml'))).toMatchObject({
      fleet: { id: 'lab' },
      public: { host: 'fleet.example.com', port: 443 },
      gateway: { port: 7900 },
    });
  });

  test('tells which rules the flags have broken', async () => {
    using folder = cliFolder();
    const { exitCode, stderr } = await folder.cli(['init', '--yes', '--public-port', '6900']);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('fail  gateway.port: gateway.port and public.port are both 6900');
    expect(stderr).toContain('(topology.one-port-one-listener)');
  });
});

describe.concurrent('init where something is already', () => {
  test('refuses, names what is there, and changes nothing', async () => {
    using folder = cliFolder();
    await folder.cli(['init', '--yes']);
    const before = folder.contents();
    const { exitCode, stdout, stderr } = await folder.cli(['init', '--yes', '--json']);
    expect(exitCode).toBe(2);
    expect(error(stdout)).toMatchObject({ code: 'CF_FILE_EXISTS', facts: { existing: RENDERED } });
    expect(stderr).toContain(`${folder.dir} already has ${RENDERED.join(', ')}`);
    expect(stderr).toContain('Nothing was changed. Add --force to overwrite');
    expect(folder.contents()).toEqual(before);
  });

  test('refuses for one file alone, and makes no keys', async () => {
    using folder = cliFolder();
    folder.write('.gitignore', 'mine\n');
    const { exitCode, stdout } = await folder.cli(['init', '--yes', '--json']);
    expect(exitCode).toBe(2);
    expect(error(stdout)).toMatchObject({ facts: { existing: ['.gitignore'] } });
    expect(Object.keys(folder.contents())).toEqual(['.gitignore']);
  });

  test('with --force overwrites files, keeps keys and certificates, and adds to .gitignore', async () => {
    using folder = cliFolder();
    folder.write('.gitignore', 'node_modules/\nartifacts/\n');
    expect((await folder.cli(['init', '--yes', '--force', '--fleet', 'one'])).exitCode).toBe(0);
    const before = folder.contents();
    const { exitCode, stdout } = await folder.cli(['init', '--yes', '--force', '--fleet', 'two']);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n')).toEqual(RENDERED);
    const after = folder.contents();
    for (const path of [...KEYS, ...CERTIFICATES, '.camofleet/pki/ca.key', '.camofleet/pki/leaf.key', '.gitignore'])
      expect(after[path]).toBe(before[path]);
    expect(topologyOf(folder.read('camofleet.yaml')).fleet.id).toBe('two');
    expect(folder.read('.gitignore')).toBe(
      'node_modules/\nartifacts/\n\n# Keys, certificates, logs and runs of this fleet.\n.camofleet/\n.env\n',
    );
  });

  test('that is in the way of a folder says so before anything is written', async () => {
    using folder = cliFolder();
    folder.write('traefik', 'a file\n');
    for (const args of [
      ['init', '--yes'],
      ['init', '--yes', '--force'],
      ['init', '--yes', '-C', 'traefik'],
    ]) {
      const { exitCode, stdout } = await folder.cli([...args, '--json']);
      expect(exitCode).toBe(3);
      expect(error(stdout)).toMatchObject({ code: 'CF_FILES', message: expect.stringContaining('ENOTDIR') as string });
    }
    expect(Object.keys(folder.contents())).toEqual(['traefik']);
  });
});

describe.concurrent('init with bad input', () => {
  test.each([
    [['--fleet', 'a b'], '--fleet must be 1 to 64 of A-Z a-z 0-9 _ . -, got "a b"'],
    [['--host', 'a b'], '--host must be a host name or an IP address, without port and brackets, got "a b"'],
    [['--host', ''], '--host must be a host name or an IP address, without port and brackets, got ""'],
    [['--public-port', '0'], 'greater than or equal to 1 but received: 0'],
    [['--hots', 'x'], 'Nonexistent flag: --hots'],
    [['extra'], 'Unexpected argument: extra'],
  ])('%j exits 2, says what was wanted, and writes nothing', async (args, message) => {
    using folder = cliFolder();
    const { exitCode, stdout, stderr } = await folder.cli(['init', '--yes', '--json', ...args]);
    expect(exitCode).toBe(2);
    expect(error(stdout)).toMatchObject({ code: 'CF_USAGE', message: expect.stringContaining(message) as string });
    expect(stderr).toContain(message);
    expect(folder.contents()).toEqual({});
  });

  test('tells all that is wrong with its flags at once', async () => {
    using folder = cliFolder();
    const { stderr } = await folder.cli(['init', '--yes', '--host', 'a b', '--fleet', '?']);
    expect(stderr).toContain('--host must be');
    expect(stderr).toContain('--fleet must be');
  });
});

const script = which('script');

describe.skipIf(script === undefined)('init on a terminal', () => {
  /** Runs init with a terminal, types the answer when it is asked, and gives what was on the screen. */
  async function onTerminal(folder: CliFolder, args: string, answer: string): Promise<string> {
    const entry = join(import.meta.dirname, '..', '..', 'bin', 'run.js');
    const command = `"${process.execPath}" "${entry}" init ${args}`;
    const child = spawn(script!, ['-qec', command, '/dev/null'], {
      cwd: folder.dir,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let screen = '';
    child.stdout.on('data', (bytes: Buffer) => {
      if (!screen.includes('Public host name') && bytes.toString().includes('Public host name'))
        child.stdin.write(answer);
      screen += bytes.toString();
    });
    expect(await once(child, 'exit')).toEqual([0, null]);
    return screen;
  }

  test('asks for the public name, and takes the answer', async () => {
    using folder = cliFolder();
    expect(await onTerminal(folder, '', 'fleet.example.com\n')).toContain('Public host name [localhost]: ');
    expect(topologyOf(folder.read('camofleet.yaml')).public.host).toBe('fleet.example.com');
  });

  test('asks nothing with --yes', async () => {
    using folder = cliFolder();
    expect(await onTerminal(folder, '--yes', '')).not.toContain('Public host name');
    expect(existsSync(join(folder.dir, 'camofleet.yaml'))).toBe(true);
  });
});
