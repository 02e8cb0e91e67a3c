import { mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readLogSince } from '../../../src/diagnostics/logs/index.ts';

let file: string;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-log-'));
  file = join(dir, 'a.log');
});
afterEach(() => rmSync(dir, { recursive: true }));

async function since(offset: number, maxBytes?: number): Promise<string[]> {
  const lines = await Array.fromAsync(readLogSince(file, offset, maxBytes));
  return lines.map(({ text, isCut }) => (isCut ? `${text.slice(0, 3)}…` : text));
}

test('gives the lines behind the offset, the last one also when it is half written', async () => {
  writeFileSync(file, 'one\ntwo\r\n\nfour');
  expect(await since(4)).toEqual(['two', '', 'four']);
  expect(await since(14)).toEqual([]);
});

test('a log that is not there has no lines', async () => {
  expect(await since(0)).toEqual([]);
});

test('a log that was truncated is read from its start', async () => {
  writeFileSync(file, 'one\ntwo\n');
  truncateSync(file, 0);
  writeFileSync(file, 'new\n');
  expect(await since(8)).toEqual(['new']);
});

test('a log that was rotated is read to its end first', async () => {
  writeFileSync(file, 'one\ntwo\nthree\n');
  renameSync(file, `${file}.1`);
  writeFileSync(file, 'new\n');
  expect(await since(8)).toEqual(['three', 'new']);
});

test('a line without end is cut, and the next one is whole', async () => {
  writeFileSync(file, `${'x'.repeat(5_000_000)}\nnext\n`);
  expect(await since(0)).toEqual(['xxx…', 'next']);
});

test('characters are whole at the edges of what is read at once', async () => {
  const line = 'ü'.repeat(40_000).slice(0, 32_000);
  writeFileSync(file, `${line}\n${line}\n${line}\n`);
  expect(await since(0)).toEqual([line, line, line]);
});

test('no more is read than asked for', async () => {
  writeFileSync(file, 'x\n'.repeat(100_000));
  expect((await since(0, 1_000)).length).toBeLessThan(70_000);
});
