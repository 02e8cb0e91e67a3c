import { lstatSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createFleet } from '../../src/engine/index.ts';
import { TEMPLATE_FILES } from '../../src/topology/index.ts';
import { PACKAGE_ROOT } from '../topology/support/topology.ts';
import { type CliFolder, cliFolder } from '../support/folder.ts';

const FILES = ['compose.yaml', 'seccomp/chromium.json', 'traefik/traefik.yaml', 'traefik/dynamic/camofleet.yaml'];
const LOCAL = ['.camofleet/rendered/local/traefik.yaml', '.camofleet/rendered/local/dynamic/camofleet.yaml'];
const TEMPLATES = Object.values(TEMPLATE_FILES).map((file) => `templates/${file}`);

/** A fleet as `init` writes it; the topology is then small, so that tests can write it anew. */
async function fleet(): Promise<CliFolder> {
  const folder = cliFolder();
  const { version } = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { version: string };
  await createFleet({
    folder: '.',
    cwd: folder.dir,
    packageRoot: PACKAGE_ROOT,
    version,
    force: false,
    host: 'localhost',
    publicPort: undefined,
    fleetId: 'lab',
    shift: 0,
    nowMs: Date.now(),
  });
  folder.write('camofleet.yaml', 'fleet: { id: lab }\n');
  return folder;
}

const error = (stdout: string): { code: string; message: string; facts: object } =>
  (JSON.parse(stdout) as { error: { code: string; message: string; facts: object } }).error;

