import { expect, test } from 'vitest';
import { printable } from '../../src/rfb/index.ts';

test.each<[string, Buffer, string]>([
  ['text as text, with its line ends', Buffer.from('SSH-2.0-x\r\n'), '"SSH-2.0-x\\r\\n"'],
  ['quotes in text', Buffer.from('say "RFB"'), '"say \\"RFB\\""'],
  ['bytes as hex', Buffer.from([0, 1, 255]), '0x0001ff'],
  ['an escape, that would steer a terminal, as hex', Buffer.from('\u001b[31m'), '0x1b5b33316d'],
  ['only the first 32 bytes', Buffer.alloc(1_000, 'a'), `"${'a'.repeat(32)}"`],
  ['nothing as nothing', Buffer.alloc(0), '""'],
])('what a peer sent is shown: %s', (_name, bytes, shown) => {
  expect(printable(bytes)).toBe(shown);
});
