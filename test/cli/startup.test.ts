import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const ENTRY = join(ROOT, 'bin', 'run.js');

/** The files that a command has loaded, as V8 counts them. */
function loadedBy(args: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'camofleet-loaded-'));
  try {
    spawnSync(process.execPath, [ENTRY, ...args], { cwd: folder, env: { NODE_V8_COVERAGE: folder } });
    return readdirSync(folder).flatMap((name) => {
      const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { result: { url: string }[] };
      return result.flatMap(({ url }) => (url.startsWith('file:') ? [fileURLToPath(url)] : []));
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The shortest of some runs, in ms: what is left of it is not the fault of others. */
function shortest(...args: readonly string[]): number {
  return Math.min(
    ...Array.from({ length: 7 }, () => {
      const began = performance.now();
      execFileSync(process.execPath, args);
      return performance.now() - began;
    }),
  );
}

describe('the start of the command line', () => {
  test.each([[['--help']], [['--version']], [['up', '--help']]])('%j loads no command', (args) => {
    const loaded = loadedBy(args);
    expect(loaded).toContain(ENTRY);
    expect(loaded.filter((file) => file.startsWith(join(ROOT, 'dist')))).toEqual([]);
  });

  test.each([
    ['status', ['listr2', '@peculiar/x509', 'jose', 'undici', 'fastify', 'ws', 'execa']],
    ['down', ['listr2', '@peculiar/x509', 'jose', 'undici', 'fastify', 'ws', 'execa']],
  ])('%s loads nothing that it does not need', (command, strangers) => {
    const loaded = loadedBy([command]);
    expect(loaded.some((file) => file.endsWith(`/dist/commands/${command}.js`))).toBe(true);
    const found = strangers.filter((name) => loaded.some((file) => file.includes(`/node_modules/${name}/`)));
    expect(found).toEqual([]);
  });

  test('--help takes a few times as long as Node itself', () => {
    expect(shortest(ENTRY, '--help') / shortest('-e', '0')).toBeLessThan(8);
  });
});
