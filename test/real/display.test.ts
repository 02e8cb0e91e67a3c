import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { chromium } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import type { RunnerSession } from '../../src/api/index.ts';
import { type TestRunner, type Options, startTestRunner } from '../runner/support/runner.ts';
import { openScreen } from '../runner/support/screen.ts';
import { lacks, which } from '../support/components.ts';

const CHROMIUM = [
  ...['chromium', '--user-data-dir={profile}', '--no-first-run', '--disable-background-networking', '--disable-sync'],
  ...['--disable-component-update', '--window-position=0,0', '--window-size={width},{height}', '{url}'],
];

function startReal(options: Options = {}): Promise<TestRunner> {
  const browsers = { chromium: { command: CHROMIUM } };
  const env = { CAMOFLEET_RUNNER_BROWSERS: JSON.stringify(browsers), RUNNER_VNC_STARTUP_TIMEOUT_SECONDS: '30' };
  return startTestRunner({ path: process.env['PATH'] ?? '', slots: 1, ...options, env: { ...env, ...options.env } });
}

interface Process {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly environ: string;
}

/** Living processes of a session: their environment or arguments name its folder. */
function processesOf(id: string): Process[] {
  const own = [join('sessions', id), `camofleet-${id}`];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const argv = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').slice(0, -1);
        const environ = readFileSync(`/proc/${name}/environ`, 'utf8');
        const isOwn = own.some((word) => environ.includes(word) || argv.some((part) => part.includes(word)));
        return isOwn && argv.length > 0 ? [{ pid: Number(name), argv, environ }] : [];
      } catch {
        return []; // gone meanwhile
      }
    });
}

function find(id: string, program: string): Process {
  const found = processesOf(id).find(({ argv }) => argv[0]!.endsWith(program));
  if (!found) throw new Error(`${program} of ${id} does not run`);
  return found;
}

/** Everything of a session that may be left on this host. */
function leftOf(runner: TestRunner, id: string): unknown[] {
  const { display, dir } = runner;
  const files = [
    `/tmp/.X${display}-lock`,
    `/tmp/.X11-unix/X${display}`,
    `/tmp/camofleet-${id}`,
    join(dir, 'state', 'sessions', id),
  ];
  return [...processesOf(id).map(({ argv }) => argv), ...files.filter((file) => existsSync(file))];
}

/** Local addresses of listening sockets in hex, as the kernel writes them, by port. */
function listeners(port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A' && fields[1]?.endsWith(`:${hex}`))
      .map((fields) => fields[1]!.split(':')[0]!),
  );
}

/** Paints the root window of a session's display. */
function paint(runner: TestRunner, id: string, colour: string): void {
  const cookie = join(runner.dir, 'state', 'sessions', id, 'Xauthority');
  execFileSync('xsetroot', ['-solid', colour], {
    env: { ...process.env, DISPLAY: `:${runner.display}`, XAUTHORITY: cookie },
  });
}

