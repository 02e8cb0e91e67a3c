import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RunnerSession } from '../../src/api/index.ts';
import { type BuiltImage, buildImage, copyBill } from '../../src/images/build.ts';
import { originOf } from '../../src/images/origin.ts';
import { type Container, HARDENED, docker, lacksDocker, startContainer } from './support/containers.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SERVICES = ['gateway', 'control', 'runner'] as const;
/** Nothing but layers of the cache is left after the first time. */
const BUILD_MS = 900_000;
const VERSION = '0.0.0-test';
const READY = { timeout: 60_000, interval: 500 };
const KEY = 'service-key-canary';
const CHROMIUM = ['chromium', '--user-data-dir={profile}', '--no-first-run', '--window-size={width},{height}', '{url}'];
const BROWSERS = {
  chromium: { command: CHROMIUM },
  firefox: { command: ['firefox-esr', '--profile', '{profile}', '--no-remote', '{url}'] },
  // A wrapper that outlives its browser, as many do.
  wrapped: { command: ['sh', '-c', `${CHROMIUM.slice(0, -1).join(' ')} --no-sandbox about:blank; sleep 1000`] },
};
const PROFILE = ['--security-opt', `seccomp=${join(ROOT, 'templates', 'compose', 'chromium-seccomp.json')}`];

interface Component {
  readonly type: string;
  readonly name: string;
  readonly version?: string;
  readonly group?: string;
  readonly purl?: string;
  readonly 'bom-ref': string;
  readonly components?: readonly Component[];
  readonly externalReferences?: readonly { readonly url: string }[];
}