describe.concurrent('render --check', () => {
  test('says yes to what init has written, and prints nothing', async () => {
    using folder = await fleet();
    const { exitCode, stdout, stderr } = await folder.cli(['render', '--check']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(stderr).toContain('The files are what camofleet.yaml says.');
  });

  test('exits 1 with a diff of each file when the topology has changed, and writes nothing', async () => {
    using folder = await fleet();
    folder.write('camofleet.yaml', 'fleet: { id: lab }\ncontrol: { port: 7000 }\n');
    const before = folder.contents();
    const { exitCode, stdout, stderr } = await folder.cli(['render', '--check']);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('--- compose.yaml\n+++ compose.yaml\t(from camofleet.yaml)\n@@ ');
    expect(stdout).toContain('-      CONTROL_PORT: "9000"\n+      CONTROL_PORT: "7000"\n');
    expect(stdout).toContain('-          - url: http://control:9000\n+          - url: http://control:7000\n');
    expect(stdout).not.toContain('--- traefik/traefik.yaml');
    expect(stderr).toContain(
      'error  CF_RENDER_DIFFERS\n  compose.yaml, traefik/dynamic/camofleet.yaml differ from camofleet.yaml',
    );
    expect(folder.contents()).toEqual(before);
  });

  test('exits 1 when a file was edited by hand or removed, and tells it as JSON', async () => {
    using folder = await fleet();
    folder.write('traefik/traefik.yaml', folder.read('traefik/traefik.yaml').replace('level: INFO', 'level: DEBUG'));
    rmSync(join(folder.dir, 'compose.yaml'));
    const { exitCode, stdout } = await folder.cli(['render', '--check', '--json']);
    expect(exitCode).toBe(1);
    expect(error(stdout)).toMatchObject({
      code: 'CF_RENDER_DIFFERS',
      facts: {
        different: ['compose.yaml', 'traefik/traefik.yaml'],
        diffs: [
          expect.stringMatching(/^--- \/dev\/null\n\+\+\+ compose\.yaml/),
          expect.stringContaining('-  level: DEBUG\n+  level: INFO\n'),
        ] as string[],
      },
    });
  });

  test('exits 1 when the topology breaks a rule, though the files are what it says', async () => {
    using folder = await fleet();
    folder.write('camofleet.yaml', 'fleet: { id: lab }\nrunner: { idleTtlSeconds: 5 }\n');
    const rendered = await folder.cli(['render']);
    expect({ exitCode: rendered.exitCode, stdout: rendered.stdout }).toEqual({ exitCode: 0, stdout: FILES.join('\n') });
    expect(rendered.stderr).toContain('(topology.idle-ttl)\n      → runner.idleTtlSeconds: 30');
    const { exitCode, stdout, stderr } = await folder.cli(['render', '--check', '--json']);
    expect(exitCode).toBe(1);
    expect(error(stdout)).toMatchObject({ code: 'CF_TOPOLOGY_RULE', facts: { rules: ['topology.idle-ttl'] } });
    expect(stderr.match(/topology\.idle-ttl/g)).toHaveLength(1);
  });

  test('only tells of rules that are a warning', async () => {
    using folder = await fleet();
    folder.write('camofleet.yaml', 'fleet: { id: lab }\ngateway: { pingIntervalMs: 0 }\n');
    await folder.cli(['render']);
    const { exitCode, stdout, stderr } = await folder.cli(['render', '--check', '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      different: [],
      rules: [{ id: 'topology.ping-interval', severity: 'warn' }],
    });
    expect(stderr).toContain('warn  gateway.pingIntervalMs: pings are off');
  });
});

describe.concurrent('render', () => {
  test('writes what differs and says what it wrote; the check then says yes', async () => {
    using folder = await fleet();
    folder.write('camofleet.yaml', 'fleet: { id: lab }\ncontrol: { port: 7000 }\n');
    const { exitCode, stdout } = await folder.cli(['render', '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      files: FILES.map((path) => ({
        path,
        change: path === 'seccomp/chromium.json' || path === 'traefik/traefik.yaml' ? 'unchanged' : 'written',
      })),
    });
    expect(folder.read('compose.yaml')).toContain('CONTROL_PORT: "7000"');
    expect((await folder.cli(['render', '--check'])).exitCode).toBe(0);
  });

  test('leaves nothing behind but what it names', async () => {
    using folder = await fleet();
    const before = Object.keys(folder.contents());
    rmSync(join(folder.dir, 'compose.yaml'));
    await folder.cli(['render']);
    expect(Object.keys(folder.contents())).toEqual(before);
  });

  test('takes the topology from another file, beside which it writes', async () => {
    using folder = cliFolder();
    folder.write('other/fleet-b.yaml', 'fleet: { id: b }\n');
    const { exitCode } = await folder.cli(['render', '--topology', 'other/fleet-b.yaml']);
    expect(exitCode).toBe(0);
    expect(folder.read('other/compose.yaml')).toContain('name: "b"');
    expect((await folder.cli(['render', '--check'], { CAMOFLEET_TOPOLOGY: 'other/fleet-b.yaml' })).exitCode).toBe(0);
  });

  test('takes the fleet of a flag, else of the environment, else of this folder', async () => {
    using folder = cliFolder();
    for (const name of ['a', 'b', 'c']) folder.write(`${name}/camofleet.yaml`, `fleet: { id: ${name} }\n`);
    folder.write('camofleet.yaml', 'fleet: { id: here }\n');
    const env = { CAMOFLEET_TOPOLOGY: 'b/camofleet.yaml' };
    await folder.cli(['render'], env);
    await folder.cli(['render', '-C', 'a'], env);
    await folder.cli(['render', '--topology', 'c/camofleet.yaml'], env);
    await folder.cli(['render'], { CAMOFLEET_TOPOLOGY: '' });
    expect(
      ['a', 'b', 'c', '.'].map((path) => /^name: "(.*)"$/m.exec(folder.read(`${path}/compose.yaml`))?.[1]),
    ).toEqual(['a', 'b', 'c', 'here']);
  });

  test('for a cluster says what of the file is not for one', async () => {
    using folder = await fleet();
    const usual = await folder.cli(['render', '--engine', 'kubernetes']);
    expect(usual).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining('elsewhere') });
    folder.write(
      'camofleet.yaml',
      'engine: compose\nfleet: { id: lab }\ngateway: { identity: open }\npublic: { bind: 0.0.0.0 }\n',
    );
    const { exitCode, stderr } = await folder.cli(['render', '--engine', 'kubernetes']);
    expect(exitCode).toBe(0);
    expect(stderr.split('\n').at(-1)).toBe(
      'not in the values, a cluster has it from elsewhere (docs/kubernetes.md): public.bind, gateway.identity',
    );
  });

  test('for the local engine writes what `up` gives Traefik, where nobody else can read it', async () => {
    using folder = await fleet();
    expect((await folder.cli(['render', '--engine', 'local', '--check'])).exitCode).toBe(1);
    const { exitCode, stdout } = await folder.cli(['render', '--engine', 'local']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: LOCAL.join('\n') });
    expect(LOCAL.map((path) => lstatSync(join(folder.dir, path)).mode & 0o777)).toEqual([0o600, 0o600]);
    expect(folder.read(LOCAL[1]!)).toContain('http://127.0.0.1:6900');
    expect((await folder.cli(['render', '--engine', 'local', '--check'])).exitCode).toBe(0);
  });
});

