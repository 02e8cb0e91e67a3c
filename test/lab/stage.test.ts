import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listensOn } from '../../src/lab/listening.ts';
import { type StageDeps, openStage } from '../../src/lab/stage.ts';

const SERVER = 'require("node:net").createServer().listen(+process.argv[1], "127.0.0.1")';

function deps(change: Partial<StageDeps> = {}): StageDeps {
  return {
    env: process.env,
    execPath: process.execPath,
    entryPoint: join(import.meta.dirname, '..', '..', 'bin', 'run.js'),
    temporary: tmpdir(),
    signal: new AbortController().signal,
    onStarted: () => {},
    ...change,
  };
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}/stat`);

describe('a stage', () => {
  test('starts a program, waits until it listens, tells of it, and ends all of it with its folder', async () => {
    const told: string[] = [];
    let pid = 0;
    let folder = '';
    {
      await using stage = await openStage(deps({ onStarted: (words) => told.push(words) }));
      folder = stage.folder;
      const port = await stage.port();
      const started = await stage.start({ program: process.execPath, args: ['-e', SERVER, String(port)], port });
      pid = started.pid;
      expect(listensOn(pid, port)).toBe(true);
      expect(told).toEqual([`node on port ${port}`]);
      expect(existsSync(await stage.file('notes.txt', 'x'))).toBe(true);
    }
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });

  test('ends what was started when a part does not come up', async () => {
    let pid = 0;
    const failing = async (): Promise<void> => {
      await using stage = await openStage(deps());
      const port = await stage.port();
      pid = (await stage.start({ program: process.execPath, args: ['-e', SERVER, String(port)], port })).pid;
      await stage.start({ program: process.execPath, args: ['-e', 'process.exit(7)'], port: await stage.port() });
    };
    await expect(failing()).rejects.toMatchObject({ code: 'CF_SERVICE_EXITED' });
    expect(isAlive(pid)).toBe(false);
  });

  test('starts nothing once the lab was interrupted', async () => {
    const interrupted = new AbortController();
    await using stage = await openStage(deps({ signal: interrupted.signal }));
    interrupted.abort(new Error('enough'));
    await expect(stage.start({ program: 'true', args: [] })).rejects.toThrow('enough');
  });

  test('names a program that is missing', async () => {
    await using stage = await openStage(deps({ env: { PATH: '/nowhere' } }));
    expect(() => stage.program('x11vnc')).toThrow('x11vnc is not on PATH');
  });

  test('never gives the same port twice', async () => {
    await using stage = await openStage(deps());
    const ports = await Promise.all(Array.from({ length: 20 }, () => stage.port()));
    expect(new Set(ports).size).toBe(20);
  });
});

test('a listener is seen without being dialled, in the namespace of its process', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  let dialled = 0;
  server.on('connection', () => (dialled += 1));
  const { port } = server.address() as AddressInfo;
  expect(listensOn(process.pid, port)).toBe(true);
  server.close();
  await once(server, 'close');
  expect(listensOn(process.pid, port)).toBe(false);
  expect(dialled).toBe(0);
  expect(listensOn(999_999_999, port)).toBe(false);
});
