import { createCipheriv } from 'node:crypto';

/** Bytes of the challenge and of its answer (RFC 6143 section 7.2.2). */
export const CHALLENGE_LENGTH = 16;

/** Characters of a VNC password that count. */
const KEY_LENGTH = 8;

/**
 * The answer to a VNC Authentication challenge: the challenge under DES-ECB with the password as key, each byte of the
 * key with its bits mirrored. OpenSSL 3 has no `des-ecb`; triple DES with one key three times is the same function.
 */
export function answerChallenge(challenge: Uint8Array, password: string): Buffer {
  const key = Buffer.alloc(KEY_LENGTH);
  Buffer.from(password, 'latin1').copy(key, 0, 0, KEY_LENGTH);
  const mirrored = key.map(mirrorBits);
  const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([mirrored, mirrored, mirrored]), null);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(challenge), cipher.final()]);
}

function mirrorBits(byte: number): number {
  let mirrored = 0;
  for (let bit = 0; bit < 8; bit += 1) mirrored |= ((byte >> bit) & 1) << (7 - bit);
  return mirrored;
}