interface Bill {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

describe.skipIf(lacksDocker())('the images', () => {
  const images = new Map<string, BuiltImage>();
  let folder: string;
  let keyFile: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'camofleet-images-'));
    keyFile = join(folder, 'key');
    const said: string[] = [];
    const onLine = (line: string): number => said.push(line);
    const origin = { revision: 'abc', source: undefined };
    const options = {
      packageRoot: ROOT,
      version: VERSION,
      origin,
      buildArgs: [],
      fresh: false,
      env: process.env,
      onLine,
    };
    for (const service of [...SERVICES, 'capture'] as const) {
      const built = buildImage(service, options, AbortSignal.timeout(BUILD_MS));
      images.set(
        service,
        await built.catch((error: unknown) => {
          throw new Error(said.slice(-20).join('\n'), { cause: error });
        }),
      );
    }
  }, 3 * BUILD_MS);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Of the container's user, as Compose gives secrets: a bind mount whose owner and mode stay. */
  const withKey = async (): Promise<string[]> => {
    writeFileSync(keyFile, `${KEY}\n`, { mode: 0o600 });
    await docker(
      'run',
      '--rm',
      '--user',
      '0:0',
      '--volume',
      `${folder}:/here`,
      '--entrypoint',
      '/usr/local/bin/node',
      images.get('gateway')!.id,
      '--eval',
      'require("fs").chownSync("/here/key", 4242, 4242)',
    );
    return [
      '--volume',
      `${keyFile}:/run/secrets/key:ro`,
      '--env',
      'CAMOFLEET_RUNNER_SERVICE_KEY_FILE=/run/secrets/key',
    ];
  };
  const start = async (service: string, ...options: readonly string[]): Promise<Container> => {
    const key = service === 'runner' ? await withKey() : [];
    const browsers = `CAMOFLEET_RUNNER_BROWSERS=${JSON.stringify(BROWSERS)}`;
    const env = service === 'runner' ? ['--env', browsers, '--env', 'RUNNER_VNC_STARTUP_TIMEOUT_SECONDS=60'] : [];
    const container = await startContainer(images.get(service)!.id, ...HARDENED, ...key, ...env, ...options);
    try {
      await vi.waitFor(async () => expect(await container.health(service)).toMatchObject({ exitCode: 0 }), READY);
    } catch (error) {
      const said = await docker('logs', container.id);
      await container[Symbol.asyncDispose]();
      throw new Error(said, { cause: error });
    }
    return container;
  };

  describe('of capture', () => {
    test('records for any user, and holds nothing but tcpdump and what bounds it', async () => {
      const { id, bytes } = images.get('capture')!;
      const config = JSON.parse(await docker('image', 'inspect', '--format', '{{json .Config}}', id)) as object;
      expect(config).toMatchObject({
        User: '10001:10001',
        Entrypoint: ['/usr/bin/timeout'],
        Labels: { 'org.opencontainers.image.title': 'camofleet capture', 'org.opencontainers.image.version': VERSION },
      });
      const programs = (await filesOf(id)).filter((file) => /^usr\/(local\/)?s?bin\/./.test(file));
      expect(programs.toSorted()).toEqual(['usr/bin/tcpdump', 'usr/bin/timeout']);
      expect(bytes).toBeLessThan(30e6);
      expect(await docker('run', '--rm', ...HARDENED, id, '5', '/usr/bin/tcpdump', '--version')).toMatch(/^tcpdump/);
    });

    test('holds a bill of materials that lists what is in it', async () => {
      const copied = await copyBill(images.get('capture')!, folder, { env: process.env }, AbortSignal.timeout(60_000));
      const bill = JSON.parse(readFileSync(copied, 'utf8')) as Bill;
      expectValid(bill, 'camofleet-capture');
      const names = bill.components.map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining(['coreutils', 'libc6', 'libpcap0.8', 'tcpdump']));
      expect(names).not.toContain('node');
    });
  });

  describe.each(SERVICES)('of %s', (service) => {
    test('runs as any user, with nothing that it may do and no file that it may change', async () => {
      await using container = await start(service);
      const seen = await container.ask<Record<string, unknown>>(`
        const { readFileSync, writeFileSync } = require('node:fs');
        const status = Object.fromEntries(readFileSync('/proc/1/status', 'utf8').split('\\n').map((line) => line.split(/:\\s*/)));
        const write = (file) => { try { writeFileSync(file, ''); return 'written'; } catch ({ code }) { return code; } };
        const init = readFileSync('/proc/1/cmdline', 'utf8').split('\\0')[0];
        return { ...status, init, uid: process.getuid(), app: write('/app/x'), etc: write('/etc/x'), tmp: write('/tmp/x') };`);
      const none = '0000000000000000';
      expect(seen).toMatchObject({
        ...{ CapEff: none, CapPrm: none, CapInh: none, CapBnd: none, CapAmb: none, NoNewPrivs: '1', Seccomp: '2' },
        ...{ init: '/usr/bin/tini', uid: 4242, app: 'EROFS', etc: 'EROFS', tmp: 'written' },
      });
    });

    test('stops when it is told to, in order', async () => {
      await using container = await start(service);
      await docker('stop', '--time', '60', container.id);
      expect(await container.inspect('.State')).toMatchObject({ ExitCode: 0, OOMKilled: false });
    });

    test('names its user, its health check and what it is made of', async () => {
      const config = JSON.parse(
        await docker('image', 'inspect', '--format', '{{json .Config}}', images.get(service)!.id),
      ) as object;
      expect(config).toMatchObject({
        User: '10001:10001',
        Healthcheck: { Test: ['CMD', '/usr/local/bin/node', '/app/bin/healthcheck.js', service] },
        Labels: {
          'org.opencontainers.image.title': `camofleet ${service}`,
          'org.opencontainers.image.version': VERSION,
          'org.opencontainers.image.revision': 'abc',
          'org.opencontainers.image.licenses': 'Apache-2.0',
        },
      });
    });

    test('holds the package with its production dependencies, and no tool that installs others', async () => {
      const files = await filesOf(images.get(service)!.id);
      const installed = files.flatMap(
        (file) => /^app\/node_modules\/((?:@[^/]+\/)?[^/]+)\/package\.json$/.exec(file)?.[1] ?? [],
      );
      const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
        packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean }>;
      };
      const production = Object.entries(packages).flatMap(([path, { dev, devOptional }]) =>
        dev || devOptional ? [] : (/^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1] ?? []),
      );
      expect(installed.toSorted()).toEqual(production.toSorted());
      expect(files.filter((file) => /(^|\/)(npm|npx|yarn|corepack)(\.js)?$/.test(file))).toEqual([]);
      expect(files.filter((file) => /^app\/(src|test|scripts)\//.test(file))).toEqual([]);
      if (service === 'runner') return;
      expect(
        files.filter((file) =>
          /(^|\/)(sh|bash|apt|dpkg|chromium|firefox[^/]*|x11vnc|tcpdump|perl|python[^/]*)$/.test(file),
        ),
      ).toEqual([]);
    });

    test('has no program that gives its caller the rights of another', async () => {
      const lines = await filesOf(images.get(service)!.id, true);
      expect(lines.length).toBeGreaterThan(1_000);
      expect(lines.filter((line) => /^-..[sS]|^-.{5}[sS]/.test(line))).toEqual([]);
    });

    test('holds a bill of materials that lists what is in it', async () => {
      const bill = JSON.parse(
        readFileSync(
          await copyBill(images.get(service)!, folder, { env: process.env }, AbortSignal.timeout(60_000)),
          'utf8',
        ),
      ) as Bill;
      expectValid(bill);
      await using container = await start(service);
      const inside = await container.ask<{ npm: string[]; node: string }>(`
        const { globSync, readFileSync } = require('node:fs');
        const npm = globSync('/app/node_modules/**/package.json').filter((file) => /node_modules\\/(@[^/]+\\/)?[^/]+\\/package.json$/.test(file))
          .map((file) => JSON.parse(readFileSync(file))).filter(({ version }) => version).map(({ name, version }) => name + '@' + version);
        return { npm, node: process.versions.node };`);
      const named = (kind: string): string[] =>
        bill.components.flatMap(({ purl = '', group, name, version }) =>
          purl.startsWith(`pkg:${kind}/`) ? [`${group ? `${group}/` : ''}${name}@${version}`] : [],
        );
      expect([...new Set(named('npm'))].toSorted()).toEqual([...new Set(inside.npm)].toSorted());
      expect(bill.components).toContainEqual(expect.objectContaining({ name: 'node', version: inside.node }));
      const debian =
        service === 'runner'
          ? (
              await docker('exec', container.id, 'dpkg-query', '--show', '--showformat', '${Package}@${Version}\\n')
            ).split('\n')
          : (await filesOf(images.get(service)!.id)).flatMap(
              (file) => /^usr\/share\/doc\/([^/]+)\/copyright$/.exec(file)?.[1] ?? [],
            );
      const listed = service === 'runner' ? named('deb') : named('deb').map((entry) => entry.split('@')[0]!);
      expect(listed.toSorted()).toEqual(debian.filter(Boolean).toSorted());
      expect(listed.length).toBeGreaterThan(service === 'runner' ? 200 : 3);
    });
  });

  test(
    'are built from what npm installs, too',
    async () => {
      await execa('npm', ['pack', '--pack-destination', folder], { cwd: ROOT });
      const [tarball] = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
      await execa('tar', ['--extract', '--gzip', '--file', tarball!], { cwd: folder });
      const packageRoot = join(folder, 'package');
      const origin = await originOf(packageRoot);
      const options = {
        packageRoot,
        version: `${VERSION}-npm`,
        origin,
        buildArgs: [],
        fresh: false,
        env: process.env,
        onLine: () => {},
      };
      const { id } = await buildImage('gateway', options, AbortSignal.timeout(BUILD_MS));
      await using container = await startContainer(id, ...HARDENED);
      await vi.waitFor(async () => expect(await container.health('gateway')).toMatchObject({ exitCode: 0 }), READY);
    },
    BUILD_MS,
  );

  describe('of a runner', () => {
    test('lets browsers keep their own sandbox under our profile', async () => {
      await using runner = await start('runner', ...PROFILE);
      expect(await create(runner, 'chromium')).toMatchObject({ sandbox: 'on' });
      const renderers = await vi.waitFor(async () => {
        const found = (await processes(runner)).filter(({ args }) => args.includes('--type=renderer'));
        expect(found.length).toBeGreaterThan(0);
        return found;
      }, READY);
      for (const renderer of renderers)
        expect(renderer).toMatchObject({ ownUsers: true, ownProcesses: true, seccomp: '2' });
      expect(await create(runner, 'firefox')).toMatchObject({ sandbox: 'on' });
      await vi.waitFor(async () => {
        const tabs = (await processes(runner)).filter(({ args }) => args.includes('-isForBrowser'));
        expect(tabs.some(({ ownUsers }) => ownUsers)).toBe(true);
      }, READY);
      expect((await runner.log()).filter(({ event }) => String(event).startsWith('browser.sandbox'))).toEqual([]);
    });

    test('says without it that the sandbox of Chromium is off, and that of Firefox reduced', async () => {
      await using runner = await start('runner');
      expect(await create(runner, 'chromium')).toMatchObject({ sandbox: 'off' });
      expect((await processes(runner)).filter(({ ownUsers }) => ownUsers)).toEqual([]);
      expect(await create(runner, 'firefox')).toMatchObject({ sandbox: 'reduced' });
      const said = (await runner.log()).filter(({ session }) => session !== undefined);
      const because = expect.stringContaining('no user namespace can be made here') as string;
      expect(said).toContainEqual(
        expect.objectContaining({ event: 'browser.sandbox_off', browser: 'chromium', because }),
      );
      expect(said).toContainEqual(
        expect.objectContaining({ event: 'browser.sandbox_reduced', browser: 'firefox', because }),
      );
      expect(await call(runner, 'GET', '/health')).toMatchObject({
        sandboxes: { chromium: 'off', firefox: 'reduced' },
      });
    });

    test('is unhealthy when Chromium is dead while x11vnc lives', async () => {
      await using runner = await start('runner', '--health-interval', '1s', '--health-retries', '2');
      const { id, target } = await create(runner, 'wrapped');
      await vi.waitFor(async () => expect(await runner.inspect('.State.Health.Status')).toBe('healthy'), READY);
      await killChromium(runner);
      await vi.waitFor(async () => expect(await runner.inspect('.State.Health.Status')).toBe('unhealthy'), READY);
      const { exitCode, stdout } = await runner.health('runner');
      expect({ exitCode, stdout }).toMatchObject({
        exitCode: 1,
        stdout: expect.stringContaining('no window of the browser is to be seen') as string,
      });
      expect(stdout).toContain(id);
      expect(await greeting(runner, target!.port)).toMatch(/^RFB 003\.00/);
    });

    test('ends the session of a Chromium that was killed, with its x11vnc, and stays healthy', async () => {
      await using runner = await start('runner', ...PROFILE);
      const { id } = await create(runner, 'chromium');
      await killChromium(runner);
      await vi.waitFor(
        async () => expect((await processes(runner)).filter(({ args }) => args.includes('x11vnc'))).toEqual([]),
        READY,
      );
      expect(await runner.log()).toContainEqual(
        expect.objectContaining({
          event: 'session.ended',
          session: id,
          reason: 'crashed',
          detail: 'browser chromium was ended by SIGKILL',
        }),
      );
      expect(await runner.health('runner')).toMatchObject({ exitCode: 0 });
    });
  });
});

