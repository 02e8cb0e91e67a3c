import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startJsonLog, systemClock } from '../../src/core/index.ts';
import { GATEWAY_CHANNELS, warmUp } from '../../src/gateway/index.ts';
import { THRESHOLDS, compiledEagerly } from '../../src/gateway/warm-up/compiler.ts';
import { gatewaySettings } from '../../src/settings/index.ts';
import { createKeyFile } from '../../src/tokens/index.ts';
import { writePage } from './support/gateway.ts';

let dir: string;
let pageRoot: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'camofleet-warm-up-'));
  pageRoot = writePage(join(dir, 'page'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function warm(env: Readonly<Record<string, string>>, page = pageRoot): ReturnType<typeof warmUp> {
  const config = gatewaySettings.load({
    env: { CAMOFLEET_GATEWAY_WARM_UP_SESSIONS: '20', ...env },
    knownNames: [],
  });
  return warmUp(config, { clock: systemClock, random: Math.random, pageRoot: page });
}

describe('before it listens, a gateway', () => {
  test('opens sessions with itself', async () => {
    expect(await warm({})).toEqual({ sessions: 20, ms: expect.any(Number) });
  });

  test('opens them by token and password where tokens are taken, behind proxies where there are some', async () => {
    const keys = join(dir, 'keys.json');
    await createKeyFile(keys);
    const env = {
      CAMOFLEET_GATEWAY_TOKEN_KEYS_FILE: keys,
      CAMOFLEET_GATEWAY_FLEET_ID: 'fleet-1',
      CAMOFLEET_GATEWAY_TRUSTED_PROXIES: '10.0.0.0/8',
    };
    expect(await warm(env)).toEqual({ sessions: 20, ms: expect.any(Number) });
  });

  test('has ended them when it is done: whoever listens then hears nothing of them', async () => {
    await warm({});
    const lines: string[] = [];
    using scope = new DisposableStack();
    scope.defer(
      startJsonLog(GATEWAY_CHANNELS, { write: (line) => lines.push(line), clock: systemClock, least: 'debug' }),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(lines).toEqual([]);
  });

  test('does none of it where none are wanted', async () => {
    expect(await warm({ CAMOFLEET_GATEWAY_WARM_UP_SESSIONS: '0' })).toBeUndefined();
  });

  test('says why it stopped, and starts cold', async () => {
    const result = await warm({}, join(dir, 'no-such-page'));
    expect(result).toMatchObject({ sessions: 20, problem: expect.stringContaining('no-such-page') });
  });
});

describe('while work is compiled eagerly, V8', () => {
  test('is given back what it has by itself', () => {
    const { stdout } = spawnSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
    for (const { flag, usual } of THRESHOLDS) expect(stdout).toContain(`default: ${flag}=${usual}`);
  });

  test('keeps what the work comes to', async () => {
    expect(await compiledEagerly(async () => 42)).toBe(42);
    await expect(compiledEagerly(() => Promise.reject(new Error('no viewer')))).rejects.toThrow('no viewer');
  });
});