describe.concurrent('render --eject', () => {
  test('copies the templates, which then win, and never replaces one', async () => {
    using folder = await fleet();
    const ejected = await folder.cli(['render', '--eject']);
    expect({ exitCode: ejected.exitCode, stdout: ejected.stdout }).toEqual({
      exitCode: 0,
      stdout: TEMPLATES.join('\n'),
    });
    expect((await folder.cli(['render', '--check'])).exitCode).toBe(0);

    folder.write(TEMPLATES[0]!, folder.read(TEMPLATES[0]!).replace('services:\n', '# Ours.\nx-ours: yes\nservices:\n'));
    const { exitCode, stdout } = await folder.cli(['render', '--check']);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('+# Ours.\n+x-ours: yes\n');
    await folder.cli(['render']);
    expect(folder.read('compose.yaml')).toContain('# Ours.');

    const again = await folder.cli(['render', '--eject', '--json']);
    expect(JSON.parse(again.stdout)).toEqual({ files: TEMPLATES.map((path) => ({ path, change: 'kept' })) });
    expect(folder.read(TEMPLATES[0]!)).toContain('# Ours.');
  });

  test('needs no topology', async () => {
    using folder = cliFolder();
    expect((await folder.cli(['render', '--eject'])).exitCode).toBe(0);
    expect(Object.keys(folder.contents())).toContain('templates/compose/compose.yaml');
  });

  test('of a template that is then broken makes render exit 2, with the place, and write nothing', async () => {
    using folder = await fleet();
    folder.write(TEMPLATES[0]!, 'services:\n  gateway: {\n');
    const before = folder.contents();
    const { exitCode, stdout } = await folder.cli(['render', '--json']);
    expect(exitCode).toBe(2);
    expect(error(stdout).code).toBe('CF_TEMPLATE_INVALID');
    expect(error(stdout).message).toMatch(/templates\/compose\/compose\.yaml:\d+:\d+ /);
    expect(folder.contents()).toEqual(before);
  });
});

describe.concurrent('render with bad input', () => {
  test('without a topology exits 2 and says where it looked and what to do', async () => {
    using folder = cliFolder();
    const { exitCode, stdout, stderr } = await folder.cli(['render', '--json']);
    expect(exitCode).toBe(2);
    expect(error(stdout)).toMatchObject({
      code: 'CF_TOPOLOGY_MISSING',
      facts: { file: join(folder.dir, 'camofleet.yaml') },
    });
    expect(stderr).toContain('Run `camofleet init` in an empty folder');
  });

  test('tells every problem of the topology, each with its place, and writes nothing', async () => {
    using folder = await fleet();
    folder.write('camofleet.yaml', 'gatway: {}\ntls: { mode: fils }\n');
    const before = folder.contents();
    const { exitCode, stdout, stderr } = await folder.cli(['render', '--json']);
    const problems = [
      'camofleet.yaml:1:1 gatway is not a setting; did you mean gateway?',
      'camofleet.yaml:2:14 tls.mode must be one of throwaway, files, acme, got "fils"; did you mean files?',
    ];
    expect(exitCode).toBe(2);
    expect(error(stdout)).toMatchObject({
      code: 'CF_TOPOLOGY_INVALID',
      message: problems.join('\n'),
      facts: { problems },
    });
    expect(stderr).toContain(`  ${problems.join('\n  ')}\n`);
    expect(folder.contents()).toEqual(before);
  });

  test('says what the system says of a file that cannot be written, and leaves no half of it', async () => {
    using folder = await fleet();
    rmSync(join(folder.dir, 'compose.yaml'));
    mkdirSync(join(folder.dir, 'compose.yaml'));
    const { exitCode, stdout } = await folder.cli(['render', '--json']);
    expect(exitCode).toBe(3);
    expect(error(stdout)).toMatchObject({ code: 'CF_FILES', message: expect.stringContaining('EISDIR') as string });
    expect(Object.keys(folder.contents()).filter((path) => path.endsWith('.tmp'))).toEqual([]);
  });

  test.each([
    [['--check', '--eject'], 'cannot also be provided'],
    [['--engine', 'nomad'], 'Expected --engine=nomad to be one of: compose, local'],
    [['--topology', 'absent.yaml'], 'absent.yaml'],
    [['-C', 'absent'], 'absent'],
    [['-C', '.', '--topology', 'x.yaml'], 'No file found at x.yaml'],
  ])('%j exits 2', async (args, message) => {
    using folder = cliFolder();
    const { exitCode, stdout } = await folder.cli(['render', '--json', ...args]);
    expect(exitCode).toBe(2);
    expect(error(stdout)).toMatchObject({ code: 'CF_USAGE', message: expect.stringContaining(message) as string });
  });
});

