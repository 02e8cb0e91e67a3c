import { describe, expect, test } from 'vitest';
import { answerChallenge } from '../../src/rfb/index.ts';

const CHALLENGE = Buffer.from(Array.from({ length: 16 }, (_, index) => index));

describe('the answer to a VNC challenge', () => {
  /** Made with `openssl enc -des-ecb -nopad -provider legacy` and the key's bits mirrored. */
  test.each([
    ['canarypw', '9a8fb58599aebc75d993f7fb0e49e46e'],
    ['a', '449407fb6f71bd517aca76866568a4e2'],
    ['longer than eight', '2b8dd6089fd1e9844f2889eeecc374d9'],
    ['päss', '49911084c4cecfdc5437ffe8f47a5cdf'],
  ])('for %s is what plain DES gives', (password, answer) => {
    expect(answerChallenge(CHALLENGE, password).toString('hex')).toBe(answer);
  });

  test('counts eight characters of a password', () => {
    expect(answerChallenge(CHALLENGE, 'longer than eight')).toEqual(answerChallenge(CHALLENGE, 'longer t'));
  });
});