/** Names of the files of an image; with `verbose` the lines of tar, which begin with the mode. */
async function filesOf(image: string, verbose = false): Promise<string[]> {
  const container = (await docker('create', image)).trim();
  try {
    const script = `docker export "$1" | tar --list ${verbose ? '--verbose' : ''}`;
    const { stdout } = await execa('sh', ['-c', script, 'sh', container], { maxBuffer: 100_000_000 });
    return stdout.split('\n');
  } finally {
    await docker('rm', container);
  }
}

/** The rules of CycloneDX 1.5 that a reader relies on. */
function expectValid(bill: Bill, of = 'camofleet'): void {
  expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5' });
  expect(bill.metadata.component).toMatchObject({ type: 'application', name: of });
  expect(bill.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/);
  expect(Number.isNaN(Date.parse(bill.metadata.timestamp))).toBe(false);
  const all = bill.components.flatMap((component) => [component, ...(component.components ?? [])]);
  for (const { type, name, version, purl, externalReferences = [] } of all) {
    expect(['library', 'application', 'platform']).toContain(type);
    expect(name).not.toBe('');
    expect(version ?? 'unknown').toMatch(/^\S+$/);
    expect(externalReferences.filter(({ url }) => !URL.canParse(url))).toEqual([]);
    expect(purl ?? 'pkg:generic/a-part@1').toMatch(/^pkg:(npm|deb|generic)\/\S+@\S+$/);
  }
  const refs = [bill.metadata.component, ...all].map((component) => component['bom-ref']);
  expect(new Set(refs).size).toBe(refs.length);
  const known = new Set(refs);
  const told = bill.dependencies.flatMap(({ ref, dependsOn = [] }) => [ref, ...dependsOn]);
  expect(told.filter((ref) => !known.has(ref))).toEqual([]);
  expect(new Set(bill.dependencies.map(({ ref }) => ref)).size).toBe(bill.dependencies.length);
}

