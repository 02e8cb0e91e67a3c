import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Fleet, processesBelow, runCli, startFleet } from '../support/fleet.ts';

/** The lines of stopped services, in their order, as `name how`. */
function stops(text: string): string[] {
  return [...text.matchAll(/^ {2}(\w+) +stopped +(\w+), \d+\.\d s$/gm)].map(([, name, how]) => `${name} ${how}`);
}

function openViewer(fleet: Fleet, url: string): WebSocket {
  return new WebSocket(url, 'binary', { ca: fleet.ca, origin: fleet.url });
}

describe('down', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet({ programs: ['setpriv'] });
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  test('stops a fleet with a viewer in reverse order and at once; the viewer hears why', async () => {
    const session = await fleet.createSession({ browser: 'testcard' });
    const viewer = openViewer(fleet, session.vnc!.ws);
    const ended = once(viewer, 'close');
    await once(viewer, 'open');
    const began = performance.now();
    const { exitCode, stdout, stderr } = await fleet.cli(['down']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(stops(stderr)).toEqual(['ingress graceful', 'gateway graceful', 'control graceful', 'runner graceful']);
    expect(stderr).toMatch(/\nDown\.$/);
    expect(performance.now() - began).toBeLessThan(8_000);
    expect((await ended)[0]).toBe(1012);
    const log = readFileSync(join(fleet.dir, '.camofleet', 'logs', 'gateway.log'), 'utf8');
    expect(log).toMatch(/"session\.closed".*"cause":"draining"/);
    expect(processesBelow(fleet.dir)).toEqual([]);

    const again = await fleet.cli(['down', '--json']);
    expect(again.exitCode).toBe(0);
    expect(JSON.parse(again.stdout)).toEqual({ was: 'not running', how: 'already', stops: [] });
    expect(again.stderr).toBe('Not running.');
  });

  test('forces a service that does not listen, and says which', async () => {
    await fleet.cli(['up', '--detach']);
    const [control] = fleet.processes('run.js control');
    process.kill(control!.pid, 'SIGSTOP');
    const { exitCode, stdout, stderr } = await fleet.cli(['down', '--json']);
    expect(exitCode).toBe(0);
    expect(stops(stderr)).toEqual(['ingress graceful', 'gateway graceful', 'control forced', 'runner graceful']);
    expect(JSON.parse(stdout)).toMatchObject({
      was: 'running',
      how: 'graceful',
      stops: [{}, {}, { how: 'forced' }, {}],
    });
    expect(processesBelow(fleet.dir)).toEqual([]);
  });

  test('forces a supervisor that does not end in time, and sweeps behind it', async () => {
    await fleet.cli(['up', '--detach']);
    const [supervisor] = fleet.processes('up', '--supervise');
    process.kill(supervisor!.pid, 'SIGSTOP');
    const { exitCode, stderr } = await fleet.cli(['down', '--timeout', '1']);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('Down. Not all of it ended in time: forced.');
    expect(processesBelow(fleet.dir)).toEqual([]);
  });

  test('where nothing ever ran says so, with exit code 0', async () => {
    const { exitCode, stderr } = await runCli(['down'], { cwd: tmpdir() });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: 'Not running.' });
  });
});
