import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { followLogs } from '../../src/engine/logs.ts';
import { type FleetPaths, fleetPaths } from '../../src/topology/index.ts';

let root: string;
let paths: FleetPaths;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'camofleet-logs-'));
  paths = fleetPaths(root);
  mkdirSync(paths.logs, { recursive: true });
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const file = (source: string): string => join(paths.logs, `${source}.log`);

async function read(sources: readonly string[] = [], lines = 50): Promise<string[]> {
  const found: string[] = [];
  const stream = followLogs(paths, { sources, lines, follow: false }, new AbortController().signal);
  for await (const { source, text } of stream) found.push(`${source}: ${text}`);
  return found;
}

/** Follows until the scope ends; `seen` grows. */
function follow(sources: readonly string[]): { seen: string[] } & AsyncDisposable {
  const stop = new AbortController();
  const seen: string[] = [];
  const done = (async () => {
    for await (const { text } of followLogs(paths, { sources, lines: 1, follow: true }, stop.signal)) seen.push(text);
  })();
  return {
    seen,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await done;
    },
  };
}

describe('the logs of a fleet', () => {
  test('come source by source, in the order of the path, without empty lines', async () => {
    writeFileSync(file('gateway'), 'a\n\nb\n');
    writeFileSync(file('supervisor'), 's\n');
    writeFileSync(file('gateway') + '.1', 'old\n');
    expect(await read()).toEqual(['supervisor: s', 'gateway: a', 'gateway: b']);
  });

  test.each([
    [0, []],
    [1, ['three']],
    [2, ['two', 'three']],
    [9, ['one', 'two', 'three']],
  ])('begin with the last %i lines', async (count, expected) => {
    writeFileSync(file('runner'), 'one\ntwo\nthree');
    expect(await read(['runner'], count)).toEqual(expected.map((text) => `runner: ${text}`));
  });

  test('begin with a whole line where a log is long', async () => {
    writeFileSync(file('runner'), Array.from({ length: 40_000 }, (_, index) => `line number ${index} ü\n`).join(''));
    const lines = await read(['runner'], 1_000_000);
    expect(lines.length).toBeGreaterThan(5_000);
    expect(lines.every((line) => /^runner: line number \d+ ü$/.test(line))).toBe(true);
    expect(lines.at(-1)).toBe('runner: line number 39999 ü');
  });

  test('of a source that no fleet has are a mistake, with the nearest name', async () => {
    writeFileSync(file('gateway'), 'a\n');
    await expect(read(['gatway'])).rejects.toMatchObject({
      code: 'CF_USAGE',
      message: expect.stringContaining('did you mean gateway?'),
    });
    expect(await read(['control'])).toEqual([]);
  });

  test.each(['no logs', 'no folder'])('of a fleet that never ran (%s) say so', async (what) => {
    if (what === 'no folder') rmSync(paths.state, { recursive: true });
    await expect(read()).rejects.toMatchObject({ code: 'CF_FLEET_NOT_RUNNING' });
  });
});

describe('a log that is followed', () => {
  test('gives each line once and whole, however its bytes come', async () => {
    writeFileSync(file('gateway'), 'first\nsec');
    await using following = follow(['gateway']);
    await expect.poll(() => following.seen).toEqual(['first']);
    const bytes = Buffer.from('ond\nthïrd\n');
    for (const byte of bytes) {
      appendFileSync(file('gateway'), Buffer.from([byte]));
      if (byte > 0x7f) await new Promise((resolve) => setTimeout(resolve, 300));
    }
    await expect.poll(() => following.seen, { timeout: 5_000 }).toEqual(['first', 'second', 'thïrd']);
  });

  test('gives what was begun and never ended, at the end', async () => {
    writeFileSync(file('gateway'), 'first\nlast words');
    const following = follow(['gateway']);
    await expect.poll(() => following.seen).toEqual(['first']);
    await following[Symbol.asyncDispose]();
    expect(following.seen).toEqual(['first', 'last words']);
  });

  test.each([
    ['put aside', () => renameSync(file('gateway'), `${file('gateway')}.1`)],
    ['cut short', () => truncateSync(file('gateway'))],
  ])('starts anew when it was %s', async (_what, change) => {
    writeFileSync(file('gateway'), 'before, and longer than after\n');
    await using following = follow(['gateway']);
    await expect.poll(() => following.seen.length).toBe(1);
    change();
    appendFileSync(file('gateway'), 'after\n');
    await expect.poll(() => following.seen.at(-1), { timeout: 5_000 }).toBe('after');
  });

  test('may come later', async () => {
    writeFileSync(file('supervisor'), 'up\n');
    await using following = follow(['traefik-access']);
    writeFileSync(file('traefik-access'), 'request\n');
    await expect.poll(() => following.seen, { timeout: 5_000 }).toEqual(['request']);
  });
});