describe.skipIf(lacks('xvfb', 'x11vnc', 'xsetroot'))('a real display', () => {
  test('shows what is painted on it to who has the password, and to nobody else', async () => {
    await using runner = await startReal();
    const { id, target } = await runner.create({ browser: 'none' });
    using screen = await openScreen(target!);
    expect([screen.width, screen.height]).toEqual([640, 480]);
    paint(runner, id, '#2266aa');
    await screen.until(() => screen.pixel(300, 200) === '34,102,170', 'the colour that was painted');
    await expect(openScreen({ ...target!, password: 'wrongpwd' })).rejects.toThrow(/closed|authentication|password/i);

    const folder = join(runner.dir, 'state', 'sessions', id);
    const bare = { DISPLAY: `:${runner.display}`, PATH: process.env['PATH'], HOME: '/nonexistent' };
    expect(spawnSync('xsetroot', ['-solid', 'red'], { env: bare }).status).not.toBe(0);
    expect((statSync(join(folder, 'Xauthority')).mode & 0o777).toString(8)).toBe('600');
    expect((statSync(folder).mode & 0o777).toString(8)).toBe('700');
    expect(existsSync(join(folder, 'rfb-password'))).toBe(false);
    expect(listeners(runner.rfbPort)).toEqual(['0100007F']);
    expect(listeners(6_000 + runner.display)).toEqual([]);
  });

  test('has no secret in arguments or environment, and none in its files once it runs', async () => {
    await using runner = await startReal();
    const { id, target } = await runner.create({ browser: 'none' });
    const processes = processesOf(id);
    expect(new Set(processes.map(({ argv }) => basename(argv[0]!)))).toEqual(new Set(['Xvfb', 'x11vnc']));
    const folder = join(runner.dir, 'state', 'sessions', id);
    const cookie = readFileSync(join(folder, 'Xauthority')).subarray(-16).toString('hex');
    for (const { argv, environ } of processes) {
      expect(`${argv.join(' ')} ${environ}`).not.toContain(target!.password);
      expect(`${argv.join(' ')} ${environ}`).not.toContain(cookie);
    }
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((file) => statSync(file).isFile());
    expect(files.filter((file) => readFileSync(file, 'latin1').includes(target!.password))).toEqual([]);
    expect(find(id, 'x11vnc').argv).toEqual(expect.arrayContaining(['-forever', '-shared', '-noremote']));
    expect(find(id, 'Xvfb').argv).toEqual(expect.arrayContaining(['-nolisten', 'tcp']));
  });

  test.skipIf(process.getuid?.() !== 0)('is closed to another user of the host', async () => {
    await using runner = await startReal();
    const { id } = await runner.create({ browser: 'none' });
    const cookie = join(runner.dir, 'state', 'sessions', id, 'Xauthority');
    const asNobody = (command: string[], env: NodeJS.ProcessEnv): number | null =>
      spawnSync('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--', ...command], { env })
        .status;
    const env = { PATH: process.env['PATH'], DISPLAY: `:${runner.display}`, XAUTHORITY: cookie };
    expect(asNobody(['true'], env)).toBe(0);
    expect(asNobody(['cat', cookie], env)).not.toBe(0);
    expect(asNobody(['xsetroot', '-solid', 'red'], env)).not.toBe(0);
    expect(asNobody(['ls', join(runner.dir, 'state')], env)).not.toBe(0);
  });

  test('is gone without a trace when it is released', async () => {
    await using runner = await startReal();
    const { id, target } = await runner.create({ browser: 'none' });
    using screen = await openScreen(target!);
    expect(leftOf(runner, id).length).toBeGreaterThan(3);
    await runner.ask('DELETE', `/sessions/${id}`);
    await screen.closed;
    expect(leftOf(runner, id)).toEqual([]);
    expect(listeners(runner.rfbPort)).toEqual([]);
    const stopped = runner.lines.filter(({ event }) => event === 'session.process_stopped');
    expect(stopped).toMatchObject([{ what: `x11vnc on :${runner.display}` }, { what: `Xvfb :${runner.display}` }]);
  });

  test('serves an IPv6 address, and that alone', async () => {
    await using runner = await startReal({ env: { CAMOFLEET_RUNNER_ADVERTISE_HOST: '::1' } });
    const { target } = await runner.create({ browser: 'none' });
    using screen = await openScreen(target!);
    expect(screen.width).toBe(640);
    expect(listeners(runner.rfbPort)).toEqual(['00000000000000000000000001000000']);
  });
});

describe.skipIf(lacks('xvfb', 'x11vnc', 'chromium'))('a part of a session that is killed ends it', () => {
  test.each([
    ['x11vnc', 'none', /^x11vnc on :\d+ was ended by SIGKILL$/],
    ['Xvfb', 'none', /^Xvfb :\d+ was ended by SIGKILL$/],
    ['chromium', 'chromium', /^browser chromium was ended by SIGKILL$/],
  ])('%s, with the right words, nothing left, and the slot of use again', async (program, browser, words) => {
    await using runner = await startReal();
    const { id, target } = await runner.create({ browser });
    using screen = await openScreen(target!);
    process.kill(oldest(processesOf(id), program), 'SIGKILL');
    const [ended] = await runner.log('session.ended');
    expect(ended).toMatchObject({
      session: id,
      reason: 'crashed',
      detail: expect.stringMatching(words),
      level: 'warn',
    });
    await screen.closed;
    await expect.poll(() => leftOf(runner, id), { timeout: 10_000 }).toEqual([]);
    expect((await runner.ask('GET', `/sessions/${id}`)).status).toBe(410);
    const again = await runner.create({ browser: 'none' });
    expect(again.target!.port).toBe(target!.port);
    using next = await openScreen(again.target!);
    expect(next.width).toBe(640);
  });
});

/** The first process of a program: what the runner has started. */
function oldest(processes: readonly Process[], program: string): number {
  const own = processes.filter(({ argv }) => argv[0]!.includes(program)).map(({ pid }) => pid);
  return Math.min(...own);
}

