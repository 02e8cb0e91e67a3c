import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningProcess, findProgram, startProcess, waitUntilReady } from '../../src/processes/index.ts';

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-processes-'));
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

function startShell(name: string, script: string): Promise<RunningProcess> {
  return startProcess({ name, file: '/bin/sh', args: ['-c', script], env: {}, logFile: join(dir, `${name}.log`) });
}

const never = async (): Promise<string> => 'still asleep';

describe('a started process', () => {
  test('writes both its outputs to a private log, with no environment but its own', async () => {
    const env = { COLOUR: 'green' };
    const logFile = join(dir, 'env.log');
    const running = await startProcess({ name: 'env', file: '/usr/bin/env', args: [], env, logFile });
    expect(await running.exited).toEqual({ code: 0, signal: null });
    expect(readFileSync(logFile, 'utf8')).toBe('COLOUR=green\n');
    expect(statSync(logFile).mode & 0o777).toBe(0o600);
  });

  test('is stopped when its scope ends', async () => {
    let identity;
    {
      await using running = await startShell('scoped', 'exec sleep 60');
      ({ identity } = running);
      expect(running.exitInfo).toBeUndefined();
    }
    expect(() => process.kill(identity.pid, 0)).toThrow('ESRCH');
  });

  test('that cannot be run is named with its file', async () => {
    const spec = { name: 'ghost', file: '/nowhere/ghost', args: [], env: {}, logFile: join(dir, 'ghost.log') };
    await expect(startProcess(spec)).rejects.toMatchObject({
      code: 'CF_COMPONENT_MISSING',
      message: expect.stringContaining('ghost: cannot run /nowhere/ghost'),
    });
  });

  test('dies with the pipe that it was given, when it listens to it', async () => {
    const running = await startProcess({
      name: 'lifeline',
      file: '/bin/sh',
      args: ['-c', 'read -r _ <&3; exit 7'],
      env: {},
      logFile: join(dir, 'lifeline.log'),
      lifeline: true,
    });
    running.letGo();
    expect(await running.exited).toEqual({ code: 7, signal: null });
  });
});

describe('waiting until a process is ready', () => {
  test('ends with the first yes, and tells each other answer with the time that is left', async () => {
    await using running = await startShell('ready', 'exec sleep 60');
    const answers = ['no door', 'no light', true] as const;
    let asked = 0;
    const told: [string, number][] = [];
    await waitUntilReady(running, async () => answers[asked++]!, {
      timeoutMs: 10_000,
      everyMs: 1,
      onWaiting: (answer, leftMs) => told.push([answer, leftMs]),
    });
    expect(told.map(([answer]) => answer)).toEqual(['no door', 'no light']);
    expect(told.every(([, leftMs]) => leftMs > 0 && leftMs < 10_000)).toBe(true);
  });

  test('fails with the last answer, and names the log, when the time is over', async () => {
    await using running = await startShell('slow', 'exec sleep 60');
    await expect(waitUntilReady(running, never, { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'CF_SERVICE_NOT_READY',
      message: `slow runs but was not ready within 0.1 s: still asleep\nlog: ${running.logFile}`,
    });
  });

  test('takes an answer that throws for an answer', async () => {
    await using running = await startShell('throws', 'exec sleep 60');
    const refused = async (): Promise<never> => Promise.reject(new Error('refused'));
    await expect(waitUntilReady(running, refused, { timeoutMs: 50 })).rejects.toThrow('refused');
  });

  test.each([
    ['echo its last words >&2; exit 3', 'exited with code 3', 'its last words'],
    ['echo hit; kill -KILL $$', 'was ended by SIGKILL', 'hit'],
  ])('fails as soon as the process ends (%s)', async (script, how, words) => {
    await using running = await startShell('short', script);
    await expect(waitUntilReady(running, never, { timeoutMs: 60_000 })).rejects.toMatchObject({
      code: 'CF_SERVICE_EXITED',
      message: `short ${how} before it was ready\n${words}\nlog: ${running.logFile}`,
    });
  });

  test('shows the words of this process alone, though its log holds those of earlier ones', async () => {
    await (await startShell('again', 'echo first life')).exited;
    await using running = await startShell('again', 'echo second life; exit 1');
    const failure: Error = (await waitUntilReady(running, never, { timeoutMs: 60_000 }).catch(
      (error: Error) => error,
    )) as Error;
    expect(failure.message).toContain('second life');
    expect(failure.message).not.toContain('first life');
  });

  test('gives up with the reason of the one who asked to', async () => {
    await using running = await startShell('aborted', 'exec sleep 60');
    const reason = new Error('changed my mind');
    const waiting = waitUntilReady(running, never, { timeoutMs: 60_000, signal: AbortSignal.abort(reason) });
    await expect(waiting).rejects.toBe(reason);
  });
});

describe('a program on a PATH', () => {
  test.each([
    ['sh', '/nowhere:/bin', '/bin/sh'],
    ['/bin/sh', '', '/bin/sh'],
    ['sh', 'bin:.', undefined],
    ['sh', undefined, undefined],
    ['etc', '/', undefined],
    ['passwd', '/etc', undefined],
  ])('%s in %s is %s', (name, path, found) => {
    expect(findProgram(name, path)).toBe(found);
  });
});
