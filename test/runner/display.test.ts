import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type RunnerSession, problemSchema } from '../../src/api/index.ts';
import { identify } from '../../src/processes/index.ts';
import { type Answer, type Options, type TestRunner, startTestRunner } from './support/runner.ts';
import { BROWSER, X11VNC, XVFB, notesOf, writePrograms } from './support/programs.ts';

const dirs: string[] = [];
afterAll(() => {
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
});

interface Fake {
  readonly dir: string;
  readonly runner: TestRunner;
}

/** A runner whose programs behave as is said. */
async function startFake(programs: Readonly<Record<string, string>>, options: Options = {}): Promise<Fake> {
  const dir = mkdtempSync(join(tmpdir(), 'camofleet-fake-'));
  dirs.push(dir);
  const path = writePrograms(dir, programs);
  const browsers = {
    fake: { command: ['fake-browser', '--profile={profile}', '{url}', '--size={width},{height}'] },
    server: { command: ['fake-server'], playwright: true },
  };
  const env = {
    RUNNER_VNC_STARTUP_TIMEOUT_SECONDS: '1.5',
    CAMOFLEET_RUNNER_STOP_GRACE_MS: '300',
    CAMOFLEET_RUNNER_BROWSERS: JSON.stringify(browsers),
  };
  const runner = await startTestRunner({ path, slots: 1, ...options, env: { ...env, ...options.env } });
  return { dir, runner };
}

const GOOD = { Xvfb: XVFB.good, x11vnc: X11VNC.good };

function isAlive({ dir }: Fake, name: string): boolean {
  return notesOf(dir, name).some(({ pid }) => identify(pid) !== undefined);
}

/** What of a session is left on this host: processes, folders, lock and socket. */
function leftOf(fake: Fake, ...programs: string[]): string[] {
  const { runner } = fake;
  const kept = readdirSync(join(runner.dir, 'state', 'sessions'));
  const record = readFileSync(join(runner.dir, 'state', 'children.json'), 'utf8');
  return [
    ...programs.filter((name) => isAlive(fake, name)),
    ...kept,
    ...[`/tmp/.X${runner.display}-lock`, `/tmp/.X11-unix/X${runner.display}`].filter((file) => existsSync(file)),
    ...(JSON.parse(record) as { children: { name: string }[] }).children.map(({ name }) => name),
  ];
}

function ask({ runner }: Fake, body: object): Promise<Answer<RunnerSession>> {
  return runner.ask('POST', '/sessions', { body });
}

describe('a display', () => {
  test('is an Xvfb and an x11vnc that are started as they must be, and leaves nothing when it is released', async () => {
    const fake = await startFake(GOOD);
    await using runner = fake.runner;
    const { id, target, screen } = await runner.create({ browser: 'none' });
    expect(screen).toEqual({ width: 640, height: 480 });
    const folder = join(runner.dir, 'state', 'sessions', id);
    const cookie = join(folder, 'Xauthority');
    const [xvfb] = notesOf(fake.dir, 'Xvfb');
    expect(xvfb!.argv).toEqual([
      ...[`:${runner.display}`, '-screen', '0', '640x480x24', '-auth', cookie],
      ...['-nolisten', 'tcp', '-noreset'],
    ]);
    const [x11vnc] = notesOf(fake.dir, 'x11vnc');
    expect(x11vnc!.argv).toEqual([
      ...['-display', `:${runner.display}`, '-auth', cookie, '-rfbport', String(runner.rfbPort)],
      ...['-no6', '-listen', '127.0.0.1', '-passwdfile', `rm:${join(folder, 'rfb-password')}`],
      ...['-forever', '-shared', '-noremote', '-norc', '-nolookup', '-quiet'],
    ]);
    for (const { argv, env } of [xvfb!, x11vnc!]) {
      expect(JSON.stringify({ argv, env })).not.toContain(target!.password);
      expect(Object.keys(env).toSorted()).toEqual(
        ['DISPLAY', 'HOME', 'LANG', 'PATH', 'TMPDIR', 'XAUTHORITY'].toSorted(),
      );
    }
    await runner.ask('DELETE', `/sessions/${id}`);
    expect(leftOf(fake, 'Xvfb', 'x11vnc')).toEqual([]);
  });

  test('without a picture has no x11vnc', async () => {
    const fake = await startFake(GOOD);
    await using runner = fake.runner;
    const made = await runner.create({ browser: 'none', headless: true });
    expect(made).toMatchObject({ headless: true, vnc_enabled: false, target: null, screen: null });
    expect(notesOf(fake.dir, 'x11vnc')).toEqual([]);
    expect(await runner.create({ browser: 'testcard' }).catch(String)).toContain('CF_SLOTS_EXHAUSTED');
    await runner.ask('DELETE', `/sessions/${made.id}`);
    expect(await runner.create({ browser: 'none', headless: true, vnc: true })).toMatchObject({
      headless: true,
      vnc_enabled: true,
    });
  });

  test('is headless by default where that is configured', async () => {
    const fake = await startFake(GOOD, { env: { RUNNER_SESSION_DEFAULTS__HEADLESS: 'true' } });
    await using runner = fake.runner;
    expect(await runner.create({ browser: 'none' })).toMatchObject({ headless: true, vnc_enabled: false });
  });
});

