import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SessionId, randomId } from '../../src/core/index.ts';
import { type ProcessIdentity, identify } from '../../src/processes/index.ts';
import { leftoverSwept } from '../../src/runner/events.ts';
import { StateFolder } from '../../src/runner/state-folder.ts';
import { hostDisplays } from '../../src/runner/x-locks.ts';

let dir: string;
let state: string;
let swept: { pid: number; name: string }[];
let unsubscribe: () => void;
const children: ChildProcess[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-state-'));
  state = join(dir, 'state');
  mkdirSync(join(dir, '.X11-unix'));
  swept = [];
  unsubscribe = leftoverSwept.subscribe((fact) => swept.push(fact));
});
afterEach(() => {
  unsubscribe();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

const claim = (path = state): Promise<StateFolder> => StateFolder.claim(path, hostDisplays(dir));
const newId = (): SessionId => randomId() as SessionId;
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

/** A process that only waits, in a group of its own. */
async function startSleeper(): Promise<ProcessIdentity> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  return identify(child.pid!)!;
}

/** What a runner left behind that was killed. */
function writeRecord(runner: ProcessIdentity, left: readonly object[]): void {
  mkdirSync(state, { recursive: true });
  writeFileSync(join(state, 'children.json'), JSON.stringify({ runner, children: left }));
}

const GONE: ProcessIdentity = { pid: 4_194_304, startedAt: '1' };

describe('the folders of a session', () => {
  test('are private and go with it', async () => {
    const folder = await claim();
    const id = newId();
    const { path, temporary, [Symbol.asyncDispose]: dispose } = await folder.session(id);
    expect([modeOf(path), modeOf(temporary), modeOf(join(state, 'sessions'))]).toEqual(['700', '700', '700']);
    writeFileSync(join(path, 'Xauthority'), 'x');
    mkdirSync(join(temporary, 'deep', 'er'), { recursive: true });
    await dispose();
    expect([existsSync(path), existsSync(temporary)]).toEqual([false, false]);
  });

  test('have a short one for temporary files, however deep the state lies', async () => {
    const deep = join(dir, 'd'.repeat(100), 'state');
    mkdirSync(join(dir, 'd'.repeat(100)));
    await using session = await (await claim(deep)).session(newId());
    expect(session.temporary.length).toBeLessThanOrEqual(60);
    expect(modeOf(session.temporary)).toBe('700');
  });

  test('are never those of another, also when a stranger was there first', async () => {
    const folder = await claim();
    const id = newId();
    await using _session = await folder.session(id);
    await expect(folder.session(id)).rejects.toThrow('EEXIST');
  });
});

describe('a runner that takes a folder', () => {
  test('ends the processes that a killed one left, and removes folders and locks', async () => {
    const [left, unknown] = [await startSleeper(), await startSleeper()];
    writeRecord(GONE, [{ name: 'Xvfb :107', ...left, display: 107 }]);
    writeFileSync(join(dir, '.X107-lock'), `${GONE.pid}\n`);
    const short = `/tmp/camofleet-${newId()}`;
    mkdirSync(short);
    mkdirSync(join(state, 'sessions', short.slice('/tmp/camofleet-'.length), 'profile'), { recursive: true });
    await claim();
    expect(swept).toEqual([{ pid: left.pid, name: 'Xvfb :107' }]);
    expect([identify(left.pid), identify(unknown.pid)]).toEqual([undefined, unknown]);
    expect([existsSync(short), existsSync(join(dir, '.X107-lock'))]).toEqual([false, false]);
    expect(JSON.parse(readFileSync(join(state, 'children.json'), 'utf8'))).toMatchObject({ children: [] });
    expect(modeOf(join(state, 'children.json'))).toBe('600');
  });

  test('leaves a process alone that only has the number of one of old', async () => {
    const stranger = await startSleeper();
    writeRecord(GONE, [{ name: 'x11vnc', pid: stranger.pid, startedAt: '1' }]);
    await claim();
    expect(swept).toEqual([]);
    expect(identify(stranger.pid)).toEqual(stranger);
  });

  test('refuses while another runner lives there, and harms nothing of it', async () => {
    const [other, child] = [await startSleeper(), await startSleeper()];
    writeRecord(other, [{ name: 'x11vnc', ...child }]);
    mkdirSync(join(state, 'sessions', 'abc'), { recursive: true });
    const claimed = claim();
    await expect(claimed).rejects.toMatchObject({ code: 'CF_FLEET_RUNNING' });
    await expect(claimed).rejects.toThrow(`another runner, process ${other.pid}, uses the state folder ${state}`);
    expect(identify(child.pid)).toEqual(child);
    expect(existsSync(join(state, 'sessions', 'abc'))).toBe(true);
  });

  test.each([[''], ['{'], ['[]'], ['{"runner": 1}'], ['\0\0\0']])('bears a record that is %j', async (text) => {
    mkdirSync(state);
    writeFileSync(join(state, 'children.json'), text);
    await claim();
    expect(swept).toEqual([]);
  });
});

describe('the record of children', () => {
  const record = (): string[] =>
    (JSON.parse(readFileSync(join(state, 'children.json'), 'utf8')) as { children: { name: string }[] }).children.map(
      ({ name }) => name,
    );

  test('has those that were noted and not forgotten, however many are told at once', async () => {
    const folder = await claim();
    const all = Array.from({ length: 20 }, (_, index) => ({ pid: 100_000 + index, startedAt: String(index) }));
    await Promise.all(all.map((child) => folder.note(`child ${child.pid}`, child)));
    expect(record()).toHaveLength(20);
    await Promise.all(all.slice(1).map((child) => folder.forget(child)));
    expect(record()).toEqual(['child 100000']);
  });

  test('that cannot be written is an error then, and not for ever', async () => {
    const folder = await claim();
    const obstacle = join(state, 'children.json.new');
    mkdirSync(obstacle);
    await expect(folder.note('one', { pid: 1, startedAt: '1' })).rejects.toThrow('EISDIR');
    rmSync(obstacle, { recursive: true });
    await folder.note('two', { pid: 2, startedAt: '2' });
    expect(record()).toEqual(['one', 'two']);
  });
});
