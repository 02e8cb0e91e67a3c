import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { identify } from '../../src/processes/index.ts';
import { listenerPorts } from '../../src/topology/index.ts';
import { lacks } from '../support/components.ts';
import { type Fleet, isFree, newFleet, processesBelow } from '../support/fleet.ts';

/** What a killed supervisor leaves must be gone after this. */
const PROMISED_MS = 5_000;

/** Everything of a running fleet that could be left behind. */
interface Traces {
  readonly pids: readonly number[];
  readonly ports: readonly number[];
  readonly display: number;
  readonly rfbPort: number;
  /** Where a runner puts the temporary files of a session whose own folder has a long path. */
  readonly temporary: string;
}

/** A session with a real display, looked at by a viewer, and what it consists of. */
async function openScreen(fleet: Fleet): Promise<Traces> {
  const session = await fleet.createSession({ browser: 'none' });
  const viewer = new WebSocket(session.vnc!.ws, 'binary', { ca: fleet.ca, origin: fleet.url });
  viewer.on('error', () => {}); // it is cut with its fleet
  await once(viewer, 'message');
  const argument = (program: string, pattern: RegExp): number =>
    Number(pattern.exec(fleet.processes(program)[0]!.argv.join(' '))![1]);
  return {
    pids: processesBelow(fleet.dir).map(({ pid }) => pid),
    ports: listenerPorts(fleet.topology).map(({ port }) => port),
    display: argument('Xvfb', / :(\d+) /),
    rfbPort: argument('x11vnc', /-rfbport (\d+)/),
    temporary: `/tmp/camofleet-${session.id}`,
  };
}

/** What is still there, in words. */
async function leftOf({ pids, ports, display, rfbPort, temporary }: Traces): Promise<string[]> {
  const held = await Promise.all([...ports, rfbPort].map(async (port) => ((await isFree(port)) ? [] : [port])));
  const sockets = readFileSync('/proc/net/unix', 'utf8').split('\n');
  const socket = `/tmp/.X11-unix/X${display}`;
  return [
    ...pids.filter((pid) => identify(pid)).map((pid) => `process ${pid}`),
    ...held.flat().map((port) => `port ${port}`),
    ...[`/tmp/.X${display}-lock`, socket, temporary].filter((file) => existsSync(file)),
    ...sockets.filter((line) => line.endsWith(` ${socket}`) || line.endsWith(` @${socket}`)),
  ];
}

function supervisorOf(fleet: Fleet): number {
  return fleet.processes('up', '--supervise')[0]!.pid;
}

const INGRESSES = [
  { ingress: 'traefik', programs: undefined },
  { ingress: 'embedded', programs: ['setpriv', 'Xvfb', 'x11vnc'] },
] as const;

/** Brings a fleet up in the background, with a screen on it. */
async function upWithScreen(fleet: Fleet, ingress: string): Promise<Traces> {
  const { exitCode, stdout, stderr } = await fleet.cli(['up', '--detach', '--json']);
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
  expect(JSON.parse(stdout)).toMatchObject({ ingress });
  const traces = await openScreen(fleet);
  expect((await leftOf(traces)).length).toBeGreaterThan(12);
  return traces;
}

describe.skipIf(lacks('traefik', 'xvfb', 'x11vnc')).each(INGRESSES)(
  'nothing of a fleet behind $ingress is left',
  ({ ingress, programs }) => {
    let fleet: Fleet;
    beforeAll(async () => {
      fleet = await newFleet(programs ? { programs } : {});
    });
    afterAll(() => fleet[Symbol.asyncDispose]());

    test('after down', async () => {
      const traces = await upWithScreen(fleet, ingress);
      expect((await fleet.cli(['down'])).exitCode).toBe(0);
      expect(await leftOf(traces)).toEqual([]);
    });

    test('after Ctrl-C', async () => {
      const foreground = fleet.start(['up']);
      await expect.poll(() => foreground.stdout(), { timeout: 60_000 }).toBe(`${fleet.url}/\n`);
      const traces = await openScreen(fleet);
      process.kill(foreground.pid, 'SIGINT');
      expect(await foreground.ended).toBe(0);
      expect(await leftOf(traces)).toEqual([]);
    });

    test(`${PROMISED_MS / 1000} s after its supervisor was killed`, async () => {
      const traces = await upWithScreen(fleet, ingress);
      process.kill(supervisorOf(fleet), 'SIGKILL');
      await expect.poll(() => leftOf(traces), { timeout: PROMISED_MS, interval: 50 }).toEqual([]);
    });

    test('after the next up or down, when supervisor and services were killed at once', async () => {
      const traces = await upWithScreen(fleet, ingress);
      for (const { pid } of fleet.processes('run.js')) process.kill(pid, 'SIGKILL');
      const next = ingress === 'traefik' ? ['up', '--detach', '--wait'] : ['down'];
      expect((await fleet.cli(next)).exitCode).toBe(0);
      const listeners = ingress === 'traefik' ? [] : traces.ports; // the new fleet has them
      expect(await leftOf({ ...traces, ports: listeners })).toEqual([]);
    });
  },
);