describe('a display that does not come up', () => {
  test.each([
    [
      'Xvfb exits',
      { Xvfb: XVFB.exits },
      502,
      'CF_SERVICE_EXITED',
      /Xvfb :\d+ exited with code 1 .*\n.*no screens found/,
    ],
    [
      'x11vnc exits',
      { x11vnc: X11VNC.exits },
      502,
      'CF_SERVICE_EXITED',
      /x11vnc .*\n.*could not obtain listening port/,
    ],
    ['x11vnc talks nonsense', { x11vnc: X11VNC.garbage }, 504, 'CF_SERVICE_NOT_READY', /wanted RFB .* got "HTTP/],
  ])('because %s is told, and nothing of it is left', async (_name, programs, status, code, words) => {
    const fake = await startFake({ ...GOOD, ...programs });
    await using runner = fake.runner;
    const began = performance.now();
    const answer = await ask(fake, { browser: 'none' });
    expect(performance.now() - began).toBeLessThan(6_000);
    const problem = problemSchema.parse(answer.body);
    expect(problem).toMatchObject({ status, code });
    expect(problem.detail).toMatch(words);
    expect(leftOf(fake, 'Xvfb', 'x11vnc')).toEqual([]);
    expect(await runner.log('session.failed')).toMatchObject([{ browser: 'none', code, level: 'error' }]);
    expect(await runner.health()).toMatchObject({ status: 'degraded', problem: expect.stringMatching(words) });
    expect(await runner.create({ browser: 'testcard' })).toMatchObject({ status: 'ready' });
  });

  test('has one budget for all of it', async () => {
    const slow = `setTimeout(() => {${XVFB.good}}, 1000);`;
    const fake = await startFake({ Xvfb: slow, x11vnc: X11VNC.silent });
    await using _runner = fake.runner;
    const began = performance.now();
    expect((await ask(fake, { browser: 'none' })).status).toBe(504);
    expect(performance.now() - began).toBeLessThan(2_700);
  });

  test('because Xvfb never answers is killed when it does not end by itself, and the log says so', async () => {
    const fake = await startFake({ ...GOOD, Xvfb: XVFB.stubborn });
    await using runner = fake.runner;
    expect(await ask(fake, { browser: 'none' })).toMatchObject({
      status: 504,
      body: { code: 'CF_SERVICE_NOT_READY', detail: expect.stringContaining('its socket does not answer') },
    });
    expect(await runner.log('session.process_stopped')).toMatchObject([
      { what: `Xvfb :${runner.display}`, how: 'forced' },
    ]);
    expect(leftOf(fake, 'Xvfb')).toEqual([]);
  });
});

describe('a death', () => {
  test.each([
    ['of x11vnc alone is its own', ['x11vnc'], /^x11vnc on :\d+ was ended by SIGKILL$/],
    ['of Xvfb is not put on x11vnc, which may be seen first', ['x11vnc', 'Xvfb'], /^Xvfb :\d+ was ended by SIGKILL$/],
  ])('%s', async (_name, programs, words) => {
    const fake = await startFake(GOOD);
    await using runner = fake.runner;
    const { id } = await runner.create({ browser: 'none' });
    for (const name of programs) process.kill(notesOf(fake.dir, name)[0]!.pid, 'SIGKILL');
    expect(await runner.log('session.ended')).toMatchObject([
      { session: id, reason: 'crashed', detail: expect.stringMatching(words), level: 'warn' },
    ]);
    await expect.poll(() => leftOf(fake, 'Xvfb', 'x11vnc')).toEqual([]);
    expect((await runner.ask('GET', `/sessions/${id}`)).status).toBe(410);
  });
});

describe('a runner that stops', () => {
  test('while a session is starting refuses it with words, and leaves nothing of it', async () => {
    const fake = await startFake({ ...GOOD, Xvfb: XVFB.silent }, { env: { RUNNER_VNC_STARTUP_TIMEOUT_SECONDS: '30' } });
    const { runner } = fake;
    const asked = ask(fake, { browser: 'none' });
    await expect.poll(() => isAlive(fake, 'Xvfb')).toBe(true);
    const began = performance.now();
    const stopped = runner[Symbol.asyncDispose]();
    const answer = await asked;
    expect(problemSchema.parse(answer.body)).toMatchObject({
      status: 503,
      code: 'CF_STOPPING',
      detail: 'the runner is stopping',
    });
    await stopped;
    expect(performance.now() - began).toBeLessThan(4_000);
    expect(isAlive(fake, 'Xvfb')).toBe(false);
  });

  test('ends its sessions and tells of each', async () => {
    const fake = await startFake(GOOD);
    const { runner } = fake;
    const { id } = await runner.create({ browser: 'none' });
    await runner[Symbol.asyncDispose]();
    expect(runner.lines.filter(({ event }) => event === 'session.ended')).toMatchObject([
      { session: id, reason: 'shutdown', detail: 'the runner is stopping' },
    ]);
    expect([isAlive(fake, 'Xvfb'), isAlive(fake, 'x11vnc')]).toEqual([false, false]);
    expect(existsSync(`/tmp/.X${runner.display}-lock`)).toBe(false);
  });
});

describe('a browser', () => {
  test('is started by its name; one that shows no window in time is handed out with a word in the log', async () => {
    const fake = await startFake({ ...GOOD, 'fake-browser': BROWSER.good });
    await using runner = fake.runner;
    const { id } = await runner.create({ browser: 'fake', start_url: 'https://example.com' });
    expect(await runner.log('browser.late')).toMatchObject([{ session: id, browser: 'fake', level: 'warn' }]);
    const [{ argv, env }] = notesOf(fake.dir, 'fake-browser') as [never];
    const profile = join(runner.dir, 'state', 'sessions', id, 'profile');
    expect(argv).toEqual([`--profile=${profile}`, 'https://example.com/', '--size=640,480']);
    expect(env).toMatchObject({ HOME: profile, DISPLAY: `:${runner.display}` });
    await runner.ask('DELETE', `/sessions/${id}`);
    expect(leftOf(fake, 'Xvfb', 'x11vnc', 'fake-browser')).toEqual([]);
  });

  test('that exits at once is told with its last words, and nothing is left', async () => {
    const fake = await startFake({ ...GOOD, 'fake-browser': BROWSER.exits });
    await using _runner = fake.runner;
    const answer = await ask(fake, { browser: 'fake' });
    expect(problemSchema.parse(answer.body)).toMatchObject({
      status: 502,
      code: 'CF_SERVICE_EXITED',
      detail: expect.stringMatching(/browser fake exited with code 127 .*\n.*shared libraries/),
    });
    expect(leftOf(fake, 'Xvfb', 'x11vnc')).toEqual([]);
  });

  test('that is a Playwright server is handed out with its endpoint, which the log does not have', async () => {
    const fake = await startFake({ ...GOOD, 'fake-server': BROWSER.playwright });
    await using runner = fake.runner;
    const made = await runner.create({ browser: 'server' });
    expect(made).toMatchObject({ ws_endpoint: 'ws://127.0.0.1:4711/canary-guid', start_url_wait: 'none' });
    expect(notesOf(fake.dir, 'fake-server')[0]!.env['HOME']).toBe(runner.dir);
    expect(JSON.stringify(runner.lines)).not.toContain('canary-guid');
  });

  test('that should be a Playwright server and names no endpoint is not handed out', async () => {
    const fake = await startFake({ ...GOOD, 'fake-server': BROWSER.good });
    await using _runner = fake.runner;
    const answer = await ask(fake, { browser: 'server' });
    expect(answer).toMatchObject({ status: 504, body: { detail: expect.stringContaining('no ws:// endpoint') } });
    expect(leftOf(fake, 'Xvfb', 'x11vnc', 'fake-server')).toEqual([]);
  });

  test('that is configured and not installed is missing, and the answer says what can be had', async () => {
    const fake = await startFake(GOOD);
    await using runner = fake.runner;
    expect(await runner.health()).toMatchObject({
      browsers: ['testcard', 'testcard-still', 'none'],
      missing: ['fake', 'server'],
    });
    const answer = await ask(fake, { browser: 'fake' });
    expect(answer).toMatchObject({
      status: 400,
      body: {
        code: 'CF_COMPONENT_MISSING',
        detail: 'the program of browser "fake" is not installed here; usable: testcard, testcard-still, none',
      },
    });
  });
});
