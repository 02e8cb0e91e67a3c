import { describe, expect, test } from 'vitest';
import { fingerprint, redactText } from '../../src/core/index.ts';

const TOKEN = 'eyJhbGciOiJkaXIiLCJraWQiOiJrMSJ9..mNKx3v1p0Zq7.c2VjcmV0LXBheWxvYWQ.dGFn-Zm9v_bar';

describe('a secret in text', () => {
  test.each([
    ['a token on its own', `opened ${TOKEN} at last`],
    ['a token in a query', `GET /websockify?token=${TOKEN} HTTP/1.1`],
    ['a token in a fragment', `https://h/vnc/a#token=${TOKEN}`],
    ['a token in JSON', JSON.stringify({ ws: `wss://h/websockify?token=${TOKEN}`, n: 1 })],
    ['a bearer key', `authorization: Bearer ${TOKEN}`],
  ])('is hidden: %s', (_where, text) => {
    const redacted = redactText(text);
    expect(redacted.text).not.toContain('c2VjcmV0');
    expect(redacted.text).toContain(`[hidden ${fingerprint(TOKEN)}]`);
    expect(redacted.hidden).toBe(1);
  });

  test.each([
    ['?password=hunter2&x=1', '?password=[hidden f52fbd32]&x=1'],
    ['&key=hunter2', '&key=[hidden f52fbd32]'],
    ['bearer hunter2', 'bearer [hidden f52fbd32]'],
  ])('%s becomes %s', (text, hidden) => {
    expect(redactText(text).text).toBe(hidden);
  });

  test('is hidden wherever it stands, and counted', () => {
    expect(redactText(`${TOKEN} ?token=abc ${TOKEN}`).hidden).toBe(3);
  });

  test('that is hidden already stays as it is', () => {
    const once = redactText(`?token=${TOKEN} Bearer ${TOKEN}`).text;
    expect(redactText(once)).toEqual({ text: once, hidden: expect.any(Number) as number });
  });

  test.each(['', 'nothing here', 'a..b', 'path/../up', 'https://h/?q=1', 'tokens are good'])(
    'is not seen in %j',
    (text) => {
      expect(redactText(text)).toEqual({ text, hidden: 0 });
    },
  );

  test('is told apart by 8 characters of its SHA-256', () => {
    expect(fingerprint('hunter2')).toBe('f52fbd32');
  });
});
