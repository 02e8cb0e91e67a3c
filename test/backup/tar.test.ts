import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { packTar, unpackTar } from '../../src/backup/tar.ts';
import { lacks } from '../support/components.ts';

const entry = (path: string, text: string, mode = 0o600) => ({ path, mode, data: Buffer.from(text) });
const read = (bytes: Buffer) => {
  const unpacked = unpackTar(bytes);
  if (!unpacked.ok) return unpacked.error;
  return unpacked.value.map(({ path, mode, data }) => ({ path, mode, text: Buffer.from(data).toString('latin1') }));
};

describe('an archive', () => {
  test('gives back what was put in, whatever it is', () => {
    const name = fc.stringMatching(/^[a-z.]{1,60}$/);
    const file = fc.record({
      path: fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/')),
      mode: fc.integer({ min: 0, max: 0o777 }),
      data: fc.uint8Array({ maxLength: 1_500 }).map((bytes) => Buffer.from(bytes)),
    });
    fc.assert(
      fc.property(fc.array(file, { maxLength: 4 }), (files) => {
        const wanted = files.map(({ path, mode, data }) => ({ path, mode, text: data.toString('latin1') }));
        expect(read(packTar(files, 1_700_000_000))).toEqual(wanted);
      }),
    );
  });

  test('that is cut anywhere is an error in words, never an exception', () => {
    const whole = packTar([entry('a', 'x'.repeat(700)), entry('b', 'y')], 0);
    for (let length = 0; length < whole.length - 1_024; length += 1)
      expect(typeof read(whole.subarray(0, length)), `${length} bytes`).toBe('string');
  });

  test('that is altered is found out by its sums', () => {
    const bytes = packTar([entry('a', 'text')], 0);
    bytes[3] = 0x41;
    expect(read(bytes)).toBe('is no tar archive from byte 0 on');
    expect(read(Buffer.alloc(2_048, 1))).toBe('is no tar archive from byte 0 on');
  });

  test('takes no path that its format cannot hold', () => {
    expect(() => packTar([entry('x'.repeat(101), '')], 0)).toThrow(RangeError);
    const long = `${'a'.repeat(100)}/${'b'.repeat(90)}`;
    expect(read(packTar([entry(long, '1')], 0))).toMatchObject([{ path: long }]);
  });
});

describe.skipIf(lacks('tar'))('the real tar', () => {
  const inFolder = (work: (dir: string) => void): void => {
    const dir = mkdtempSync(join(tmpdir(), 'camofleet-tar-'));
    try {
      work(dir);
    } finally {
      rmSync(dir, { recursive: true });
    }
  };

  test('unpacks ours, with paths and modes', () => {
    inFolder((dir) => {
      writeFileSync(join(dir, 'a.tar'), packTar([entry('one', '1', 0o640), entry('deep/er/two', '2')], 1_700_000_000));
      expect(execFileSync('tar', ['-tf', 'a.tar'], { cwd: dir, encoding: 'utf8' })).toBe('one\ndeep/er/two\n');
      execFileSync('tar', ['-xpf', 'a.tar'], { cwd: dir });
      expect(readFileSync(join(dir, 'deep/er/two'), 'utf8')).toBe('2');
      expect(statSync(join(dir, 'one')).mode & 0o777).toBe(0o640);
    });
  });

  test('packs what we read, and links and devices are refused', () => {
    inFolder((dir) => {
      writeFileSync(join(dir, 'one'), 'text', { mode: 0o640 });
      execFileSync('tar', ['-cf', 'a.tar', 'one'], { cwd: dir });
      expect(read(readFileSync(join(dir, 'a.tar')))).toEqual([{ path: 'one', mode: 0o640, text: 'text' }]);
      execFileSync('ln', ['-s', '/etc/passwd', 'link'], { cwd: dir });
      execFileSync('tar', ['-cf', 'b.tar', 'one', 'link'], { cwd: dir });
      expect(read(readFileSync(join(dir, 'b.tar')))).toBe('holds "link", which is no regular file');
    });
  });
});
