import { randomBytes } from 'node:crypto';
import { CompactEncrypt } from 'jose';
import { describe, expect, test } from 'vitest';
import { type TokenClaims, openToken, parseKeyring, sealToken } from '../../src/tokens/index.ts';

const KEY = randomBytes(32);
const NOW_MS = 1_700_000_000_000;
const NOW = { fleetId: 'fleet', nowMs: NOW_MS };
const keyring = parseKeyring(JSON.stringify({ active: 'k1', keys: { k1: KEY.toString('base64url') } }), 'keys.json');

const CLAIMS: TokenClaims = {
  aud: 'fleet',
  sid: 'session-1',
  jti: 'jti-1',
  sub: 'operator',
  rights: 'view',
  target: { host: '10.0.0.7', port: 5_901 },
  pw: 'secret12',
  iat: NOW_MS / 1_000,
  exp: NOW_MS / 1_000 + 60,
};

async function seal(
  header: { alg: string; enc: string; kid?: string },
  claims: object,
  key: Uint8Array = KEY,
): Promise<string> {
  return new CompactEncrypt(Buffer.from(JSON.stringify(claims))).setProtectedHeader(header).encrypt(key);
}

describe('a token', () => {
  test('says again what it was made with, and hides it', async () => {
    const token = await sealToken({ ...CLAIMS, grant: 'g', once: true }, keyring);
    expect(await openToken(token, keyring, NOW)).toEqual({ ok: true, value: { ...CLAIMS, grant: 'g', once: true } });
    const shown = Buffer.from(token.split('.')[0]!, 'base64url').toString();
    expect(JSON.parse(shown)).toEqual({ alg: 'dir', enc: 'A256GCM', kid: 'k1' });
    expect(Buffer.from(token, 'base64url').toString('latin1')).not.toContain('secret12');
    expect(token).toMatch(/^[A-Za-z0-9_.-]+$/);
  });

  test('is good until its last second and for its fleet alone', async () => {
    const token = await sealToken(CLAIMS, keyring);
    expect(await openToken(token, keyring, { ...NOW, nowMs: NOW_MS + 59_999 })).toMatchObject({ ok: true });
    expect(await openToken(token, keyring, { ...NOW, nowMs: NOW_MS + 60_000 })).toEqual({
      ok: false,
      error: 'expired',
    });
    expect(await openToken(token, keyring, { ...NOW, fleetId: 'other' })).toEqual({
      ok: false,
      error: 'foreign_fleet',
    });
  });

  test('that was altered in any of its characters does not open', async () => {
    const token = await sealToken(CLAIMS, keyring);
    let refused = 0;
    for (let at = 0; at < token.length; at += 1) {
      if (token[at] === '.') continue;
      const other = token[at] === 'A' ? 'Q' : 'A';
      const opened = await openToken(token.slice(0, at) + other + token.slice(at + 1), keyring, NOW);
      // The last character of a part has bits that carry nothing; what opens must be the very same token.
      expect(opened.ok ? opened.value : CLAIMS).toEqual(CLAIMS);
      refused += opened.ok ? 0 : 1;
    }
    expect(refused).toBeGreaterThan(token.length - 10);
  });

  test.each([
    ['another algorithm', { alg: 'A256KW', enc: 'A256GCM', kid: 'k1' }],
    ['no key id', { alg: 'dir', enc: 'A256GCM' }],
  ])('with %s is refused before decryption', async (_name, header) => {
    expect(await openToken(await seal(header, CLAIMS), keyring, NOW)).toEqual({ ok: false, error: 'malformed' });
  });

  test('with another encryption is refused before decryption', async () => {
    const token = await seal({ alg: 'dir', enc: 'A128GCM', kid: 'k1' }, CLAIMS, KEY.subarray(0, 16));
    expect(await openToken(token, keyring, NOW)).toEqual({ ok: false, error: 'malformed' });
  });

  test('of a key that is gone is told apart', async () => {
    const token = await seal({ alg: 'dir', enc: 'A256GCM', kid: 'k0' }, CLAIMS);
    expect(await openToken(token, keyring, NOW)).toEqual({ ok: false, error: 'unknown_key' });
  });

  test.each([
    ['without a target', { ...CLAIMS, target: undefined }],
    ['with rights that nobody has', { ...CLAIMS, rights: 'all' }],
    ['with a port that is none', { ...CLAIMS, target: { host: 'a', port: 70_000 } }],
  ])('%s does not open', async (_name, claims) => {
    const token = await seal({ alg: 'dir', enc: 'A256GCM', kid: 'k1' }, claims);
    expect(await openToken(token, keyring, NOW)).toEqual({ ok: false, error: 'altered' });
  });

  test.each(['', '.', '....', 'a.b.c.d.e', `${'x'.repeat(5_000)}....`, 'eyJhbGciOiJub25lIn0.e30.'])(
    'that is none is malformed: %.20s',
    async (token) => {
      expect(await openToken(token, keyring, NOW)).toEqual({ ok: false, error: 'malformed' });
    },
  );
});
