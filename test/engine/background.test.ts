import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startInBackground } from '../../src/engine/local/background.ts';
import type { Step } from '../../src/engine/steps.ts';
import { identify } from '../../src/processes/index.ts';
import { type FleetPaths, fleetPaths, serviceLog } from '../../src/topology/index.ts';

let root: string;
let paths: FleetPaths;
let steps: Step[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'camofleet-background-'));
  paths = fleetPaths(root);
  mkdirSync(paths.logs, { recursive: true });
  steps = [];
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A supervisor that is a Node script; `tell` sends a message, and `pid` holds its number once it runs. */
function start(script: string, signal = new AbortController().signal): ReturnType<typeof startInBackground> {
  const prelude = `require('fs').writeFileSync('pid', String(process.pid)); const tell = (m) => process.send(m);`;
  const command = [process.execPath, '-e', `${prelude}${script}`] as const;
  return startInBackground({ paths, env: {}, command: [...command], onStep: (step) => void steps.push(step) }, signal);
}

const pidOf = (): number => Number(readFileSync(join(root, 'pid'), 'utf8'));

describe('a supervisor in the background', () => {
  test('tells its steps, then that it is up, and lives on', async () => {
    const background = await start(`
      tell({ type: 'step', step: { state: 'ready', service: 'runner', tookMs: 5 } });
      tell({ type: 'up', url: 'https://localhost:8443', ingress: 'embedded' });
      setInterval(() => {}, 1000);`);
    expect(background).toMatchObject({ url: 'https://localhost:8443', ingress: 'embedded', pid: pidOf() });
    expect(steps).toEqual([{ state: 'ready', service: 'runner', tookMs: 5 }]);
    expect(identify(background.pid)).toBeDefined();
    await background.stop();
    expect(identify(background.pid)).toBeUndefined();
  });

  test('that fails fails as it said', async () => {
    const failed = { type: 'failed', code: 'CF_PORT_TAKEN', message: 'port 1 is held', facts: { taken: ['port 1'] } };
    await expect(start(`tell(${JSON.stringify(failed)});`)).rejects.toMatchObject({
      code: 'CF_PORT_TAKEN',
      message: 'port 1 is held',
      facts: { taken: ['port 1'] },
    });
  });

  test('that crashes is told with its last words, and not with those of earlier ones', async () => {
    writeFileSync(serviceLog(paths, 'supervisor'), 'earlier words\n');
    const failure = await start(`console.error('out of cheese'); process.exit(9);`).catch((error: Error) => error);
    expect(failure).toMatchObject({ code: 'CF_SERVICE_EXITED' });
    expect((failure as Error).message).toBe('the supervisor exited with code 9\nout of cheese');
  });

  test('that cannot be started says why', async () => {
    const command: [string, ...string[]] = [join(root, 'nothing')];
    const starting = startInBackground({ paths, env: {}, command, onStep: () => {} }, new AbortController().signal);
    await expect(starting).rejects.toThrow(/the supervisor cannot be started: .*ENOENT/);
  });

  test('is stopped when the one who waits for it gives up', async () => {
    const interruption = new AbortController();
    const starting = start('setInterval(() => {}, 1000);', interruption.signal);
    const settled = starting.catch((error: Error) => error);
    await expect.poll(() => existsSync(join(root, 'pid')), { timeout: 10_000 }).toBe(true);
    const reason = new Error('Ctrl-C');
    interruption.abort(reason);
    expect(await settled).toBe(reason);
    expect(identify(pidOf())).toBeUndefined();
  });
});
