import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fleet, newFleet, processesBelow, runCli } from '../support/fleet.ts';

const PATH_ORDER = ['runner', 'control', 'gateway', 'ingress'];
const STOP_ORDER = PATH_ORDER.toReversed();

/** Names of the lines that tell of a state, in their order. */
function told(text: string, state: string): string[] {
  return [...text.matchAll(new RegExp(`^ {2}(\\w+) +${state} `, 'gm'))].map(([, name]) => name!);
}

/** Until the scope ends, an ingress of the fleet that starts and never answers, so that `up` waits. */
function silentIngress(fleet: Fleet, script = 'exec sleep 600'): Disposable {
  const traefik = join(fleet.dir, 'programs', 'traefik');
  writeFileSync(traefik, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { [Symbol.dispose]: () => rmSync(traefik) };
}

/** Until the scope ends, other text in a file of the fleet. */
function changedFile(fleet: Fleet, path: string, change: (text: string) => string): Disposable {
  const file = join(fleet.dir, path);
  const before = readFileSync(file, 'utf8');
  writeFileSync(file, change(before));
  return { [Symbol.dispose]: () => writeFileSync(file, before) };
}

/** Somebody else who has a port. */
async function stranger(port: number): Promise<AsyncDisposable> {
  const server = createServer();
  server.listen({ host: '127.0.0.1', port });
  await once(server, 'listening');
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

function supervisorEvents(fleet: Fleet): { event: string; service?: string; how?: string }[] {
  const lines = readFileSync(join(fleet.dir, '.camofleet', 'logs', 'supervisor.log'), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => JSON.parse(line));
}

describe('up', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await newFleet({ programs: ['setpriv'] });
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  test('in the background prints the URL on stdout and nothing else; services, then the frame, on stderr', async () => {
    const { exitCode, stdout, stderr } = await fleet.cli(['up', '--detach', '--wait']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `${fleet.url}/` });
    expect(told(stderr, 'ready')).toEqual([...PATH_ORDER, 'frame']);
    expect(stderr).toMatch(/frame +ready +1280x720 at the public URL/);
    expect(stderr).toContain('served by the embedded ingress');
    expect(stderr).not.toContain('\x1b');
    expect(
      supervisorEvents(fleet).flatMap(({ event, service }) => (event === 'service.started' ? [service] : [])),
    ).toEqual(PATH_ORDER);
  });

  test.each([[['up']], [['up', '--detach']]])(
    '%j is refused while the fleet runs, and leaves it alone',
    async (args) => {
      const before = processesBelow(fleet.dir);
      const { exitCode, stdout, stderr } = await fleet.cli([...args, '--json']);
      expect(exitCode).toBe(3);
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'CF_FLEET_RUNNING', facts: { url: fleet.url } } });
      expect(stderr).toContain(`this fleet already runs at ${fleet.url}, supervised by process`);
      expect(processesBelow(fleet.dir)).toEqual(before);
      expect(await fleet.api('GET', '/health')).toEqual({ status: 'ok' });
    },
  );

  test('in the foreground tells of deaths, and on Ctrl-C stops in reverse order, says how, and exits 0', async () => {
    await fleet.cli(['down']);
    const up = fleet.start(['up', '--json']);
    await expect.poll(() => up.stdout(), { timeout: 30_000 }).toContain('\n');
    expect(JSON.parse(up.stdout())).toEqual({ url: `${fleet.url}/`, ingress: 'embedded', pid: up.pid });

    process.kill(fleet.processes('run.js gateway')[0]!.pid, 'SIGKILL');
    await expect.poll(() => up.stderr()).toMatch(/gateway +died +ended by SIGKILL; starts again in 0\.3 s/);
    await expect.poll(() => up.stderr(), { timeout: 20_000 }).toMatch(/gateway +ready +again, after/);

    process.kill(up.pid, 'SIGINT');
    expect(await up.ended).toBe(0);
    expect(up.stderr()).toMatch(/Ctrl-C stops it\.\n/);
    expect(up.stderr()).toMatch(/\nStopping …\n/);
    expect(told(up.stderr(), 'stopped').toSorted()).toEqual(PATH_ORDER.toSorted());
    expect(processesBelow(fleet.dir)).toEqual([]);
    const { stdout } = await fleet.cli(['status', '--json']);
    const { state, stops } = JSON.parse(stdout) as { state: string; stops: { service: string; how: string }[] };
    expect(state).toBe('stopped');
    expect(stops.map(({ service, how }) => `${service} ${how}`)).toEqual(STOP_ORDER.map((name) => `${name} graceful`));
  });

  test('stops as cleanly when its terminal is closed', async () => {
    const up = fleet.start(['up']);
    await expect.poll(() => up.stdout(), { timeout: 30_000 }).toBe(`${fleet.url}/\n`);
    process.kill(up.pid, 'SIGHUP');
    expect(await up.ended).toBe(0);
    expect(processesBelow(fleet.dir)).toEqual([]);
  });

  test('twice at the same time is one fleet and one refusal', async () => {
    const both = await Promise.all([fleet.cli(['up', '--detach']), fleet.cli(['up', '--detach'])]);
    expect(both.map(({ exitCode }) => exitCode).toSorted((a, b) => a - b)).toEqual([0, 3]);
    expect(both.find(({ exitCode }) => exitCode === 3)!.stderr).toContain('CF_FLEET_RUNNING');
    expect((await fleet.cli(['status'])).exitCode).toBe(0);
    expect((await fleet.cli(['down'])).exitCode).toBe(0);
    expect(processesBelow(fleet.dir)).toEqual([]);
  });
});

