import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { claimFleet } from '../../src/engine/local/claim.ts';
import { takeDown } from '../../src/engine/local/down.ts';
import { type FleetRecord, readRecord, runningRecord, writeRecord } from '../../src/engine/local/record.ts';
import { fleetStatus } from '../../src/engine/local/status.ts';
import { type ProcessIdentity, identify } from '../../src/processes/index.ts';
import { type FleetPaths, fleetPaths } from '../../src/topology/index.ts';

let root: string;
let paths: FleetPaths;
const children: ChildProcess[] = [];
const GONE: ProcessIdentity = { pid: 4_194_305, startedAt: '1' };

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'camofleet-record-'));
  paths = fleetPaths(root);
  mkdirSync(paths.run, { recursive: true });
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

async function startChild(): Promise<ProcessIdentity> {
  const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  return identify(child.pid!)!;
}

function recordOf(change: Partial<FleetRecord> = {}, gateway: ProcessIdentity | null = null): FleetRecord {
  const service = { identity: null, state: 'ready', restarts: 0, lastEnd: null, nextTryAt: null } as const;
  return {
    supervisor: GONE,
    startedAt: '2026-11-23T15:04:05.000Z',
    url: 'https://localhost:8443',
    ingress: 'embedded',
    state: 'up',
    services: [
      { ...service, name: 'runner' },
      { ...service, name: 'gateway', identity: gateway },
    ],
    stops: [],
    accepts: [],
    upgrade: null,
    ...change,
  };
}

describe('the record of a fleet', () => {
  test('is read as it was written, and private', async () => {
    const record = recordOf();
    await writeRecord(paths, record);
    expect(await readRecord(paths)).toEqual(record);
    expect(statSync(paths.supervisorFile).mode & 0o777).toBe(0o600);
  });

  test('cut anywhere, or of another shape, is none', async () => {
    await writeRecord(paths, recordOf());
    const whole = readFileSync(paths.supervisorFile, 'utf8').trimEnd();
    for (let length = 0; length < whole.length; length += 7) {
      writeFileSync(paths.supervisorFile, whole.slice(0, length));
      expect(await readRecord(paths)).toBeUndefined();
    }
    writeFileSync(paths.supervisorFile, '{"state": "up"}');
    expect(await readRecord(paths)).toBeUndefined();
    expect(await fleetStatus(paths)).toEqual({ state: 'not running' });
  });

  test('whose supervisor lives is a running fleet', async () => {
    await writeRecord(paths, recordOf({ supervisor: await startChild() }));
    expect(await runningRecord(paths)).toBeDefined();
    expect((await fleetStatus(paths)).state).toBe('up');
  });

  test('whose supervisor is gone was killed, and what of it still lives is told', async () => {
    const gateway = await startChild();
    await writeRecord(paths, recordOf({}, gateway));
    expect(await runningRecord(paths)).toBeUndefined();
    expect(await fleetStatus(paths)).toMatchObject({
      state: 'killed',
      services: [
        { name: 'runner', state: 'stopped' },
        { name: 'gateway', state: 'ready', identity: gateway },
      ],
    });
  });
});

describe('taking a fleet down', () => {
  const stops: string[] = [];
  const down = (graceMs = 5_000): ReturnType<typeof takeDown> =>
    takeDown(paths, graceMs, {
      self: { execPath: '/bin/false', entryPoint: '' }, // no runner has ever run here
      onStop: ({ service, how }) => void stops.push(`${service} ${how}`),
    });
  beforeEach(() => void stops.splice(0));

  test('does nothing where none ever ran, and where it was stopped', async () => {
    expect(await down()).toEqual({ was: 'not running', how: 'already', stops: [] });
    await writeRecord(paths, recordOf({ state: 'stopped' }));
    expect(await down()).toEqual({ was: 'not running', how: 'already', stops: [] });
  });

  test('sweeps what a killed supervisor left, once', async () => {
    const gateway = await startChild();
    await writeRecord(paths, recordOf({}, gateway));
    expect(await down()).toMatchObject({ was: 'killed', stops: [{ service: 'gateway', how: 'graceful' }] });
    expect(identify(gateway.pid)).toBeUndefined();
    expect(stops).toEqual(['gateway graceful']);
    expect(await fleetStatus(paths)).toMatchObject({ state: 'stopped', services: [{ identity: null }, {}] });
    expect((await down()).was).toBe('not running');
  });

  test('spares a stranger who has the number of a service by now', async () => {
    const stranger = await startChild();
    await writeRecord(paths, recordOf({}, { ...stranger, startedAt: 'earlier' }));
    expect(await down()).toEqual({ was: 'killed', how: 'already', stops: [] });
    expect(identify(stranger.pid)).toEqual(stranger);
  });

  test('forces a supervisor that does not listen, alone of its group, and sweeps behind it', async () => {
    const script = `trap '' TERM; sleep 60 & echo up; while :; do sleep 0.1; done`;
    const child = spawn('sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    await once(child.stdout, 'data');
    const gateway = await startChild();
    await writeRecord(paths, recordOf({ supervisor: identify(child.pid!)! }, gateway));
    expect(await down(200)).toMatchObject({ was: 'running', how: 'forced', stops: [{ service: 'gateway' }] });
    expect(identify(gateway.pid)).toBeUndefined();
    process.kill(-child.pid!, 'SIGKILL'); // the sleep beside it, which is none of ours, was there to be killed
  });
});

describe('the claim of a fleet', () => {
  test('is one at a time, and free again afterwards', async () => {
    const claim = await claimFleet(paths, identify(process.pid)!);
    await expect(claimFleet(paths, await startChild())).rejects.toMatchObject({
      code: 'CF_FLEET_RUNNING',
      message: expect.stringContaining(`supervised by process ${process.pid}`),
    });
    await claim[Symbol.asyncDispose]();
    await (await claimFleet(paths, identify(process.pid)!))[Symbol.asyncDispose]();
  });

  test('names the URL of the fleet that runs, also where its lock was lost', async () => {
    await writeRecord(paths, recordOf({ supervisor: identify(process.pid)! }));
    await expect(claimFleet(paths, await startChild())).rejects.toMatchObject({
      code: 'CF_FLEET_RUNNING',
      facts: { url: 'https://localhost:8443', pid: process.pid },
    });
  });

  test.each(['of a supervisor that was killed', 'that was cut'])('passes over a lock %s', async (which) => {
    const text = which.includes('cut') ? '{"pid"' : JSON.stringify(GONE);
    writeFileSync(join(paths.run, 'supervisor.lock'), text);
    await (await claimFleet(paths, identify(process.pid)!))[Symbol.asyncDispose]();
  });
});