describe.concurrent('render --guide', () => {
  const PAGES = ['README.md', 'flow.mmd', 'routes.csv', 'reverse-proxy.md', 'env.md'].map(
    (name) => `docs/novnc/${name}`,
  );

  test('writes the guide; render then keeps it up, and the check names what is stale', async () => {
    using folder = await fleet();
    expect((await folder.cli(['render'])).stdout).not.toContain('docs/novnc');
    const written = await folder.cli(['render', '--guide']);
    expect(written.stdout.split('\n')).toEqual([...FILES, ...PAGES]);
    expect((await folder.cli(['render', '--check'])).exitCode).toBe(0);

    folder.write('camofleet.yaml', 'fleet: { id: lab }\npublic: { host: fleet.example.com }\n');
    const stale = await folder.cli(['render', '--check', '--json']);
    expect(stale.exitCode).toBe(1);
    expect(error(stale.stdout)).toMatchObject({ code: 'CF_RENDER_DIFFERS' });
    expect((error(stale.stdout).facts as { different: string[] }).different).toEqual(
      expect.arrayContaining(PAGES.filter((path) => !path.endsWith('flow.mmd'))),
    );
    expect(stale.stderr).toContain('camofleet render');

    expect((await folder.cli(['render'])).exitCode).toBe(0);
    expect(folder.read('docs/novnc/reverse-proxy.md')).toContain('server_name fleet.example.com;');
    expect((await folder.cli(['render', '--check'])).exitCode).toBe(0);
  });

  test('is of one engine: another one leaves it alone, unless it is asked to write its own', async () => {
    using folder = await fleet();
    await folder.cli(['render', '--guide']);
    const other = await folder.cli(['render', '--engine', 'local']);
    expect(other.stdout).not.toContain('docs/novnc');
    expect(folder.read('docs/novnc/env.md')).toContain('CAMOFLEET_GATEWAY_CONTROL_URL=http://control:9001');
    await folder.cli(['render', '--engine', 'local', '--guide']);
    expect(folder.read('docs/novnc/env.md')).toContain('CAMOFLEET_GATEWAY_CONTROL_URL=http://127.0.0.1:9001');
    expect((await folder.cli(['render', '--engine', 'kubernetes', '--guide'])).exitCode).toBe(2);
  });

  test('does not write over a guide that somebody wrote by hand, unless it is told to', async () => {
    using folder = await fleet();
    folder.write('docs/novnc/README.md', '# Ours\n');
    const refused = await folder.cli(['render', '--guide', '--json']);
    expect(refused.exitCode).toBe(2);
    expect(error(refused.stdout)).toMatchObject({
      code: 'CF_FILE_EXISTS',
      facts: { existing: ['docs/novnc/README.md'] },
    });
    expect(folder.read('docs/novnc/README.md')).toBe('# Ours\n');
    expect((await folder.cli(['render', '--guide', '--force'])).exitCode).toBe(0);
    expect(folder.read('docs/novnc/README.md')).toContain('# noVNC traffic guide');
  });
});