describe('up that cannot', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await newFleet({ programs: ['setpriv', 'sleep'] });
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  test.each([[['up']], [['up', '--detach']]])('bind a port (%j) names it, its holder and its setting', async (args) => {
    await using _ = await stranger(fleet.topology.gateway.port);
    const { exitCode, stdout, stderr } = await fleet.cli([...args, '--json']);
    expect(exitCode).toBe(3);
    const { port } = fleet.topology.gateway;
    const line = new RegExp(`port ${port} is held by process ${process.pid} \\(.+\\); setting: gateway\\.port in`);
    expect(stderr).toMatch(line);
    expect(JSON.parse(stdout).error).toMatchObject({ code: 'CF_PORT_TAKEN', message: expect.stringMatching(line) });
    expect(processesBelow(fleet.dir)).toEqual([]);
  });

  test.each([[['up']], [['up', '--detach']]])(
    'start a service (%j) shows its last words and leaves nothing',
    async (args) => {
      using _ = changedFile(fleet, '.camofleet/secrets/token-keys.json', () => '{"active"');
      const { exitCode, stdout, stderr } = await fleet.cli(args);
      expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
      expect(told(stderr, 'ready')).toEqual(['runner']);
      expect(stderr).toMatch(/control +failed +control exited with code 2 before it was ready/);
      expect(stderr).toMatch(/error {2}CF_SERVICE_EXITED\n {2}control exited with code 2 before it was ready\n/);
      expect(stderr).toContain('CF_KEYS_INVALID');
      expect(stderr).toContain(`log: ${join(fleet.dir, '.camofleet', 'logs', 'control.log')}`);
      expect(told(stderr, 'stopped')).toEqual(['runner']);
      expect(processesBelow(fleet.dir)).toEqual([]);
    },
  );

  test('become ready in time shows the last answer and the time that is left', async () => {
    using _ = silentIngress(fleet);
    const { exitCode, stderr } = await fleet.cli(['up', '--detach', '--timeout', '6']);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/ingress +waiting +\d s left: the public port: connect ECONNREFUSED/);
    expect(stderr).toMatch(
      /error {2}CF_SERVICE_NOT_READY\n {2}ingress runs but was not ready within 6 s: the public port/,
    );
    expect(told(stderr, 'stopped').toSorted()).toEqual(PATH_ORDER.toSorted());
    expect(processesBelow(fleet.dir)).toEqual([]);
  });

  test.each([[['up']], [['up', '--detach', '--wait']]])(
    'go on because of Ctrl-C (%j) undoes what has started, and exits 130',
    async (args) => {
      using _ = silentIngress(fleet);
      const up = fleet.start(args);
      await expect
        .poll(() => told(up.stderr(), 'ready'), { timeout: 30_000 })
        .toEqual(['runner', 'control', 'gateway']);
      await expect.poll(() => fleet.processes('sleep', '600').length).toBe(1);
      process.kill(up.pid, 'SIGINT');
      expect(await up.ended).toBe(130);
      expect(up.stdout()).toBe('');
      expect(up.stderr()).toContain('Stopping …');
      expect(told(up.stderr(), 'stopped').toSorted()).toEqual(PATH_ORDER.toSorted());
      expect(up.stderr()).toMatch(/error {2}CF_INTERRUPTED\n {2}interrupted by SIGINT/);
      expect(processesBelow(fleet.dir)).toEqual([]);
    },
  );

  test('wait for its own end either, at a second Ctrl-C, is gone at once, and its services soon after', async () => {
    using _ = silentIngress(fleet, `trap '' TERM; while :; do sleep 0.2; done`);
    const up = fleet.start(['up']);
    await expect.poll(() => fleet.processes('traefik').length, { timeout: 30_000 }).toBeGreaterThan(0);
    process.kill(up.pid, 'SIGINT');
    await expect.poll(() => up.stderr()).toContain('Stopping …');
    process.kill(up.pid, 'SIGINT');
    expect(await up.ended).toBe(130);
    await expect.poll(() => processesBelow(fleet.dir), { timeout: 5_000 }).toEqual([]);
  });

  test('see a frame names the hop, with exit code 1, and lets what is up run', async () => {
    const { min } = fleet.topology.runner.rfbPorts;
    await using _ = await stranger(min);
    using _only = changedFile(fleet, 'camofleet.yaml', (text) =>
      text.replace(/rfbPorts:.*/, `rfbPorts: { min: ${min}, max: ${min} }\n  maxSessions: 1`),
    );
    const { exitCode, stdout, stderr } = await fleet.cli(['up', '--detach', '--wait', '--timeout', '6']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(told(stderr, 'ready')).toEqual(PATH_ORDER);
    expect(stderr).toMatch(/frame +failed +control \(/);
    expect(stderr).toMatch(/error {2}CF_NO_FRAME\n {2}no frame was seen at the public URL: control \(/);
    expect(stderr).toContain('What is up keeps running');
    expect((await fleet.cli(['status'])).exitCode).toBe(0);
    await fleet.cli(['down']);
  });

  test('find a topology says how to get one', async () => {
    const { exitCode, stderr } = await runCli(['up'], { cwd: tmpdir() });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('CF_TOPOLOGY_MISSING');
  });
});
