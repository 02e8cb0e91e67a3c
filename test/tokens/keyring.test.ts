import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createKeyFile, openKeyFile, parseKeyring, rotateKeyFile } from '../../src/tokens/index.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-keys-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const key = (fill: number): string => Buffer.alloc(32, fill).toString('base64url');

describe('a key file', () => {
  test('is made once, readable by its owner alone', async () => {
    const file = join(dir, 'made.json');
    await createKeyFile(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { active } = parseKeyring(readFileSync(file, 'utf8'), file);
    expect(active.key.length).toBe(32);
    await expect(createKeyFile(file)).rejects.toThrow('EEXIST');
  });

  test.each([
    ['{', 'wanted {"active"'],
    ['{"active": "a"}', 'wanted {"active"'],
    [JSON.stringify({ active: 'a', keys: { b: key(1) } }), 'the active key "a" is not among the keys'],
    [JSON.stringify({ active: 'a', keys: { a: 'AAAA' } }), 'key "a" has 3 bytes, wanted 32'],
  ])('that says %s is an error that names the file and what was wanted', (text, message) => {
    expect(() => parseKeyring(text, 'the-file.json')).toThrow(`the-file.json: ${message}`);
  });

  test('is read again when it changes; a version that cannot be read leaves the last good one, said once', async () => {
    const file = join(dir, 'changing.json');
    writeFileSync(file, JSON.stringify({ active: 'a', keys: { a: key(1) } }), { mode: 0o600 });
    const problems: string[] = [];
    const keyring = await openKeyFile(file, ({ message }) => problems.push(message));
    expect((await keyring()).active.kid).toBe('a');
    writeFileSync(file, JSON.stringify({ active: 'bb', keys: { a: key(1), bb: key(2) } }));
    expect((await keyring()).active.kid).toBe('bb');
    expect((await keyring()).find('a')).toEqual(Buffer.alloc(32, 1));
    writeFileSync(file, 'half a fi');
    expect((await keyring()).active.kid).toBe('bb');
    await keyring();
    expect(problems).toHaveLength(1);
    rmSync(file);
    expect((await keyring()).active.kid).toBe('bb');
  });

  test('that others can read is an error at the start, and leaves the last good one later', async () => {
    const file = join(dir, 'open.json');
    const text = (kid: string): string => JSON.stringify({ active: kid, keys: { [kid]: key(1) } });
    writeFileSync(file, text('a'), { mode: 0o644 });
    await expect(openKeyFile(file, () => {})).rejects.toThrow(`${file} can be read by others; run: chmod 600 ${file}`);
    chmodSync(file, 0o600);
    const problems: string[] = [];
    const keyring = await openKeyFile(file, ({ message }) => problems.push(message));
    writeFileSync(file, text('bb'));
    chmodSync(file, 0o640);
    expect((await keyring()).active.kid).toBe('a');
    expect(problems).toEqual([`${file} can be read by others; run: chmod 600 ${file}`]);
    chmodSync(file, 0o600);
    expect((await keyring()).active.kid).toBe('bb');
  });
});

describe('a rotation', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'camofleet-rotation-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test('keeps the key before alone, or none, and the file private', async () => {
    const file = join(dir, 'keys.json');
    await createKeyFile(file);
    const kids: string[] = [parseKeyring(readFileSync(file, 'utf8'), file).active.kid];
    for (const drop of [false, false, true]) {
      const { active, kept } = await rotateKeyFile(file, { drop });
      const keyring = parseKeyring(readFileSync(file, 'utf8'), file);
      expect(keyring.active.kid).toBe(active);
      expect(kept).toEqual(drop ? [] : [kids.at(-1)]);
      expect(kids.filter((kid) => keyring.find(kid))).toEqual(kept);
      kids.push(active);
    }
    expect(new Set(kids).size).toBe(4);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});
