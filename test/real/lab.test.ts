import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Score } from '../../src/lab/score.ts';
import { lacks } from '../support/components.ts';
import { processesBelow, runCli } from '../support/fleet.ts';

const cwd = mkdtempSync(join(tmpdir(), 'camofleet-lab-'));
afterAll(() => rmSync(cwd, { recursive: true }));

/** Stages go here, so that what is left of them is seen. */
const env = { TMPDIR: cwd };

describe.skipIf(lacks('xvfb', 'x11vnc'))('camofleet lab', () => {
  test('score judges faults and their twins through the built command line, and leaves nothing', async () => {
    const { stdout, exitCode } = await runCli(['lab', 'score', 'F53', 'F54', '--json'], { cwd, env });
    const score: Score = JSON.parse(stdout);
    expect(score.rows.map(({ id, result, because }) => ({ id, result, because }))).toEqual([
      { id: 'F53', result: 'right', because: undefined },
      { id: 'F54', result: 'right', because: undefined },
    ]);
    expect(score).toMatchObject({ total: 2, right: 2, wrong: 0, notHostable: 0, skipped: 0 });
    for (const { given, twin, expected, found } of score.rows) {
      expect(given?.flags).toContain('--url');
      expect(found?.hop).toBe(expected.hop);
      expect(twin?.verdict).toBe('pass');
    }
    expect(exitCode).toBe(0);
    expect(readdirSync(cwd)).toEqual([]);
    expect(processesBelow(cwd)).toEqual([]);
  });

  test('run shows what is started, what verify says and the answer', async () => {
    const { stdout, exitCode } = await runCli(['lab', 'run', 'f54'], { cwd, env });
    expect(stdout).toMatch(/starts\s+x11vnc on port \d+/);
    expect(stdout).toMatch(/│ FAILED/);
    expect(stdout).toMatch(/answer\s+hop runner/);
    expect(stdout).toMatch(/verify\s+right/);
    expect(exitCode).toBe(0);
  });

  test('list names every fault, and score a fault that is none', async () => {
    const listed = await runCli(['lab', 'list'], { cwd, env });
    expect(listed.stdout).toMatch(/^F54 +runner +a second viewer/m);
    expect(await runCli(['lab', 'score', 'F00'], { cwd, env })).toMatchObject({ exitCode: 2, stdout: '' });
  });
});
