import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type LogMark, linesWith, markLog, readLogSince } from '../../../src/diagnostics/logs/index.ts';

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

describe('a log that was marked', () => {
  const gained = async (mark: LogMark): Promise<string[]> =>
    (await Array.fromAsync(readLogSince(file, mark))).map(({ text }) => text);

  test('is found again after it was rotated, several times, under other names', async () => {
    writeFileSync(file, 'one\ntwo\n');
    const mark = await markLog(file);
    appendFileSync(file, 'three\n');
    renameSync(file, `${file}-20261125`);
    writeFileSync(file, 'four, and longer than the one before it was\n');
    renameSync(file, `${file}.1`);
    utimesSync(`${file}-20261125`, 1_000, 1_000);
    utimesSync(`${file}.1`, 2_000, 2_000);
    writeFileSync(file, 'five\n');
    expect(await gained(mark)).toEqual(['three', 'four, and longer than the one before it was', 'five']);
  });

  test('is found again in the copy when it was copied and truncated, also when it has grown beyond the mark', async () => {
    writeFileSync(file, 'one\ntwo\n');
    const mark = await markLog(file);
    appendFileSync(file, 'three\n');
    copyFileSync(file, `${file}.1`);
    truncateSync(file, 0);
    appendFileSync(file, 'four, which is longer than all before\n');
    expect(await gained(mark)).toEqual(['three', 'four, which is longer than all before']);
  });

  test('is read from its start when what was before the mark is nowhere any more', async () => {
    writeFileSync(file, 'one\ntwo\n');
    const mark = await markLog(file);
    writeFileSync(`${file}.1`, 'a stranger of the same name, and long enough\n');
    writeFileSync(file, 'other, and longer\n');
    expect(await gained(mark)).toEqual(['other, and longer']);
  });

  test('before it was written is read whole', async () => {
    const mark = await markLog(file);
    writeFileSync(file, 'first\n');
    expect(await gained(mark)).toEqual(['first']);
  });

  test('may be packed away: what is packed is not read', async () => {
    writeFileSync(file, 'one\n');
    const mark = await markLog(file);
    renameSync(file, `${file}.1.gz`);
    writeFileSync(file, 'two\n');
    expect(await gained(mark)).toEqual(['two']);
  });
});

test('bytes that are no text stay lines', async () => {
  writeFileSync(
    file,
    Buffer.concat([Buffer.from('one\n'), Buffer.from([0, 0xff, 0xfe, 0x1b, 0x0a]), Buffer.from('two')]),
  );
  expect(await since(0)).toEqual(['one', '\0\ufffd\ufffd\u001b', 'two']);
});

describe('lines that hold a needle', () => {
  const found = (needles: readonly string[], end = Infinity): Promise<string[]> =>
    Array.fromAsync(linesWith(file, { start: 0, end: Math.min(end, statSync(file).size) }, needles));

  test('are found wherever they lie in what is read at once', async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `${index} ${'x'.repeat(index % 97)}`);
    for (const at of [0, 7_000, 7_001, 19_999]) lines[at] += ' k+y=';
    writeFileSync(file, lines.join('\n'));
    expect(await found(['k+y=', 'other'])).toEqual([0, 7_000, 7_001, 19_999].map((at) => lines[at]));
    expect(await found([])).toEqual([]);
  });

  test('are given once each, and only up to the end', async () => {
    writeFileSync(file, 'a key key\nb key');
    expect(await found(['key'])).toEqual(['a key key', 'b key']);
    expect(await found(['key'], 9)).toEqual(['a key key']);
  });

  test('are not looked for in memory without bound when there is no line', async () => {
    writeFileSync(file, Buffer.alloc(8_000_000, 'x'));
    appendFileSync(file, 'key');
    const [line] = await found(['key']);
    expect(line!.length).toBeLessThanOrEqual(400_000);
  });
});
