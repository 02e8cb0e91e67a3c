import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { RunnerSession } from '../../src/api/index.ts';
import { expectOnePasswordASession } from '../runner/support/one-password.ts';
import { type Options, type TestRunner, startTestRunner } from '../runner/support/runner.ts';
import { openScreen } from '../runner/support/screen.ts';
import { lacks, which } from '../support/components.ts';

const PATH = process.env['PATH'] ?? '';

function startReal(options: Options = {}): Promise<TestRunner> {
  return startTestRunner({ path: PATH, ...options, env: { RUNNER_VNC_STARTUP_TIMEOUT_SECONDS: '30', ...options.env } });
}

/** An X server that is not ours. */
async function startStranger(display: number): Promise<AsyncDisposable & { readonly child: ChildProcess }> {
  const child = spawn(which('Xvfb')!, [`:${display}`, '-screen', '0', '320x200x24', '-nolisten', 'tcp'], {
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  await expect.poll(() => answers(display), { timeout: 10_000 }).toBe(true);
  return {
    child,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await exited;
    },
  };
}

function answers(display: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(`/tmp/.X11-unix/X${display}`, () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

describe.skipIf(lacks('xvfb', 'x11vnc'))('slots of real displays', () => {
  test('that a stranger holds are skipped and named, and the stranger is not harmed', async () => {
    await using runner = await startReal({ slots: 2 });
    await using stranger = await startStranger(runner.display);
    const made = await runner.create({ browser: 'none' });
    expect(made.target!.port).toBe(runner.rfbPort + 1);
    expect(await runner.log('slot.skipped')).toMatchObject([
      { what: `display :${runner.display}`, because: 'an X server answers on its socket' },
    ]);
    const full = await runner.ask('POST', '/sessions', { body: { browser: 'none' } });
    expect(full).toMatchObject({
      status: 503,
      body: { detail: 'no slot (display and RFB port) is free; 1 cannot be used, the log says why' },
    });
    await runner.ask('DELETE', `/sessions/${made.id}`);
    expect(stranger.child.exitCode).toBeNull();
    expect(await answers(runner.display)).toBe(true);
    expect(readFileSync(`/tmp/.X${runner.display}-lock`, 'utf8').trim()).toBe(String(stranger.child.pid));
  });

  test('whose X server was killed are of use again, lock and socket are removed', async () => {
    await using runner = await startReal({ slots: 1 });
    const stranger = await startStranger(runner.display);
    stranger.child.kill('SIGKILL');
    await once(stranger.child, 'exit');
    await expect.poll(() => answers(runner.display), { timeout: 10_000 }).toBe(false); // its xkbcomp may hold the socket
    expect(existsSync(`/tmp/.X${runner.display}-lock`)).toBe(true);
    const { target } = await runner.create({ browser: 'none' });
    using screen = await openScreen(target!);
    expect(screen.width).toBe(640);
  });

  test('are never shared, however many sessions start at once, and come back', async () => {
    await using runner = await startReal({ slots: 3 });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => runner.ask<RunnerSession>('POST', '/sessions', { body: { browser: 'none' } })),
    );
    expect(answers.filter(({ status }) => status === 503)).toHaveLength(2);
    const made = answers.filter(({ status }) => status === 201).map(({ body }) => body);
    expect(new Set(made.map(({ target }) => target!.port)).size).toBe(3);
    for (const { target } of made) {
      using screen = await openScreen(target!);
      expect(screen.width).toBe(640);
    }
    await Promise.all(made.map(({ id }) => runner.ask('DELETE', `/sessions/${id}`)));
    expect(await runner.create({ browser: 'none' })).toMatchObject({ status: 'ready' });
  });

  test('the token of an ended session sees nothing of the display that has its port now', async () => {
    await expectOnePasswordASession('none', PATH);
  });

  test('a display without a viewer is idle, one with a viewer is not', async () => {
    await using runner = await startReal({ slots: 2 });
    const watched = await runner.create({ browser: 'none', idle_ttl_seconds: 60 });
    const idle = await runner.create({ browser: 'none', idle_ttl_seconds: 60 });
    using _screen = await openScreen(watched.target!);
    runner.clock.pass(61_000);
    expect(await runner.log('session.ended')).toMatchObject([{ session: idle.id, reason: 'expired' }]);
    expect((await runner.ask('GET', `/sessions/${watched.id}`)).status).toBe(200);
  });

  test('prewarmed displays are handed out at once', async () => {
    await using runner = await startReal({
      slots: 3,
      env: { RUNNER_PREWARM_VNC: '1', CAMOFLEET_RUNNER_DEFAULT_BROWSER: 'none' },
    });
    const [warm] = await runner.log('session.started');
    const made = await runner.create({ browser: 'none' });
    expect(made.id).toBe(warm!['session']);
    using screen = await openScreen(made.target!);
    expect(screen.width).toBe(640);
    await runner.log('session.started', 2);
  });
});
