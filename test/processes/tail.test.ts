import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tailFile } from '../../src/processes/tail.ts';

let dir: string;
let file: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-tail-'));
  file = join(dir, 'a.log');
  writeFileSync(file, 'one\ntwo\nthrée\n');
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

test.each([
  { bytes: 1_000, from: 0, text: 'one\ntwo\nthrée\n', why: 'all of a short file' },
  { bytes: 12, from: 0, text: 'two\nthrée\n', why: 'from the first whole line' },
  { bytes: 3, from: 0, text: '', why: 'nothing when no whole line fits' },
  { bytes: 1_000, from: 4, text: 'two\nthrée\n', why: 'not before an offset' },
  { bytes: 8, from: 4, text: 'thrée\n', why: 'the later of both' },
  { bytes: 1_000, from: 15, text: '', why: 'nothing beyond the end' },
  { bytes: 1_000, from: 99, text: '', why: 'nothing of a file that was cut' },
])('the tail of a file is $why', async ({ bytes, from, text }) => {
  expect(await tailFile(file, bytes, from)).toBe(text);
});

test('a file that is not there has no tail', async () => {
  expect(await tailFile(join(dir, 'absent'), 100)).toBe('');
});