async function call<T>(runner: Container, method: string, path: string, body?: object): Promise<T> {
  const script = `
    const [method, path, body] = process.argv.slice(1);
    const headers = { authorization: 'Bearer ${KEY}', ...(body && { 'content-type': 'application/json' }) };
    const answer = await fetch('http://127.0.0.1:8070' + path, { method, headers, body });
    const text = await answer.text();
    if (!answer.ok) throw new Error(answer.status + ' ' + text);
    return JSON.parse(text);`;
  return runner.ask<T>(script, method, path, ...(body ? [JSON.stringify(body)] : []));
}

function create(runner: Container, browser: string): Promise<RunnerSession> {
  return call(runner, 'POST', '/sessions', { browser, resolution: '800x600x24' });
}

interface Process {
  readonly pid: number;
  readonly args: string;
  /** Whether it is in a user namespace, and in a process namespace, of its own. */
  readonly ownUsers: boolean;
  readonly ownProcesses: boolean;
  readonly seccomp: string;
}

function processes(runner: Container): Promise<readonly Process[]> {
  return runner.ask(`
    const { readFileSync, readdirSync } = require('node:fs');
    const ours = readFileSync('/proc/1/uid_map', 'utf8');
    return readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).flatMap((pid) => {
      try {
        const status = readFileSync('/proc/' + pid + '/status', 'utf8');
        const field = (name) => new RegExp('^' + name + ':\\\\s*(.*)$', 'm').exec(status)?.[1] ?? '';
        const args = readFileSync('/proc/' + pid + '/cmdline', 'utf8').replaceAll('\\0', ' ');
        const ownUsers = readFileSync('/proc/' + pid + '/uid_map', 'utf8') !== ours;
        return [{ pid: Number(pid), args, ownUsers, ownProcesses: field('NSpid').split(/\\s+/).length > 1, seccomp: field('Seccomp') }];
      } catch {
        return [];
      }
    });`);
}

async function killChromium(runner: Container): Promise<void> {
  const main = (await processes(runner)).filter(
    ({ args }) => /^\S*chromium\/chromium /.test(args) && !args.includes('--type='),
  );
  expect(main.length).toBe(1);
  await runner.ask('process.kill(Number(process.argv[1]), "SIGKILL")', String(main[0]!.pid));
}

function greeting(runner: Container, port: number): Promise<string> {
  return runner.ask(
    `const { connect } = require('node:net');
    return new Promise((resolve, reject) => connect(Number(process.argv[1]), '127.0.0.1').on('error', reject).once('data', (bytes) => { resolve(String(bytes)); process.exitCode = 0; setImmediate(() => process.exit()); }));`,
    String(port),
  );
}