/** A user who owns nothing here. */
const NOBODY = '65534';

function asNobody(...command: readonly string[]): { status: number | null; said: string } {
  const args = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups', '--', ...command];
  const { status, stdout, stderr } = spawnSync('setpriv', args, {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  });
  return { status, said: stdout + stderr };
}

describe.skipIf(lacks('xvfb', 'x11vnc', 'xsetroot') || process.getuid?.() !== 0)('another user of the host', () => {
  let fleet: Fleet;
  let traces: Traces;
  beforeAll(async () => {
    fleet = await newFleet();
    chmodSync(fleet.dir, 0o755); // what is private below it must be so by itself
    await fleet.cli(['up', '--detach']);
    traces = await openScreen(fleet);
  });
  afterAll(() => fleet[Symbol.asyncDispose]());

  test('can look into the folder of the fleet, and not into its state', () => {
    expect(asNobody('cat', join(fleet.dir, 'camofleet.yaml')).status).toBe(0);
    expect(asNobody('ls', join(fleet.dir, '.camofleet'))).toMatchObject({
      status: 2,
      said: expect.stringContaining('Permission denied'),
    });
  });

  test('can read no key, no log and no cookie, also where a path is known', () => {
    const state = join(fleet.dir, '.camofleet');
    const files = readdirSync(state, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    const names = files.join('\n');
    for (const known of ['operator.key', 'service.key', 'token-keys.json', 'ca.key', 'leaf.key', 'Xauthority'])
      expect(names).toContain(`/${known}`);
    expect(asNobody('cat', ...files).said).not.toMatch(/^(?!cat: .*Permission denied$).+$/m);
  });

  test('is refused by the display', () => {
    const { display } = traces;
    const paint = asNobody('env', `DISPLAY=:${display}`, 'xsetroot', '-solid', 'red');
    expect(paint.status).not.toBe(0);
    expect(paint.said).toMatch(/[Aa]uthorization required|unable to open display/);
    const xvfb = fleet.processes('Xvfb')[0]!.argv;
    const cookie = xvfb[xvfb.indexOf('-auth') + 1]!;
    const env = { PATH: process.env['PATH'], DISPLAY: `:${display}`, XAUTHORITY: cookie };
    execFileSync('xsetroot', ['-solid', 'red'], { env }); // its owner may
  });

  test('is asked for a password by the RFB port, and offered nothing else', () => {
    const talk = `exec 3<>/dev/tcp/127.0.0.1/${traces.rfbPort}; head -c 12 <&3; printf 'RFB 003.008\\n' >&3; head -c 2 <&3 | od -An -tu1`;
    expect(asNobody('bash', '-c', talk)).toEqual({ status: 0, said: 'RFB 003.008\n   1   2\n' });
  });

  test('sees no environment of its processes, and no secret in their arguments', () => {
    for (const { pid } of processesBelow(fleet.dir)) {
      expect(asNobody('cat', `/proc/${pid}/environ`).said).toContain('Permission denied');
      expect(asNobody('cat', `/proc/${pid}/cmdline`).said).not.toMatch(/passw(?:or)?d[ =]\S{8}$|\.\.[\w-]{16}/);
    }
  });

  test('cannot stop it', () => {
    expect(asNobody('kill', String(supervisorOf(fleet))).status).not.toBe(0);
    expect(identify(supervisorOf(fleet))).toBeDefined();
  });
});
