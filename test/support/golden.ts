/**
 * Texts that are kept in test/golden and compared byte for byte. `UPDATE_GOLDENS=1 npm test -- --project unit TEST`
 * writes them anew; the difference is then read in the commit.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';

const FOLDER = join(import.meta.dirname, '..', 'golden');

export function expectGolden(path: string, text: string): void {
  const file = join(FOLDER, path);
  if (process.env['UPDATE_GOLDENS'] === '1') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  expect(text, `test/golden/${path}; UPDATE_GOLDENS=1 writes it anew`).toBe(readFileSync(file, 'utf8'));
}
