import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type RunningProcess, startProcess } from '../../src/processes/index.ts';
import { problemsOf } from '../../src/runner/look.ts';
import { closedPort, startTestRunner as startRfbServer } from '../gateway/support/runner.ts';
import { writePrograms, X11VNC, XVFB } from './support/programs.ts';
import { startTestRunner } from './support/runner.ts';

describe('a look at a session', () => {
  let dir: string;
  let browser: RunningProcess;
  const look = (parts: Partial<Parameters<typeof problemsOf>[0]>): Promise<string[]> =>
    problemsOf({ parts: [browser], rfb: undefined, showsWindow: undefined, ...parts }, AbortSignal.timeout(5_000));

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'camofleet-look-'));
    browser = await startProcess({
      name: 'browser',
      file: 'sleep',
      args: ['60'],
      env: { PATH: process.env['PATH']! },
      logFile: join(dir, 'log'),
    });
  });
  afterAll(async () => {
    await browser.stop(1_000);
    rmSync(dir, { recursive: true, force: true });
  });

  test('finds nothing where RFB greets and a window is to be seen', async () => {
    await using server = await startRfbServer({ password: 'p' });
    expect(await look({ rfb: { host: '127.0.0.1', port: server.port }, showsWindow: async () => true })).toEqual([]);
  });

  test('finds that no window is to be seen, though RFB greets', async () => {
    await using server = await startRfbServer({ password: 'p' });
    expect(await look({ rfb: { host: '127.0.0.1', port: server.port }, showsWindow: async () => false })).toEqual([
      'no window of the browser is to be seen',
    ]);
  });

  test('finds an RFB server and a display that are gone, each in its own words', async () => {
    const port = await closedPort();
    const problems = await look({
      rfb: { host: '127.0.0.1', port },
      showsWindow: () => Promise.reject(new Error('no X')),
    });
    expect(problems).toEqual([expect.stringMatching(/^RFB: .*ECONNREFUSED/), 'display: no X']);
  });

  test('finds a program that a signal stopped, until it is continued', async () => {
    process.kill(browser.pid, 'SIGSTOP');
    await vi.waitFor(async () => expect(await look({})).toEqual(['browser is stopped']), 5_000);
    process.kill(browser.pid, 'SIGCONT');
    await vi.waitFor(async () => expect(await look({})).toEqual([]), 5_000);
  });
});

describe('a runner is ready', () => {
  const ready = async (internalPort: number): Promise<{ status: number; body: unknown }> => {
    const answer = await fetch(`http://127.0.0.1:${internalPort}/readyz`);
    return { status: answer.status, body: await answer.json() };
  };

  test('without sessions, and with those that are well', async () => {
    await using runner = await startTestRunner();
    expect(await ready(runner.internalPort)).toEqual({
      status: 200,
      body: { status: 'ready', sessions: 0, problems: [] },
    });
    await runner.create({ browser: 'testcard' });
    expect(await ready(runner.internalPort)).toEqual({
      status: 200,
      body: { status: 'ready', sessions: 1, problems: [] },
    });
  });

  test('not for a minute after a start that failed, unless another succeeds', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'camofleet-look-'));
    const path = writePrograms(dir, { Xvfb: XVFB.exits, x11vnc: X11VNC.good });
    await using runner = await startTestRunner({ path });
    const fail = async (): Promise<void> =>
      expect((await runner.ask('POST', '/sessions', { body: { browser: 'none' } })).status).toBe(502);
    const unready = {
      status: 503,
      body: {
        status: 'unready',
        sessions: 0,
        problems: [{ session: null, what: expect.stringMatching(/^Xvfb :\d+ exited with code 1/) }],
      },
    };
    await fail();
    expect(await ready(runner.internalPort)).toEqual(unready);
    runner.clock.pass(60_000);
    expect(await ready(runner.internalPort)).toMatchObject({ status: 200 });
    await fail();
    expect(await ready(runner.internalPort)).toEqual(unready);
    await runner.create({ browser: 'testcard' });
    expect(await ready(runner.internalPort)).toMatchObject({ status: 200 });
    rmSync(dir, { recursive: true, force: true });
  });
});
