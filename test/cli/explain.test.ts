import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, test } from 'vitest';
import { join } from 'node:path';
import { CODES } from '../../src/diagnostics/codes.ts';
import { type CliResult, runCli } from '../support/fleet.ts';

const cwd = mkdtempSync(join(tmpdir(), 'camofleet-explain-'));
afterAll(() => rmSync(cwd, { recursive: true }));

const explain = (...args: readonly string[]): Promise<CliResult> => runCli(['explain', ...args], { cwd });

describe('explain', () => {
  test('without a code lists every one of them, by hop', async () => {
    const { exitCode, stdout, stderr } = await explain();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(new Set(rows.map(([, code]) => code))).toEqual(new Set(Object.keys(CODES)));
    expect(rows.map(([hop]) => hop)).toEqual(rows.map(([hop = '']) => hop).toSorted((a, b) => a.localeCompare(b)));
    expect(JSON.parse((await explain('--json')).stdout)).toEqual(CODES);
  });

  test('prints the page of a code, however it is written, and what its hop is', async () => {
    const { exitCode, stdout } = await explain('cf-gateway-gone');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^# CF-GATEWAY-GONE\n/);
    expect(stdout).toContain('## How to cure it');
    expect(stdout).toMatch(/\nHop {2}gateway: the camofleet gateway/);
    expect(JSON.parse((await explain('CF-GATEWAY-GONE', '--json')).stdout)).toMatchObject({
      code: 'CF-GATEWAY-GONE',
      hop: 'gateway',
      page: expect.stringContaining('# CF-GATEWAY-GONE'),
    });
  });

  test('prints the page of an error as well', async () => {
    const { exitCode, stdout } = await explain('CF_PORT_TAKEN');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^# CF_PORT_TAKEN\n[^#]*Exit code 3\./);
    expect(stdout).not.toContain('## ');
  });

  test.each([
    ['CF-RUNER-DISPLY', 'did you mean CF-RUNNER-DISPLAY?'],
    ['CF_PORT_TOKEN', 'did you mean CF_PORT_TAKEN?'],
    ['RUNNER-GONE', 'did you mean CF-RUNNER-GONE?'],
    ['nonsense', 'there is no code "nonsense"\n'],
  ])('of %s says what is nearest, with exit code 2', async (code, words) => {
    const { exitCode, stdout, stderr } = await explain(code);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('CF_UNKNOWN_CODE');
    expect(stderr).toContain(words);
  });

  test('of an unknown code with --json is an error in JSON', async () => {
    const { exitCode, stdout } = await explain('CF-NOPE-NOPE', '--json');
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'CF_UNKNOWN_CODE', hint: expect.any(String) } });
  });
});