describe.skipIf(lacks('xvfb', 'x11vnc', 'chromium'))('a real browser', () => {
  const BLUE = 'data:text/html,<body style="background:rgb(34,102,170)">';

  test('is started by its name, fills the screen, and its profile goes with it', async () => {
    await using runner = await startReal({ env: { RUNNER_VNC_RESOLUTION: '800x600x24' } });
    const { id, target, browser } = await runner.create({ browser: 'chromium', start_url: BLUE });
    expect(browser).toBe('chromium');
    using screen = await openScreen(target!);
    await screen.until(() => screen.colours() > 3, 'a window');
    await screen.until(() => screen.pixel(790, 590) === '34,102,170', 'the page in the last corner');
    expect(runner.lines.filter(({ event }) => event === 'browser.late')).toEqual([]);
    const profile = join(runner.dir, 'state', 'sessions', id, 'profile');
    expect(readdirSync(profile)).toContain('Default');
    await runner.ask('DELETE', `/sessions/${id}`);
    expect(leftOf(runner, id)).toEqual([]);
  });

  test('is ready when its start page has got as far as was asked, and not before', async () => {
    await using site = await startSlowSite();
    await using runner = await startReal();
    for (const [wait, reached] of [
      ['load', ['/', '/slow.png', 'slow sent']],
      ['domcontentloaded', ['/']],
      ['none', []],
    ] as const) {
      site.seen.length = 0;
      site.answers = wait === 'load';
      const made = await runner.create({ browser: 'chromium', start_url: site.url, start_url_wait: wait });
      expect(made.start_url_wait).toBe(wait);
      expect(site.seen, wait).toEqual(expect.arrayContaining([...reached]));
      await runner.ask('DELETE', `/sessions/${made.id}`);
    }
    expect(runner.lines.filter(({ event }) => event === 'browser.late')).toEqual([]); // none waited for all its time
  });

  test('whose start page cannot be reached is handed out with a word in the log that does not name it', async () => {
    await using runner = await startReal();
    const start_url = 'http://127.0.0.1:1/canary-path';
    const { id } = await runner.create({ browser: 'chromium', start_url, start_url_wait: 'load' });
    const [late] = await runner.log('browser.late');
    expect(late).toMatchObject({ session: id, because: 'its start page cannot be reached' });
    expect(JSON.stringify(runner.lines)).not.toContain('canary-path');
  });

  test('runs however deep the state of its runner lies', async () => {
    const deep = mkdtempSync(join(tmpdir(), 'camofleet-deep-'));
    try {
      const stateDir = join(deep, 'd'.repeat(120), 'state');
      mkdirSync(stateDir, { recursive: true });
      await using runner = await startReal({ stateDir });
      const { id, target } = await runner.create({ browser: 'chromium', start_url: BLUE });
      using screen = await openScreen(target!);
      await screen.until(() => screen.pixel(320, 400) === '34,102,170', 'the page');
      await runner.ask('DELETE', `/sessions/${id}`);
      expect([leftOf(runner, id), readdirSync(join(stateDir, 'sessions'))]).toEqual([[], []]);
    } finally {
      rmSync(deep, { recursive: true, force: true });
    }
  });

  test('that is a Playwright server is driven at the endpoint that is handed out, and is seen', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'camofleet-playwright-'));
    try {
      const config = join(dir, 'server.json');
      const root = process.getuid?.() === 0;
      writeFileSync(
        config,
        JSON.stringify({ executablePath: which('chromium'), headless: false, args: root ? ['--no-sandbox'] : [] }),
      );
      const cli = join(import.meta.dirname, '..', '..', 'node_modules', 'playwright-core', 'cli.js');
      const command = [process.execPath, cli, 'launch-server', '--browser', 'chromium', '--config', config];
      const browsers = JSON.stringify({ server: { command, playwright: true } });
      await using runner = await startReal({ env: { CAMOFLEET_RUNNER_BROWSERS: browsers } });
      const made: RunnerSession = await runner.create({ browser: 'server' });
      expect(made.ws_endpoint).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/\w+$/);
      const browser = await chromium.connect(made.ws_endpoint!);
      const page = await browser.newPage();
      await page.goto(BLUE);
      using screen = await openScreen(made.target!);
      await screen.until(() => screen.pixel(320, 400) === '34,102,170', 'the page that the client opened');
      await browser.close();
      await runner.ask('DELETE', `/sessions/${made.id}`);
      expect(leftOf(runner, made.id)).toEqual([]);
      expect(JSON.stringify(runner.lines)).not.toContain(made.ws_endpoint);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

interface Site extends AsyncDisposable {
  readonly url: string;
  /** Paths that were asked for, and `slow sent`. */
  readonly seen: string[];
  /** Whether the picture is ever sent. */
  answers: boolean;
}

/** A page with a picture that takes its time. */
async function startSlowSite(): Promise<Site> {
  const site = { seen: [] as string[], answers: true };
  const server = createServer((request, response) => {
    if (request.url === '/favicon.ico') return void response.writeHead(404).end();
    site.seen.push(request.url!);
    if (request.url === '/') {
      response.writeHead(200, { 'content-type': 'text/html', 'cache-control': 'no-store' });
      response.end('<!doctype html><title>slow</title><p>text<img src="/slow.png">');
      return;
    }
    if (!site.answers) return;
    setTimeout(() => {
      site.seen.push('slow sent');
      response.writeHead(404).end();
    }, 1_000);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return Object.assign(site, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  });
}
